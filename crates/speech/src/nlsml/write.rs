//! Results as clients read them.

use std::borrow::Cow;
use std::fmt::Write as _;

use super::{InstanceForm, NAMESPACE, NlsmlStyle, NoMatch, instance};
use crate::{InputMode, Match, xml::escape_into};

/// Writes the matches, best first. Without a match it writes a no-match: a result is never empty, since a client in the
/// field loops for ever over one (and RFC 6787 section 9.6.3.1 asks for an interpretation).
///
/// The order is the caller's; it may rest on more than confidence (weights, closed grammars before open ones). A client
/// takes the confidence of interpretations for the order, so none is written above the one before it; that of the `<input>`
/// is as it is.
pub fn write(matches: &[Match], style: &NlsmlStyle) -> String {
    write_matches(matches, None, style)
}

/// Writes the matches of one mode when something in the other mode was received too and matched nothing: `<input>` holds
/// both (RFC 6787 section 9.6.3.6).
pub fn write_beside(matches: &[Match], rejected: &NoMatch, style: &NlsmlStyle) -> String {
    write_matches(matches, Some(rejected), style)
}

fn write_matches(matches: &[Match], rejected: Option<&NoMatch>, style: &NlsmlStyle) -> String {
    if matches.is_empty() {
        let nothing = NoMatch { grammar_uri: String::new(), heard: None, confidence: 0.0, mode: InputMode::Speech };
        return no_match(rejected.unwrap_or(&nothing), style);
    }
    let mut out = open(style);
    let mut least = 1.0f32;
    for matched in matches {
        least = least.min(matched.confidence);
        interpretation(&mut out, &matched.grammar_uri, Some(least));
        out.push_str("<instance>");
        match style.instance {
            InstanceForm::Xml => instance::write_xml(&mut out, &matched.instance, style.namespaced),
            InstanceForm::Json => instance::write_json(&mut out, &matched.instance),
        }
        out.push_str("</instance>\n    ");
        if let Some(rejected) = rejected {
            out.push_str("<input>");
            rejected_input(&mut out, rejected, style);
        }
        input(&mut out, matched.mode, Some(matched.confidence), style);
        escape_into(&mut out, &words_or_keys(&matched.input, matched.mode));
        out.push_str("</input>");
        if rejected.is_some() {
            out.push_str("</input>");
        }
        out.push_str("\n  </interpretation>\n");
    }
    close(out)
}

/// Writes the result of an input that matched nothing (`<nomatch>`, RFC 6787 section 9.6.3.5).
pub fn no_match(no_match: &NoMatch, style: &NlsmlStyle) -> String {
    let mut out = open(style);
    interpretation(&mut out, &no_match.grammar_uri, None);
    out.push_str("<instance/>\n    ");
    rejected_input(&mut out, no_match, style);
    out.push_str("\n  </interpretation>\n");
    close(out)
}

/// Writes the result of an input that matched and could not be interpreted: the words, and an empty instance (RFC 6787
/// section 9.4.11, cause 012).
pub fn semantics_failure(matched: &NoMatch, style: &NlsmlStyle) -> String {
    let mut out = open(style);
    interpretation(&mut out, &matched.grammar_uri, None);
    out.push_str("<instance/>\n    ");
    input(&mut out, matched.mode, Some(matched.confidence), style);
    escape_into(&mut out, &words_or_keys(matched.heard.as_deref().unwrap_or_default(), matched.mode));
    out.push_str("</input>\n  </interpretation>\n");
    close(out)
}

fn rejected_input(out: &mut String, rejected: &NoMatch, style: &NlsmlStyle) {
    input(out, rejected.mode, Some(rejected.confidence), style);
    match rejected.heard.as_deref().filter(|heard| !heard.is_empty()) {
        None => out.push_str("<nomatch/>"),
        Some(heard) => {
            out.push_str("<nomatch>");
            escape_into(out, &words_or_keys(heard, rejected.mode));
            out.push_str("</nomatch>");
        }
    }
    out.push_str("</input>");
}

/// Writes the result of silence (`<noinput/>`, RFC 6787 section 9.6.3.6). `grammar_uri` may be empty.
pub fn no_input(grammar_uri: &str, style: &NlsmlStyle) -> String {
    let mut out = open(style);
    interpretation(&mut out, grammar_uri, None);
    out.push_str("<instance/>\n    <input><noinput/></input>\n  </interpretation>\n");
    close(out)
}

/// Words as they are; keys one by one (RFC 6787 section 9.6.3.4).
pub(crate) fn words_or_keys(text: &str, mode: InputMode) -> Cow<'_, str> {
    match mode {
        InputMode::Speech => Cow::Borrowed(text),
        InputMode::Dtmf => {
            let keys: Vec<String> = text.chars().filter(|c| !c.is_whitespace()).map(String::from).collect();
            Cow::Owned(keys.join(" "))
        }
    }
}

fn open(style: &NlsmlStyle) -> String {
    let mut out = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<result");
    if style.namespaced {
        let _ = write!(out, " xmlns=\"{NAMESPACE}\"");
    }
    out.push_str(">\n");
    out
}

fn close(mut out: String) -> String {
    out.push_str("</result>\n");
    out
}

fn interpretation(out: &mut String, grammar_uri: &str, confidence: Option<f32>) {
    out.push_str("  <interpretation");
    if !grammar_uri.is_empty() {
        out.push_str(" grammar=\"");
        escape_into(out, grammar_uri);
        out.push('"');
    }
    if let Some(confidence) = confidence {
        let _ = write!(out, " confidence=\"{}\"", hundredths(confidence));
    }
    out.push_str(">\n    ");
}

fn input(out: &mut String, mode: InputMode, confidence: Option<f32>, style: &NlsmlStyle) {
    let mode = match mode {
        InputMode::Speech => "speech",
        InputMode::Dtmf => "dtmf",
    };
    let _ = write!(out, "<input mode=\"{mode}\"");
    if let Some(confidence) = confidence {
        let _ = write!(out, " confidence=\"{}\"", hundredths(confidence));
    }
    if let Some(timestamps) = style.timestamps {
        let start = date_time(timestamps.start_unix_ms);
        let end = date_time(timestamps.end_unix_ms);
        let _ = write!(out, " timestamp-start=\"{start}\" timestamp-end=\"{end}\"");
    }
    out.push('>');
}

/// A confidence as it is written: 0 to 1 with two decimals.
pub(crate) fn hundredths(confidence: f32) -> String {
    let confidence = if confidence.is_finite() { confidence.clamp(0.0, 1.0) } else { 0.0 };
    format!("{confidence:.2}")
}

/// A time as ISO 8601 in UTC with milliseconds.
fn date_time(unix_ms: u64) -> String {
    const DAY_MS: u64 = 86_400_000;
    let (year, month, day) = civil(unix_ms / DAY_MS);
    let ms = unix_ms % DAY_MS;
    let (hour, minute, second, ms) = (ms / 3_600_000, ms / 60_000 % 60, ms / 1_000 % 60, ms % 1_000);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{ms:03}Z")
}

/// Year, month and day of a day since 1970-01-01: eras of 400 years that begin in March, so that the leap day is last.
fn civil(days: u64) -> (u64, u64, u64) {
    let days = days + 719_468;
    let era = days / 146_097;
    let day_of_era = days % 146_097;
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    (era * 400 + year_of_era + u64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_as_dates() {
        for (unix_ms, expected) in [
            (0, "1970-01-01T00:00:00.000Z"),
            (951_782_400_000, "2000-02-29T00:00:00.000Z"),
            (1_709_251_199_999, "2024-02-29T23:59:59.999Z"),
            (1_795_361_602_250, "2026-11-22T15:33:22.250Z"),
        ] {
            assert_eq!(date_time(unix_ms), expected);
        }
        // Far out of range, but no panic.
        date_time(u64::MAX);
    }

    #[test]
    fn confidences_stay_in_range() {
        for (confidence, expected) in [(0.876, "0.88"), (1.5, "1.00"), (-1.0, "0.00"), (f32::NAN, "0.00")] {
            assert_eq!(hundredths(confidence), expected);
        }
    }
}
