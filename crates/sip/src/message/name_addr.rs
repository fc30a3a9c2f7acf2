//! `name-addr` and `addr-spec` with header parameters: From, To, Contact, Route, Record-Route (RFC 3261, 20).

use std::fmt;

use nom::branch::alt;
use nom::bytes::complete::{take_while, take_while1};
use nom::character::complete::char;
use nom::combinator::{map_opt, opt};
use nom::sequence::{delimited, terminated};
use nom::{IResult, Parser};

use super::grammar::{blanks, is_token_byte, quoted_string, whole};
use super::params::Params;
use super::uri::Uri;

/// A URI with an optional display name and header parameters.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct NameAddr {
    /// The display name as written, quotes included; never with a line break.
    pub display: Option<String>,
    /// The URI.
    pub uri: Uri,
    /// The parameters of the header field, not of the URI.
    pub params: Params,
}

impl NameAddr {
    /// A bare URI.
    pub fn new(uri: Uri) -> Self {
        Self { display: None, uri, params: Params::new() }
    }

    /// The same with another tag.
    pub fn with_tag(mut self, tag: &str) -> Self {
        self.params.set("tag", Some(tag.to_owned()));
        self
    }

    /// The `tag` parameter.
    pub fn tag(&self) -> Option<&str> {
        self.params.value("tag")
    }

    /// Reads a value that is all of `text`; `None` if it is not one.
    pub fn parse(text: &str) -> Option<Self> {
        whole(name_addr, text)
    }
}

fn name_addr(input: &str) -> IResult<&str, NameAddr> {
    let bracketed = delimited(char('<'), map_opt(take_while(|c| c != '>' && c != '<'), Uri::parse), char('>'));
    let with_display = (opt(terminated(display, blanks)), bracketed);
    // Without brackets a semicolon, comma or question mark ends the URI (RFC 3261, 20.10).
    let bare = map_opt(take_while1(|c: char| !" \t;,?<>\"".contains(c)), Uri::parse).map(|uri| (None, uri));
    let (rest, (display, uri)) = alt((with_display, bare)).parse(input)?;
    let (rest, params) = Params::parse_generic(rest)?;
    Ok((rest, NameAddr { display: display.map(str::to_owned), uri, params }))
}

/// `display-name`. Characters beyond ASCII are taken without quotes too, since real names come so.
fn display(input: &str) -> IResult<&str, &str> {
    let words =
        take_while1(|c: char| c == ' ' || c == '\t' || !c.is_ascii() || u8::try_from(c).is_ok_and(is_token_byte));
    alt((quoted_string, words.map(|text: &str| text.trim_end_matches([' ', '\t'])))).parse(input)
}

impl fmt::Display for NameAddr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.display.as_deref() {
            Some(display) if !display.is_empty() => write!(f, "{display} ")?,
            Some(_) | None => {}
        }
        write!(f, "<{}>{}", self.uri, self.params)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn name_and_parameters_are_told_from_the_uri() {
        let value = NameAddr::parse(r#""J Rosenberg \\\"" <sip:jdrosen@example.com;lr>  ; tag = 98asjd8"#).unwrap();
        assert_eq!(value.display.as_deref(), Some(r#""J Rosenberg \\\"""#));
        assert_eq!(value.uri.to_string(), "sip:jdrosen@example.com;lr");
        assert_eq!(value.tag(), Some("98asjd8"));
    }

    #[test]
    fn parameters_after_a_bare_uri_belong_to_the_field() {
        let value = NameAddr::parse("sip:+16505552222@ss1.example.net;user=phone").unwrap();
        assert_eq!(value.params.value("user"), Some("phone"));
        assert_eq!(value.to_string(), "<sip:+16505552222@ss1.example.net>;user=phone");
    }

    #[test]
    fn what_is_not_a_name_addr_is_refused() {
        for text in [
            "",
            r#""Mr. J. User <sip:j.user@example.com>"#,
            "Bell, Alexander <sip:a@b>",
            "< sip:t.watson@example.org >",
            "<sip:a@b",
            "<sip:a@b>;;;",
            "<sip:a@b> x",
            "sip:user@example.com?Route=x",
        ] {
            assert_eq!(NameAddr::parse(text), None, "{text}");
        }
    }
}
