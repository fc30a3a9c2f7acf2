//! The parameters of a RECORD, made of its headers (RFC 6787 §10.4).

use std::time::Duration;

use super::config::RecorderConfig;
use super::output::{Destination, RecordParams};
use crate::params::{Effective, HeaderFault};
use crate::{HeaderName as H, Headers, StatusCode};

/// Legal headers whose meaning we cannot give: a time beyond the server's limit, a scheme that we cannot write to, and a
/// verification buffer, which no session here has (§10.4.13).
pub(super) fn beyond_us(headers: &Headers, max_time_max: Duration) -> Option<HeaderFault> {
    let fault = |status, name: H| {
        let value = headers.text(&name).unwrap_or_default().to_owned();
        Some(HeaderFault { status, headers: Headers::new().with(name, value) })
    };
    let unsupported = StatusCode::UNSUPPORTED_HEADER_VALUE;
    if headers.duration(&H::MaxTime).ok().flatten().is_some_and(|max_time| max_time > max_time_max) {
        return fault(unsupported, H::MaxTime);
    }
    if headers.boolean(&H::VerBufferUtterance).ok().flatten() == Some(true) {
        return fault(StatusCode::UNSUPPORTED_HEADER, H::VerBufferUtterance);
    }
    match headers.text(&H::RecordUri).map(destination) {
        Some(Err(status)) => fault(status, H::RecordUri),
        Some(Ok(_)) | None => None,
    }
}

/// Reads a `Record-URI`: nothing, or a URI in angle brackets, which is also taken without; parameters have no meaning in a
/// request.
fn destination(value: &str) -> Result<Destination, StatusCode> {
    if value.is_empty() {
        return Ok(Destination::Local);
    }
    let uri = match value.strip_prefix('<') {
        Some(rest) => rest.split_once('>').map(|(uri, _)| uri).ok_or(StatusCode::ILLEGAL_HEADER_VALUE)?,
        None => value.split(';').next().unwrap_or_default(),
    };
    let uri = uri.trim();
    let (scheme, rest) = uri.split_once(':').ok_or(StatusCode::ILLEGAL_HEADER_VALUE)?;
    let is_scheme = scheme.starts_with(|first: char| first.is_ascii_alphabetic())
        && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte));
    let is_uri = rest.bytes().all(|byte| byte.is_ascii_graphic() && !b"<>\"".contains(&byte));
    if !is_scheme || !is_uri || rest.is_empty() {
        return Err(StatusCode::ILLEGAL_HEADER_VALUE);
    }
    match scheme.to_ascii_lowercase().as_str() {
        "cid" => Ok(Destination::Body { content_id: Some(rest.to_owned()) }),
        "file" | "http" | "https" => Ok(Destination::Uri(uri.to_owned())),
        _ => Err(StatusCode::UNSUPPORTED_HEADER_VALUE),
    }
}

/// The parameters of one RECORD, whose headers have been checked. `None` without a Media-Type.
pub(super) fn record_params(
    headers: &Headers,
    effective: Effective<'_>,
    config: &RecorderConfig,
) -> Option<RecordParams> {
    let media_type = headers.text(&H::MediaType).filter(|media_type| !media_type.is_empty())?;
    let defaults = &config.defaults;
    let destination = headers.text(&H::RecordUri).and_then(|value| destination(value).ok());
    let max_time = effective.duration(H::MaxTime).unwrap_or_default();
    Some(RecordParams {
        destination: destination.unwrap_or(Destination::Body { content_id: None }),
        media_type: media_type.to_owned(),
        sensitivity_level: effective.fraction(H::SensitivityLevel, defaults.sensitivity_level),
        no_input_timeout: effective.duration(H::NoInputTimeout).unwrap_or(defaults.no_input_timeout),
        max_time: if max_time.is_zero() { config.max_time_max } else { max_time },
        final_silence: effective.duration(H::FinalSilence).unwrap_or(defaults.final_silence),
        capture_on_speech: effective.boolean(H::CaptureOnSpeech, false),
        start_input_timers: effective.boolean(H::StartInputTimers, true),
        fetch_timeout: effective.duration(H::FetchTimeout),
    })
}
