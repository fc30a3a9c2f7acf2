//! `;name=value` parameters, of URIs and of header fields.

use std::fmt;

use nom::combinator::opt;
use nom::sequence::preceded;
use nom::{IResult, Parser};

use super::grammar::{is_escaped_text, is_unreserved, parameter_value, spaced, token};

/// One parameter, as written.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Param {
    /// The name.
    pub name: String,
    /// What follows `=`, quotes included; `None` without `=`.
    pub value: Option<String>,
}

/// Parameters in order. Names are compared without regard to case.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Params {
    list: Vec<Param>,
}

impl Params {
    /// No parameters.
    pub fn new() -> Self {
        Self::default()
    }

    /// The first parameter with that name.
    pub fn find(&self, name: &str) -> Option<&Param> {
        self.list.iter().find(|param| param.name.eq_ignore_ascii_case(name))
    }

    /// The value of the first parameter with that name, if it has one.
    pub fn value(&self, name: &str) -> Option<&str> {
        self.find(name)?.value.as_deref()
    }

    /// Whether there is a parameter with that name.
    pub fn has(&self, name: &str) -> bool {
        self.find(name).is_some()
    }

    /// Sets the value of the parameter with that name, in place or at the end. The caller gives text that needs no
    /// quotes.
    pub fn set(&mut self, name: &str, value: Option<String>) {
        match self.list.iter_mut().find(|param| param.name.eq_ignore_ascii_case(name)) {
            Some(param) => param.value = value,
            None => self.list.push(Param { name: name.to_owned(), value }),
        }
    }

    /// Removes the parameters with that name.
    pub fn remove(&mut self, name: &str) {
        self.list.retain(|param| !param.name.eq_ignore_ascii_case(name));
    }

    /// All parameters in order.
    pub fn iter(&self) -> impl Iterator<Item = &Param> {
        self.list.iter()
    }

    /// `*(SEMI generic-param)` of a header field.
    pub(crate) fn parse_generic(mut input: &str) -> IResult<&str, Self> {
        let mut list = Vec::new();
        while let (rest, Some((name, value))) =
            opt(preceded(spaced(';'), (token, opt(preceded(spaced('='), parameter_value))))).parse(input)?
        {
            list.push(Param { name: name.to_owned(), value: value.map(str::to_owned) });
            input = rest;
        }
        Ok((input, Self { list }))
    }

    /// The parameters of a SIP URI (RFC 3261, 25.1, `uri-parameters`), without the first semicolon.
    pub(crate) fn parse_uri(text: &str) -> Option<Self> {
        let allowed = |byte: u8| is_unreserved(byte) || b"[]/:&+$".contains(&byte);
        let list = text.split(';').map(|part| {
            let (name, value) = match part.split_once('=') {
                Some((name, value)) => (name, Some(value)),
                None => (part, None),
            };
            let fine =
                !name.is_empty() && is_escaped_text(name, allowed) && value.is_none_or(|v| is_escaped_text(v, allowed));
            fine.then(|| Param { name: name.to_owned(), value: value.map(str::to_owned) })
        });
        Some(Self { list: list.collect::<Option<_>>()? })
    }
}

impl fmt::Display for Params {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for param in &self.list {
            f.write_str(";")?;
            f.write_str(&param.name)?;
            if let Some(value) = &param.value {
                f.write_str("=")?;
                f.write_str(value)?;
            }
        }
        Ok(())
    }
}
