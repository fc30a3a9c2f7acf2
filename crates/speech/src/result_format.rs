//! In which format a result is written, and what there is to write.

use crate::{
    Match, emma,
    nlsml::{self, NlsmlStyle, NoMatch},
};

/// A format of results (RFC 6787 section 6.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ResultFormat {
    /// `application/nlsml+xml`: what every client reads.
    #[default]
    Nlsml,
    /// `application/emma+xml`.
    Emma,
}

/// What came of an input.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum RecognitionResult<'a> {
    /// It matched; best first. Without any it is written as a no-match.
    Matches(&'a [Match]),
    /// It matched in one mode, and in the other mode something was received that did not.
    MatchesBeside {
        /// Best first.
        matches: &'a [Match],
        /// What did not match.
        rejected: &'a NoMatch,
    },
    /// It matched nothing.
    NoMatch(&'a NoMatch),
    /// It matched, and its interpretation failed (cause 012).
    SemanticsFailure(&'a NoMatch),
    /// There was none.
    NoInput {
        /// A grammar that was active; may be empty.
        grammar_uri: &'a str,
    },
}

impl ResultFormat {
    /// All formats, the one preferred among equals first.
    pub const ALL: [Self; 2] = [Self::Nlsml, Self::Emma];

    /// The media type that labels it.
    pub fn media_type(self) -> &'static str {
        match self {
            Self::Nlsml => "application/nlsml+xml",
            Self::Emma => "application/emma+xml",
        }
    }

    /// The format of a media type, as `a=resultformat` names one; parameters do not matter.
    pub fn of_media_type(media_type: &str) -> Option<Self> {
        let essence = media_type.split(';').next().unwrap_or_default().trim();
        Self::ALL.into_iter().find(|format| format.media_type().eq_ignore_ascii_case(essence))
    }

    /// The format that an `Accept` header asks for (RFC 6787 section 6.2.2, with the syntax of HTTP): the one with the
    /// highest quality, then `preferred`, then NLSML. `None` when none is acceptable. An empty value says nothing.
    pub fn accepted(accept: &str, preferred: Self) -> Option<Self> {
        if accept.trim().is_empty() {
            return Some(preferred);
        }
        let mut candidates = Self::ALL;
        candidates.sort_by_key(|format| *format != preferred);
        let mut best: Option<(u16, Self)> = None;
        for format in candidates {
            let quality = format.quality(accept);
            if quality > best.map_or(0, |(quality, _)| quality) {
                best = Some((quality, format));
            }
        }
        best.map(|(_, format)| format)
    }

    /// The quality of this format in thousandths: of the most specific range that covers it.
    fn quality(self, accept: &str) -> u16 {
        let ranges = accept.split(',').filter_map(|range| {
            let mut parts = range.split(';');
            let name = parts.next().unwrap_or_default().trim();
            let specificity = if name.eq_ignore_ascii_case(self.media_type()) {
                3
            } else if name.eq_ignore_ascii_case("application/*") {
                2
            } else if name == "*/*" {
                1
            } else {
                return None;
            };
            let quality = parts
                .filter_map(|parameter| parameter.split_once('='))
                .find(|(name, _)| name.trim().eq_ignore_ascii_case("q"));
            let quality = quality.map_or(Some(1.0), |(_, value)| value.trim().parse::<f32>().ok())?;
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to 1000")]
            let thousandths = (quality.clamp(0.0, 1.0) * 1_000.0) as u16;
            Some((specificity, thousandths))
        });
        ranges.max().map_or(0, |(_, quality)| quality)
    }

    /// Writes a result in this format.
    pub fn write(self, result: &RecognitionResult<'_>, style: &NlsmlStyle) -> String {
        match (self, result) {
            (Self::Emma, result) => emma::write(result, style),
            (Self::Nlsml, RecognitionResult::Matches(matches)) => nlsml::write(matches, style),
            (Self::Nlsml, RecognitionResult::MatchesBeside { matches, rejected }) => {
                nlsml::write_beside(matches, rejected, style)
            }
            (Self::Nlsml, RecognitionResult::NoMatch(input)) => nlsml::no_match(input, style),
            (Self::Nlsml, RecognitionResult::SemanticsFailure(input)) => nlsml::semantics_failure(input, style),
            (Self::Nlsml, RecognitionResult::NoInput { grammar_uri }) => nlsml::no_input(grammar_uri, style),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ghf_001_without_accept_the_resource_decides() {
        assert_eq!(ResultFormat::accepted("", ResultFormat::Nlsml), Some(ResultFormat::Nlsml));
        assert_eq!(ResultFormat::accepted(" ", ResultFormat::Emma), Some(ResultFormat::Emma));
    }

    #[test]
    fn ghf_002_the_acceptable_format_of_the_highest_quality_is_taken_or_none() {
        use ResultFormat::{Emma, Nlsml};
        for (accept, expected) in [
            ("application/emma+xml", Some(Emma)),
            ("application/nlsml+xml", Some(Nlsml)),
            ("APPLICATION/EMMA+XML; q=0.5, application/nlsml+xml;q=0.4", Some(Emma)),
            ("application/emma+xml, application/nlsml+xml", Some(Nlsml)),
            ("*/*", Some(Nlsml)),
            ("application/*;q=0.2, application/emma+xml", Some(Emma)),
            ("*/*, application/nlsml+xml;q=0", Some(Emma)),
            ("image/png", None),
            ("application/xml", None),
            ("application/emma+xml;q=0", None),
            ("application/emma+xml;q=high", None),
            ("text/plain, */*;q=0.1", Some(Nlsml)),
        ] {
            assert_eq!(ResultFormat::accepted(accept, Nlsml), expected, "{accept}");
        }
        assert_eq!(ResultFormat::accepted("*/*", Emma), Some(Emma));
    }

    #[test]
    fn ses_034_a_result_format_is_named_by_its_media_type() {
        for format in ResultFormat::ALL {
            assert_eq!(ResultFormat::of_media_type(format.media_type()), Some(format));
        }
        assert_eq!(ResultFormat::of_media_type("application/emma+xml; charset=utf-8"), Some(ResultFormat::Emma));
        assert_eq!(ResultFormat::of_media_type("text/xml"), None);
    }
}
