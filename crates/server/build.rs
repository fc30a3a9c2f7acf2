//! Lets the program find the native speech library beside itself and in the places where it is installed.

fn main() {
    println!("cargo:rerun-if-env-changed=SHERPA_ONNX_LIB_DIR");
    if std::env::var_os("CARGO_FEATURE_SHERPA").is_none() {
        return;
    }
    println!("cargo:rustc-link-arg=-Wl,-rpath,$ORIGIN:$ORIGIN/..:$ORIGIN/../lib");
    // Where it was linked from: a build tree runs without copying anything.
    if let Some(directory) = std::env::var_os("SHERPA_ONNX_LIB_DIR") {
        println!("cargo:rustc-link-arg=-Wl,-rpath,{}", directory.to_string_lossy());
    }
}
