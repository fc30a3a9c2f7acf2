//! Traditional Chinese characters as simplified ones.

use std::path::Path;

use crate::table::{LoadError, Table};

/// Writes Chinese text in simplified characters. Recognizers that were trained on both write either.
pub struct Simplified {
    characters: Table,
}

impl Simplified {
    /// Loads the prepared file: `traditional simplified`, one character each, sorted.
    ///
    /// # Errors
    /// When it cannot be read or is not sorted.
    pub fn load(path: &Path) -> Result<Simplified, LoadError> {
        Ok(Simplified { characters: Table::load(path)? })
    }

    /// `text` in simplified characters; everything else in it stays.
    #[must_use]
    pub fn simplify(&self, text: &str) -> String {
        let mut result = String::with_capacity(text.len());
        for character in text.chars() {
            match self.characters.find(character.encode_utf8(&mut [0; 4])) {
                Some(simplified) => result.push_str(simplified),
                None => result.push(character),
            }
        }
        result
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_traditional_characters_change() {
        let simplified = Simplified { characters: Table::of(&["沒 没", "發 发", "燒 烧"]) };
        assert_eq!(simplified.simplify("沒有發燒, OK 没有"), "没有发烧, OK 没有");
        assert_eq!(simplified.simplify(""), "");
    }
}
