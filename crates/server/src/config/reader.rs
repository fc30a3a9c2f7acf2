//! Reads a TOML table key by key, with defaults, and collects every mistake instead of stopping at the first.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::ops::RangeInclusive;
use std::time::Duration;

use toml::{Table, Value};

/// One mistake in the configuration: which key, what it holds, why that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mistake {
    /// Dotted path of the key, such as `sip.port`.
    pub key: String,
    /// The offending value as written, or empty where there is none.
    pub value: String,
    /// What is wrong with it.
    pub reason: String,
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.value.is_empty() {
            write!(f, "{}: {}", self.key, self.reason)
        } else {
            write!(f, "{} = {}: {}", self.key, self.value, self.reason)
        }
    }
}

/// A table being read. Each accessor consumes its key; keys left over at [`Section::finish`] are unknown.
pub(super) struct Section<'a> {
    path: String,
    table: Table,
    mistakes: &'a mut Vec<Mistake>,
}

impl<'a> Section<'a> {
    /// Takes the table `name` out of `root`; absent is an empty table.
    pub(super) fn take(root: &mut Table, name: &str, mistakes: &'a mut Vec<Mistake>) -> Self {
        let table = match root.remove(name) {
            None => Table::new(),
            Some(Value::Table(table)) => table,
            Some(other) => {
                mistakes.push(Mistake {
                    key: name.to_owned(),
                    value: other.to_string(),
                    reason: format!("must be a table: write [{name}]"),
                });
                Table::new()
            }
        };
        Self { path: name.to_owned(), table, mistakes }
    }

    fn wrong(&mut self, key: &str, value: &Value, reason: impl Into<String>) {
        self.mistakes.push(Mistake {
            key: format!("{}.{key}", self.path),
            value: value.to_string(),
            reason: reason.into(),
        });
    }

    /// Records that `key` cannot be used for a reason that needs more than the key itself.
    pub(super) fn reject(&mut self, key: &str, value: impl fmt::Display, reason: impl Into<String>) {
        self.mistakes.push(Mistake {
            key: format!("{}.{key}", self.path),
            value: value.to_string(),
            reason: reason.into(),
        });
    }

    pub(super) fn integer(&mut self, key: &str, default: i64, range: RangeInclusive<i64>) -> i64 {
        match self.table.remove(key) {
            None => default,
            Some(Value::Integer(number)) if range.contains(&number) => number,
            Some(value @ Value::Integer(_)) => {
                self.wrong(key, &value, format!("must be from {} to {}", range.start(), range.end()));
                default
            }
            Some(value) => {
                self.wrong(key, &value, "must be a whole number");
                default
            }
        }
    }

    pub(super) fn count(&mut self, key: &str, default: usize, range: RangeInclusive<usize>) -> usize {
        let bounds = i64::try_from(*range.start()).unwrap_or(0)..=i64::try_from(*range.end()).unwrap_or(i64::MAX);
        let default = i64::try_from(default).unwrap_or(i64::MAX);
        usize::try_from(self.integer(key, default, bounds)).unwrap_or(0)
    }

    pub(super) fn port(&mut self, key: &str, default: u16) -> u16 {
        u16::try_from(self.integer(key, i64::from(default), 0..=65535)).unwrap_or(default)
    }

    pub(super) fn millis(&mut self, key: &str, default_ms: i64, range: RangeInclusive<i64>) -> Duration {
        Duration::from_millis(u64::try_from(self.integer(key, default_ms, range)).unwrap_or(0))
    }

    pub(super) fn seconds(&mut self, key: &str, default_s: i64, range: RangeInclusive<i64>) -> Duration {
        Duration::from_secs(u64::try_from(self.integer(key, default_s, range)).unwrap_or(0))
    }

    pub(super) fn fraction(&mut self, key: &str, default: f32) -> f32 {
        match self.table.remove(key) {
            None => default,
            #[expect(clippy::cast_possible_truncation, reason = "a fraction between 0 and 1 fits")]
            Some(Value::Float(number)) if (0.0..=1.0).contains(&number) => number as f32,
            Some(Value::Integer(0)) => 0.0,
            Some(Value::Integer(1)) => 1.0,
            Some(value) => {
                self.wrong(key, &value, "must be a number from 0 to 1");
                default
            }
        }
    }

    pub(super) fn flag(&mut self, key: &str, default: bool) -> bool {
        match self.table.remove(key) {
            None => default,
            Some(Value::Boolean(flag)) => flag,
            Some(value) => {
                self.wrong(key, &value, "must be true or false");
                default
            }
        }
    }

    pub(super) fn text(&mut self, key: &str) -> Option<String> {
        match self.table.remove(key) {
            None => None,
            Some(Value::String(text)) => Some(text),
            Some(value) => {
                self.wrong(key, &value, "must be a string");
                None
            }
        }
    }

    /// A string that `parse` understands; its error is the reason given to the operator.
    pub(super) fn parsed<T>(&mut self, key: &str, default: T, parse: impl Fn(&str) -> Result<T, String>) -> T {
        match self.table.remove(key) {
            None => default,
            Some(Value::String(text)) => match parse(&text) {
                Ok(parsed) => parsed,
                Err(reason) => {
                    self.wrong(key, &Value::String(text), reason);
                    default
                }
            },
            Some(value) => {
                self.wrong(key, &value, "must be a string");
                default
            }
        }
    }

    pub(super) fn address(&mut self, key: &str, default: SocketAddr) -> SocketAddr {
        self.parsed(key, default, |text| {
            text.parse().map_err(|_| "must be an address and port, such as 127.0.0.1:9060".to_owned())
        })
    }

    pub(super) fn ip(&mut self, key: &str, default: IpAddr) -> IpAddr {
        self.parsed(key, default, |text| text.parse().map_err(|_| "must be an IP address".to_owned()))
    }

    pub(super) fn list<T>(&mut self, key: &str, default: Vec<T>, parse: impl Fn(&str) -> Result<T, String>) -> Vec<T> {
        match self.table.remove(key) {
            None => default,
            Some(Value::Array(values)) => {
                let mut parsed = Vec::with_capacity(values.len());
                for value in values {
                    match value.as_str().map(&parse) {
                        Some(Ok(item)) => parsed.push(item),
                        Some(Err(reason)) => self.wrong(key, &value, reason),
                        None => self.wrong(key, &value, "must be a string"),
                    }
                }
                parsed
            }
            Some(value) => {
                self.wrong(key, &value, "must be a list of strings");
                default
            }
        }
    }

    /// Several strings: an array, or one string with commas between.
    pub(super) fn several(&mut self, key: &str, parse: impl Fn(&str) -> Result<String, String>) -> Vec<String> {
        if let Some(Value::String(text)) = self.table.get(key) {
            let parts = text.split(',').map(str::trim).filter(|part| !part.is_empty());
            let parts = parts.map(|part| Value::String(part.to_owned())).collect();
            self.table.insert(key.to_owned(), Value::Array(parts));
        }
        self.list(key, Vec::new(), parse)
    }

    /// The sub-table `key` as it stands, for a part that reads itself.
    pub(super) fn table(&mut self, key: &str) -> Option<Table> {
        match self.table.remove(key) {
            None => None,
            Some(Value::Table(table)) => Some(table),
            Some(value) => {
                self.wrong(key, &value, "must be a table");
                None
            }
        }
    }

    /// The sub-table `key` as a type that describes itself; absent is its default.
    pub(super) fn described<T: serde::de::DeserializeOwned + Default>(&mut self, key: &str) -> T {
        let Some(table) = self.table(key) else { return T::default() };
        match Value::Table(table).try_into() {
            Ok(described) => described,
            Err(error) => {
                let error: toml::de::Error = error;
                self.reject(key, "", error.message());
                T::default()
            }
        }
    }

    /// Reports every key that nobody asked for.
    pub(super) fn finish(self) {
        for (key, value) in self.table {
            self.mistakes.push(Mistake {
                key: format!("{}.{key}", self.path),
                value: value.to_string(),
                reason: "unknown key".to_owned(),
            });
        }
    }
}
