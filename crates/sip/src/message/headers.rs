//! Header fields that have no place of their own in [`Request`](crate::Request) and [`Response`](crate::Response):
//! ordered, case-insensitive, compact forms understood (RFC 3261, 7.3).

use std::fmt;

/// The name of a header field. Two names are equal without regard to case; a compact form equals its long form.
#[derive(Debug, Clone)]
pub enum HeaderName {
    /// A name that this crate has a use for.
    Known(Known),
    /// Any other name, as written.
    Other(String),
}

macro_rules! known_headers {
    ($($variant:ident $long:literal $($compact:literal)?;)*) => {
        /// A header field name that this crate has a use for.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Known {
            $(#[doc = concat!("`", $long, "`")] $variant,)*
        }

        impl Known {
            /// The long form, in the RFC's spelling.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $long,)* }
            }

            fn from_name(name: &str) -> Option<Self> {
                $(if name.eq_ignore_ascii_case($long) $(|| name.eq_ignore_ascii_case($compact))? {
                    return Some(Self::$variant);
                })*
                None
            }
        }
    };
}

known_headers! {
    Via "Via" "v";
    From "From" "f";
    To "To" "t";
    CallId "Call-ID" "i";
    CSeq "CSeq";
    ContentLength "Content-Length" "l";
    MaxForwards "Max-Forwards";
    Contact "Contact" "m";
    ContentType "Content-Type" "c";
    Allow "Allow";
    Supported "Supported" "k";
    Require "Require";
    UserAgent "User-Agent";
    SessionExpires "Session-Expires" "x";
    MinSe "Min-SE";
    RecordRoute "Record-Route";
    Route "Route";
    Accept "Accept";
    AcceptEncoding "Accept-Encoding";
    ContentDisposition "Content-Disposition";
    ContentEncoding "Content-Encoding" "e";
    Unsupported "Unsupported";
    RetryAfter "Retry-After";
    Server "Server";
    Subject "Subject" "s";
    Reason "Reason";
    Warning "Warning";
    ReferTo "Refer-To" "r";
    Event "Event" "o";
}

impl HeaderName {
    /// The name written as `name`.
    pub fn from_name(name: &str) -> Self {
        Known::from_name(name).map_or_else(|| Self::Other(name.to_owned()), Self::Known)
    }

    /// The long form.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Known(known) => known.as_str(),
            Self::Other(name) => name,
        }
    }
}

impl PartialEq for HeaderName {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Known(a), Self::Known(b)) => a == b,
            (Self::Other(a), Self::Other(b)) => a.eq_ignore_ascii_case(b),
            (Self::Known(_), Self::Other(_)) | (Self::Other(_), Self::Known(_)) => false,
        }
    }
}

impl Eq for HeaderName {}

impl PartialEq<Known> for HeaderName {
    fn eq(&self, other: &Known) -> bool {
        matches!(self, Self::Known(known) if known == other)
    }
}

impl From<Known> for HeaderName {
    fn from(known: Known) -> Self {
        Self::Known(known)
    }
}

impl From<&str> for HeaderName {
    fn from(name: &str) -> Self {
        Self::from_name(name)
    }
}

impl fmt::Display for HeaderName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Header fields in the order in which they were received or added. A value is unfolded and trimmed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Headers {
    fields: Vec<(HeaderName, String)>,
}

impl Headers {
    /// No header fields.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a field at the end. Line breaks in `value` would end the field: they become spaces.
    pub fn push(&mut self, name: impl Into<HeaderName>, value: impl Into<String>) {
        let mut value = value.into();
        if value.contains(['\r', '\n']) {
            value = value.replace(['\r', '\n'], " ");
        }
        self.fields.push((name.into(), value));
    }

    /// Adds the field if there is none of that name.
    pub fn push_absent(&mut self, name: impl Into<HeaderName>, value: impl Into<String>) {
        let name = name.into();
        if self.first(name.clone()).is_none() {
            self.push(name, value);
        }
    }

    /// Removes all fields of that name.
    pub fn remove(&mut self, name: impl Into<HeaderName>) {
        let name = name.into();
        self.fields.retain(|(n, _)| *n != name);
    }

    /// The value of the first field of that name.
    pub fn first(&self, name: impl Into<HeaderName>) -> Option<&str> {
        let name = name.into();
        self.fields.iter().find(|(n, _)| *n == name).map(|(_, v)| v.as_str())
    }

    /// The values of all fields of that name, each split at the commas that are outside quotes and angle brackets
    /// (RFC 3261, 7.3.1); empty elements are left out.
    pub fn elements(&self, name: impl Into<HeaderName>) -> impl Iterator<Item = &str> {
        let name = name.into();
        self.fields
            .iter()
            .filter(move |(n, _)| *n == name)
            .flat_map(|(_, v)| list_elements(v))
            .filter(|e| !e.is_empty())
    }

    /// Whether a comma-separated list field of that name has `token`, without regard to case.
    pub fn has_token(&self, name: impl Into<HeaderName>, token: &str) -> bool {
        self.elements(name).any(|element| element.eq_ignore_ascii_case(token))
    }

    /// All fields in order.
    pub fn iter(&self) -> impl Iterator<Item = (&HeaderName, &str)> {
        self.fields.iter().map(|(n, v)| (n, v.as_str()))
    }

    /// The number of fields.
    pub fn len(&self) -> usize {
        self.fields.len()
    }

    /// Whether there are no fields.
    pub fn is_empty(&self) -> bool {
        self.fields.is_empty()
    }
}

/// Splits at commas outside quoted strings and angle brackets; each element is trimmed.
pub(crate) fn list_elements(value: &str) -> impl Iterator<Item = &str> {
    let mut rest = Some(value);
    std::iter::from_fn(move || {
        let text = rest?;
        let (element, after) = match top_level_comma(text).and_then(|at| text.split_at_checked(at)) {
            Some((element, tail)) => (element, tail.get(1..)),
            None => (text, None),
        };
        rest = after;
        Some(element.trim())
    })
}

fn top_level_comma(text: &str) -> Option<usize> {
    let (mut quoted, mut escaped, mut angle) = (false, false, false);
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' if !angle => quoted = !quoted,
            b'<' if !quoted => angle = true,
            b'>' if !quoted => angle = false,
            b',' if !quoted && !angle => return Some(at),
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn compact_and_long_forms_are_one_name() {
        assert_eq!(HeaderName::from_name("M"), HeaderName::from_name("contact"));
        assert_eq!(HeaderName::from_name("x"), Known::SessionExpires);
        assert_eq!(HeaderName::from_name("X-thing"), HeaderName::from_name("x-THING"));
    }

    #[test]
    fn commas_in_quotes_and_angle_brackets_do_not_split() {
        let value = r#""a, \"b" <sip:a,b@x>;p="1,2", <sip:c>,, d"#;
        let elements: Vec<_> = list_elements(value).collect();
        assert_eq!(elements, [r#""a, \"b" <sip:a,b@x>;p="1,2""#, "<sip:c>", "", "d"]);
    }

    #[test]
    fn a_value_cannot_smuggle_a_line() {
        let mut headers = Headers::new();
        headers.push("X", "a\r\nVia: b");
        assert_eq!(headers.first("x"), Some("a  Via: b"));
    }

    #[test]
    fn a_token_is_found_in_any_field_of_the_name() {
        let mut headers = Headers::new();
        headers.push("Supported", "100rel");
        headers.push("k", "replaces, Timer");
        assert!(headers.has_token(Known::Supported, "timer"));
        assert!(!headers.has_token(Known::Supported, "replace"));
    }
}
