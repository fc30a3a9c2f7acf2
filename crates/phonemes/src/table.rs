//! A text file of `key value` lines, sorted by key in byte order: searched as it is, without building a map.

use std::path::{Path, PathBuf};

/// Why a table could not be loaded.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The file could not be read.
    #[error("cannot read {path}")]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The file is empty, or its lines are not sorted: it is not one that was prepared for this program.
    #[error("{path}, line {line}: not a table of keys in order")]
    Order {
        /// The file.
        path: PathBuf,
        /// Number of the line, from 1.
        line: usize,
    },
}

pub(crate) struct Table {
    text: String,
    /// Where each line starts.
    lines: Vec<u32>,
}

impl Table {
    pub(crate) fn load(path: &Path) -> Result<Table, LoadError> {
        let text = std::fs::read_to_string(path).map_err(|source| LoadError::Io { path: path.to_owned(), source })?;
        Table::parse(text).map_err(|line| LoadError::Order { path: path.to_owned(), line })
    }

    /// The error is the number of the first line that is out of order.
    pub(crate) fn parse(text: String) -> Result<Table, usize> {
        let mut lines = Vec::new();
        let mut start = 0;
        let mut last = "";
        for (index, line) in text.split_inclusive('\n').enumerate() {
            let key = entry(line).0;
            if index > 0 && key <= last {
                return Err(index + 1);
            }
            last = key;
            lines.push(u32::try_from(start).map_err(|_| index + 1)?);
            start += line.len();
        }
        if lines.is_empty() { Err(1) } else { Ok(Table { text, lines }) }
    }

    /// A table of these lines, put in order.
    #[cfg(test)]
    pub(crate) fn of(lines: &[&str]) -> Table {
        let mut lines: Vec<String> = lines.iter().map(|line| format!("{line}\n")).collect();
        lines.sort();
        Table::parse(lines.concat()).unwrap()
    }

    pub(crate) fn find(&self, key: &str) -> Option<&str> {
        let found = self.lines.binary_search_by(|&start| self.line(start).0.cmp(key)).ok()?;
        self.lines.get(found).map(|&start| self.line(start).1)
    }

    fn line(&self, start: u32) -> (&str, &str) {
        let rest = usize::try_from(start).ok().and_then(|start| self.text.get(start..)).unwrap_or_default();
        entry(rest)
    }
}

/// Key and value of the first line of `text`.
fn entry(text: &str) -> (&str, &str) {
    let line = text.split('\n').next().unwrap_or_default();
    line.split_once(' ').unwrap_or((line, ""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_is_found_and_nothing_else() {
        let table = Table::parse("a 1\nab 2\nb \nc 3 4\n".to_owned()).unwrap();
        assert_eq!(["a", "ab", "b", "c"].map(|key| table.find(key)), [Some("1"), Some("2"), Some(""), Some("3 4")]);
        assert_eq!(["", "aa", "d", "ab ", "A"].map(|key| table.find(key)), [None; 5]);
    }

    #[test]
    fn lines_out_of_order_are_refused_by_number() {
        assert_eq!(Table::parse("a 1\nc 2\nb 3\n".to_owned()).err(), Some(3));
        assert_eq!(Table::parse("a 1\na 2\n".to_owned()).err(), Some(2));
        assert_eq!(Table::parse(String::new()).err(), Some(1));
    }

    #[test]
    fn a_missing_file_is_named() {
        let error = Table::load(Path::new("no/such/file")).err().unwrap();
        assert_eq!(error.to_string(), "cannot read no/such/file");
    }
}
