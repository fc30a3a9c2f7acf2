//! Lets this package's own tests find the native libraries, which the library's build script copies beside them.
//! A program that depends on this crate needs the same line in its own build script: see `docs/ENGINES.md`.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    if std::env::var_os("CARGO_FEATURE_SHERPA").is_some() {
        println!("cargo::rustc-link-arg=-Wl,-rpath,$ORIGIN:$ORIGIN/..:$ORIGIN/../lib");
    }
}
