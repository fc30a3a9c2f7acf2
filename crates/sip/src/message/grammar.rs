//! The rules of RFC 3261, 25.1 that several header fields share, as nom parsers.

use nom::branch::alt;
use nom::bytes::complete::{is_a, take_while, take_while1};
use nom::character::complete::char;
use nom::combinator::{recognize, verify};
use nom::multi::many0_count;
use nom::sequence::{delimited, pair, preceded};
use nom::{IResult, Parser};

pub(crate) fn is_token_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-.!%*_+`'~".contains(&byte)
}

/// `token`
pub(crate) fn token(input: &str) -> IResult<&str, &str> {
    take_while1(|c: char| u8::try_from(c).is_ok_and(is_token_byte)).parse(input)
}

/// `LWS`, after unfolding: any blanks.
pub(crate) fn blanks(input: &str) -> IResult<&str, &str> {
    take_while(|c| c == ' ' || c == '\t').parse(input)
}

/// A delimiter such as SEMI or EQUAL, with blanks around it.
pub(crate) fn spaced<'a>(delimiter: char) -> impl Parser<&'a str, Output = char, Error = nom::error::Error<&'a str>> {
    delimited(blanks, char(delimiter), blanks)
}

/// `quoted-string`, quotes and escapes kept.
pub(crate) fn quoted_string(input: &str) -> IResult<&str, &str> {
    let text = take_while1(|c| c != '"' && c != '\\');
    let escape = pair(char('\\'), nom::character::complete::anychar);
    recognize((char('"'), many0_count(alt((recognize(escape), text))), char('"'))).parse(input)
}

/// `gen-value`: a token, a host or a quoted string. More characters than a token has are taken, for the peers that
/// write them bare.
pub(crate) fn parameter_value(input: &str) -> IResult<&str, &str> {
    let bare = take_while1(|c: char| !c.is_ascii_control() && !" ;,\"<>?=".contains(c));
    alt((quoted_string, bare)).parse(input)
}

/// `1*DIGIT` that fits `u32`.
pub(crate) fn number(input: &str) -> IResult<&str, u32> {
    nom::character::complete::u32.parse(input)
}

/// `host` as it is written: a name, an IPv4 address or an IPv6 reference in brackets.
pub(crate) fn host_text(input: &str) -> IResult<&str, &str> {
    let name = take_while1(|c: char| c.is_ascii_alphanumeric() || c == '-' || c == '.' || c == '_');
    let reference = delimited(char('['), is_a("0123456789abcdefABCDEF:."), char(']'));
    alt((recognize(reference), name)).parse(input)
}

/// `":" port`
pub(crate) fn port(input: &str) -> IResult<&str, u16> {
    preceded(spaced(':'), nom::character::complete::u16).parse(input)
}

/// Whether each `%` of `text` starts a well-formed escape and each other character satisfies `allowed`.
pub(crate) fn is_escaped_text(text: &str, allowed: impl Fn(u8) -> bool) -> bool {
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        let fine = match byte {
            b'%' => {
                bytes.next().is_some_and(|b| b.is_ascii_hexdigit())
                    && bytes.next().is_some_and(|b| b.is_ascii_hexdigit())
            }
            other => allowed(other),
        };
        if !fine {
            return false;
        }
    }
    true
}

pub(crate) fn is_unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-_.!~*'()".contains(&byte)
}

/// A whole value: `parser` must take all of `value`, blanks aside.
pub(crate) fn whole<'a, T>(
    parser: impl Parser<&'a str, Output = T, Error = nom::error::Error<&'a str>>,
    value: &'a str,
) -> Option<T> {
    let mut trimmed = delimited(blanks, parser, blanks);
    match trimmed.parse(value) {
        Ok(("", parsed)) => Some(parsed),
        Ok(_) | Err(_) => None,
    }
}

/// `scheme` of a URI (RFC 3986, 3.1).
pub(crate) fn scheme(input: &str) -> IResult<&str, &str> {
    verify(take_while1(|c: char| c.is_ascii_alphanumeric() || "+-.".contains(c)), |s: &str| {
        s.starts_with(|c: char| c.is_ascii_alphabetic())
    })
    .parse(input)
}
