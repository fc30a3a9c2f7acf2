//! Header fields in order, and typed readings of their values (RFC 6787 §6.2).

use std::fmt;
use std::time::Duration;

use crate::{
    CacheControl, HeaderName, RecognizerCause, RecorderCause, RequestId, SynthesizerCause, ValueKind, VendorParameters,
};

/// One header field. The value is without surrounding white space, unfolded, and never holds a line end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    /// The name.
    pub name: HeaderName,
    /// The value.
    pub value: String,
}

/// A header whose value does not have the syntax that its name demands (answered 404, echoing name and value).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeaderError {
    /// The name.
    pub name: HeaderName,
    /// The value as received.
    pub value: String,
}

impl fmt::Display for HeaderError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "illegal value for header {}", self.name)
    }
}

impl std::error::Error for HeaderError {}

/// Longest timeout we take: a day, far beyond any call. Longer ones are legal and answered 409; where one is read all the same it is
/// cut to this, so that no arithmetic on time overflows.
const DURATION_MAX: Duration = Duration::from_secs(24 * 60 * 60);

/// The header fields of a message, in order, without `Channel-Identifier` and `Content-Length`: those are fields of the
/// message itself.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Headers(Vec<Header>);

impl Headers {
    /// No headers.
    pub const fn new() -> Self {
        Self(Vec::new())
    }

    /// Appends a field. Line ends and other control characters in `value` become spaces, so that a value can never add a
    /// field or end the header section.
    pub fn push(&mut self, name: HeaderName, value: impl Into<String>) {
        let value = value.into();
        let value = if value.bytes().any(|byte| byte.is_ascii_control()) {
            value.replace(|char: char| char.is_ascii_control(), " ")
        } else {
            value
        };
        self.0.push(Header { name, value: value.trim().to_owned() });
    }

    /// [`push`](Self::push), for building in one expression.
    #[must_use]
    pub fn with(mut self, name: HeaderName, value: impl Into<String>) -> Self {
        self.push(name, value);
        self
    }

    /// The fields in order.
    pub fn iter(&self) -> impl Iterator<Item = &Header> {
        self.0.iter()
    }

    /// How many fields there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether the header is there, with or without a value.
    pub fn contains(&self, name: &HeaderName) -> bool {
        self.text(name).is_some()
    }

    /// The first field of that name, as text.
    pub fn text(&self, name: &HeaderName) -> Option<&str> {
        self.0.iter().find(|header| header.name == *name).map(|header| header.value.as_str())
    }

    /// All values of that name, in order.
    pub fn all<'a>(&'a self, name: &'a HeaderName) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |header| header.name == *name).map(|header| header.value.as_str())
    }

    /// A BOOLEAN header.
    ///
    /// # Errors
    /// When it is there and is neither `true` nor `false`.
    pub fn boolean(&self, name: &HeaderName) -> Result<Option<bool>, HeaderError> {
        self.read(name, boolean)
    }

    /// A FLOAT header within 0.0–1.0.
    ///
    /// # Errors
    /// When it is there and is not such a number.
    pub fn fraction(&self, name: &HeaderName) -> Result<Option<f32>, HeaderError> {
        self.read(name, fraction)
    }

    /// A whole number.
    ///
    /// # Errors
    /// When it is there and is not a number of 1–19 digits.
    pub fn integer(&self, name: &HeaderName) -> Result<Option<u64>, HeaderError> {
        self.read(name, integer)
    }

    /// A time in milliseconds, cut to one day.
    ///
    /// # Errors
    /// When it is there and is not a number of 1–19 digits.
    pub fn duration(&self, name: &HeaderName) -> Result<Option<Duration>, HeaderError> {
        self.read(name, |value| integer(value).map(|ms| Duration::from_millis(ms).min(DURATION_MAX)))
    }

    /// `Active-Request-Id-List` (§6.2.3): the ids in order.
    ///
    /// # Errors
    /// When it is there and is not a list of ids.
    pub fn active_request_ids(&self) -> Result<Option<Vec<RequestId>>, HeaderError> {
        self.read(&HeaderName::ActiveRequestIdList, request_ids)
    }

    /// `Content-Type` (§6.2.6), as sent.
    pub fn content_type(&self) -> Option<&str> {
        self.text(&HeaderName::ContentType)
    }

    /// `Content-ID` (§6.2.7) without angle brackets; stock clients send it bare. `None` when absent or empty.
    pub fn content_id(&self) -> Option<&str> {
        let value = self.text(&HeaderName::ContentId)?;
        let bare = value.strip_prefix('<').and_then(|rest| rest.strip_suffix('>')).unwrap_or(value).trim();
        (!bare.is_empty()).then_some(bare)
    }

    /// `Vendor-Specific-Parameters` (§6.2.16), of all its fields.
    pub fn vendor_parameters(&self) -> VendorParameters {
        let mut parameters = VendorParameters::default();
        for value in self.all(&HeaderName::VendorSpecificParameters) {
            parameters.extend(&VendorParameters::parse(value));
        }
        parameters
    }

    /// `Logging-Tag` (§6.2.14).
    pub fn logging_tag(&self) -> Option<&str> {
        self.text(&HeaderName::LoggingTag)
    }

    /// `Speech-Language` (§8.4.9, §9.4.24).
    pub fn speech_language(&self) -> Option<&str> {
        self.text(&HeaderName::SpeechLanguage)
    }

    /// `Completion-Cause` on a recognizer channel (§9.4.11).
    pub fn recognizer_cause(&self) -> Option<RecognizerCause> {
        self.text(&HeaderName::CompletionCause).and_then(RecognizerCause::from_value)
    }

    /// `Completion-Cause` on a synthesizer channel (§8.4.4).
    pub fn synthesizer_cause(&self) -> Option<SynthesizerCause> {
        self.text(&HeaderName::CompletionCause).and_then(SynthesizerCause::from_value)
    }

    /// `Completion-Cause` on a recorder channel (§10.4.3).
    pub fn recorder_cause(&self) -> Option<RecorderCause> {
        self.text(&HeaderName::CompletionCause).and_then(RecorderCause::from_value)
    }

    fn read<T>(&self, name: &HeaderName, parse: impl Fn(&str) -> Option<T>) -> Result<Option<T>, HeaderError> {
        match self.text(name) {
            None => Ok(None),
            Some(value) => match parse(value) {
                Some(parsed) => Ok(Some(parsed)),
                None => Err(HeaderError { name: name.clone(), value: value.to_owned() }),
            },
        }
    }
}

impl IntoIterator for Headers {
    type Item = Header;
    type IntoIter = std::vec::IntoIter<Header>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl FromIterator<Header> for Headers {
    fn from_iter<I: IntoIterator<Item = Header>>(headers: I) -> Self {
        let mut collected = Self::new();
        for header in headers {
            collected.push(header.name, header.value);
        }
        collected
    }
}

impl Header {
    /// Whether the value is legal but more than we take (409): a timeout of more than a day.
    pub(crate) fn is_excessive(&self) -> bool {
        let ms = || integer(&self.value).is_some_and(|ms| Duration::from_millis(ms) > DURATION_MAX);
        self.name.kind() == ValueKind::Milliseconds && ms()
    }

    /// Whether the value has the syntax that the name demands.
    pub fn is_legal(&self) -> bool {
        let value = self.value.as_str();
        match self.name.kind() {
            ValueKind::Text => true,
            ValueKind::Boolean => boolean(value).is_some(),
            ValueKind::Fraction => fraction(value).is_some(),
            ValueKind::Integer(least) => integer(value).is_some_and(|number| number >= least),
            ValueKind::Milliseconds => integer(value).is_some(),
            ValueKind::RequestIds => request_ids(value).is_some(),
            ValueKind::Character => value.chars().count() <= 1,
            ValueKind::RecognitionMode => is_one_of(value, &["normal", "hotword"]),
            ValueKind::Gender => is_one_of(value, &["male", "female", "neutral"]),
            ValueKind::CacheControl => CacheControl::parse(value).is_some(),
            ValueKind::FetchHint => is_one_of(value, &["prefetch", "safe"]),
            ValueKind::AudioFetchHint => is_one_of(value, &["prefetch", "safe", "stream"]),
            ValueKind::Language => is_language_tag(value),
            ValueKind::ProsodyRate => {
                is_one_of(value, &["x-slow", "slow", "medium", "fast", "x-fast", "default"]) || is_amount(value, &["%"])
            }
            ValueKind::ProsodyPitch => {
                let words = ["x-low", "low", "medium", "high", "x-high", "default"];
                is_one_of(value, &words) || is_amount(value, &["%", "Hz", "st"])
            }
            ValueKind::ProsodyVolume => {
                let words = ["silent", "x-soft", "soft", "medium", "loud", "x-loud", "default"];
                is_one_of(value, &words) || is_amount(value, &["%", "dB"])
            }
            ValueKind::UriList => crate::synthesizer::lexicon_uris(value).is_some(),
        }
    }
}

fn is_one_of(value: &str, words: &[&str]) -> bool {
    words.iter().any(|word| word.eq_ignore_ascii_case(value))
}

/// A number of SSML: perhaps a sign, digits with an optional point, perhaps a unit. Spaces before the unit are taken.
fn is_amount(value: &str, units: &[&str]) -> bool {
    let value = value.trim_start_matches(['+', '-']);
    let lower = value.to_ascii_lowercase();
    let number = units.iter().find_map(|unit| lower.strip_suffix(&unit.to_ascii_lowercase())).unwrap_or(&lower).trim();
    !number.is_empty()
        && number.len() <= 32
        && number.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.')
        && number.parse::<f64>().is_ok()
}

/// Letters first, then subtags of up to eight letters and digits. A tag of the POSIX kind (`en_US`) is not one.
fn is_language_tag(value: &str) -> bool {
    let subtag = |part: &str| (1..=8).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_alphanumeric());
    value.starts_with(|first: char| first.is_ascii_alphabetic()) && value.split('-').all(subtag)
}

fn boolean(value: &str) -> Option<bool> {
    if value.eq_ignore_ascii_case("true") {
        Some(true)
    } else if value.eq_ignore_ascii_case("false") {
        Some(false)
    } else {
        None
    }
}

/// `FLOAT` of RFC 6787 §15: digits with an optional point; no sign, no exponent.
fn fraction(value: &str) -> Option<f32> {
    let is_plain = value.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.')
        && value.bytes().any(|byte| byte.is_ascii_digit())
        && value.len() <= 32;
    let number: f32 = if is_plain { value.parse().ok()? } else { return None };
    (0.0..=1.0).contains(&number).then_some(number)
}

fn integer(value: &str) -> Option<u64> {
    let is_plain = (1..=19).contains(&value.len()) && value.bytes().all(|byte| byte.is_ascii_digit());
    if is_plain { value.parse().ok() } else { None }
}

fn request_ids(value: &str) -> Option<Vec<RequestId>> {
    value
        .split(',')
        .map(|id| {
            let id = id.trim();
            let is_plain = !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_digit());
            if is_plain { id.parse().ok().map(RequestId) } else { None }
        })
        .collect()
}
