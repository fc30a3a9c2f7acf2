//! Prints the phonemes of each sentence read from standard input.
//!
//! usage: `cargo run -p phonemes --example phonemes -- DIRECTORY`, where `lexicon.txt` and `letters.txt` are

use std::path::PathBuf;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let directory = PathBuf::from(std::env::args_os().nth(1).ok_or("usage: phonemes DIRECTORY")?);
    let english = phonemes::English::load(&directory.join("lexicon.txt"), &directory.join("letters.txt"))?;
    for line in std::io::stdin().lines() {
        println!("{}", english.phonemes(&line?).join("|"));
    }
    Ok(())
}
