//! `Vendor-Specific-Parameters` (RFC 6787 §6.2.16): `name=value` pairs separated by semicolons.

use std::fmt;

/// Vendor parameters in the order received. Names compare exactly.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct VendorParameters(Vec<(String, String)>);

impl VendorParameters {
    /// Reads a header value. A value may be a quoted string, in which a semicolon does not separate; a name without `=`
    /// (as GET-PARAMS lists them) has an empty value. Nothing is refused: what stock clients send need not be the RFC's.
    pub fn parse(value: &str) -> Self {
        let mut parameters = Self::default();
        let mut rest = value;
        loop {
            let (item, after) = split_item(rest);
            let (name, value) = item.split_once('=').unwrap_or((item, ""));
            if !name.trim().is_empty() {
                parameters.set(name.trim(), &unquote(value.trim()));
            }
            match after {
                Some(after) => rest = after,
                None => return parameters,
            }
        }
    }

    /// The value of a parameter, unquoted.
    pub fn value(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// Sets a parameter, replacing an earlier value.
    pub fn set(&mut self, name: &str, value: &str) {
        match self.0.iter_mut().find(|(known, _)| known == name) {
            Some((_, slot)) => value.clone_into(slot),
            None => self.0.push((name.to_owned(), value.to_owned())),
        }
    }

    /// Sets every parameter of `other`.
    pub fn extend(&mut self, other: &Self) {
        for (name, value) in other.iter() {
            self.set(name, value);
        }
    }

    /// The pairs in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Display for VendorParameters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, (name, value)) in self.iter().enumerate() {
            if index > 0 {
                f.write_str(";")?;
            }
            let is_token = !value.bytes().any(|byte| matches!(byte, b';' | b'"' | b'\\') || byte.is_ascii_whitespace());
            if is_token {
                write!(f, "{name}={value}")?;
            } else {
                write!(f, "{name}=\"{}\"", value.replace('\\', "\\\\").replace('"', "\\\""))?;
            }
        }
        Ok(())
    }
}

/// Cuts at the first semicolon outside quotes.
fn split_item(text: &str) -> (&str, Option<&str>) {
    let mut quoted = false;
    let mut escaped = false;
    for (at, char) in text.char_indices() {
        match char {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            ';' if !quoted => {
                let (item, rest) = text.split_at(at);
                return (item, rest.strip_prefix(';'));
            }
            _ => {}
        }
    }
    (text, None)
}

fn unquote(value: &str) -> String {
    let Some(inner) = value.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) else {
        return value.to_owned();
    };
    let mut text = String::with_capacity(inner.len());
    let mut escaped = false;
    for char in inner.chars() {
        if char == '\\' && !escaped {
            escaped = true;
        } else {
            escaped = false;
            text.push(char);
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ghf_027_pairs_are_read_with_and_without_quotes() {
        let read = VendorParameters::parse("com.example.x=1;com.example.y=\"two;\\\"2\\\"\"; z");
        assert_eq!(
            read.iter().collect::<Vec<_>>(),
            [("com.example.x", "1"), ("com.example.y", "two;\"2\""), ("z", "")]
        );
    }

    #[test]
    fn what_is_printed_reads_back_the_same() {
        let mut parameters = VendorParameters::default();
        parameters.set("a", "x;y \"z\" \\");
        parameters.set("b", "");
        parameters.set("a", "again; \\");
        assert_eq!(VendorParameters::parse(&parameters.to_string()), parameters);
    }

    #[test]
    fn an_open_quote_takes_the_rest_as_it_is() {
        assert_eq!(VendorParameters::parse("a=\"b;c").value("a"), Some("\"b;c"));
    }
}
