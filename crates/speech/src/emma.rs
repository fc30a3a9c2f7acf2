//! EMMA 1.0, the other format of results that RFC 6787 names (section 6.3): written for clients that ask for it.

use std::fmt::Write as _;

use crate::{
    InputMode, Match, RecognitionResult,
    nlsml::{
        InstanceForm, NlsmlStyle, NoMatch, instance,
        write::{hundredths, words_or_keys},
    },
    xml::escape_into,
};

/// The namespace of EMMA 1.0.
pub const NAMESPACE: &str = "http://www.w3.org/2003/04/emma";

/// Writes a result. Of the style, the form of instances and the times are used; EMMA is always in its namespace.
///
/// Several interpretations are alternatives of one `<emma:one-of>`, best first. The instance is elements in no namespace, or
/// an `<emma:literal>` for a scalar and for JSON. What was rejected beside a match is left out: an interpretation of EMMA has one
/// mode.
pub fn write(result: &RecognitionResult<'_>, style: &NlsmlStyle) -> String {
    let mut document = Document { grammars: Vec::new(), interpretations: Vec::new(), style };
    match result {
        RecognitionResult::Matches([]) => {
            let nothing = NoMatch { grammar_uri: String::new(), heard: None, confidence: 0.0, mode: InputMode::Speech };
            document.not_understood(&nothing);
        }
        RecognitionResult::Matches(matches) | RecognitionResult::MatchesBeside { matches, .. } => {
            let mut least = 1.0f32;
            for matched in *matches {
                least = least.min(matched.confidence);
                document.matched(matched, least);
            }
        }
        RecognitionResult::NoMatch(input) | RecognitionResult::SemanticsFailure(input) => {
            document.not_understood(input)
        }
        RecognitionResult::NoInput { grammar_uri } => {
            let grammar = document.grammar(grammar_uri);
            document
                .interpretations
                .push(format!(" emma:no-input=\"true\"{grammar} emma:medium=\"acoustic\" emma:mode=\"voice\"/>"));
        }
    }
    document.print()
}

struct Document<'a> {
    grammars: Vec<String>,
    /// Each from its attributes on; the number is its place.
    interpretations: Vec<String>,
    style: &'a NlsmlStyle,
}

impl Document<'_> {
    fn matched(&mut self, matched: &Match, confidence: f32) {
        let mut out = self.grammar(&matched.grammar_uri);
        let _ = write!(out, " emma:confidence=\"{}\"", hundredths(confidence));
        self.input(&mut out, matched.mode, &matched.input);
        out.push('>');
        let is_structure = matched.instance.is_object() || matched.instance.is_array();
        if is_structure && self.style.instance == InstanceForm::Xml {
            instance::write_xml(&mut out, &matched.instance, false);
        } else {
            out.push_str("<emma:literal>");
            instance::write_json(&mut out, &matched.instance);
            out.push_str("</emma:literal>");
        }
        out.push_str("</emma:interpretation>");
        self.interpretations.push(out);
    }

    /// What matched nothing, or has no meaning: `emma:uninterpreted`.
    fn not_understood(&mut self, input: &NoMatch) {
        let mut out = String::from(" emma:uninterpreted=\"true\"");
        out.push_str(&self.grammar(&input.grammar_uri));
        let _ = write!(out, " emma:confidence=\"{}\"", hundredths(input.confidence));
        self.input(&mut out, input.mode, input.heard.as_deref().unwrap_or_default());
        out.push_str("/>");
        self.interpretations.push(out);
    }

    fn input(&self, out: &mut String, mode: InputMode, tokens: &str) {
        out.push_str(match mode {
            InputMode::Speech => " emma:medium=\"acoustic\" emma:mode=\"voice\"",
            InputMode::Dtmf => " emma:medium=\"tactile\" emma:mode=\"dtmf\"",
        });
        if let Some(times) = self.style.timestamps {
            let _ = write!(out, " emma:start=\"{}\" emma:end=\"{}\"", times.start_unix_ms, times.end_unix_ms);
        }
        if !tokens.is_empty() {
            out.push_str(" emma:tokens=\"");
            escape_into(out, &words_or_keys(tokens, mode));
            out.push('"');
        }
    }

    /// The reference to a grammar, which is listed once for the document.
    fn grammar(&mut self, uri: &str) -> String {
        if uri.is_empty() {
            return String::new();
        }
        let index = self.grammars.iter().position(|known| known == uri).unwrap_or_else(|| {
            self.grammars.push(uri.to_owned());
            self.grammars.len() - 1
        });
        format!(" emma:grammar-ref=\"grammar{}\"", index + 1)
    }

    fn print(&self) -> String {
        let mut out = format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<emma:emma version=\"1.0\" xmlns:emma=\"{NAMESPACE}\">\n"
        );
        for (index, uri) in self.grammars.iter().enumerate() {
            let _ = write!(out, "  <emma:grammar id=\"grammar{}\" ref=\"", index + 1);
            escape_into(&mut out, uri);
            out.push_str("\"/>\n");
        }
        let several = self.interpretations.len() > 1;
        if several {
            out.push_str("  <emma:one-of id=\"nbest\" disjunction-type=\"recognition\">\n");
        }
        for (index, interpretation) in self.interpretations.iter().enumerate() {
            let _ = writeln!(out, "  <emma:interpretation id=\"interpretation{}\"{interpretation}", index + 1);
        }
        if several {
            out.push_str("  </emma:one-of>\n");
        }
        out.push_str("</emma:emma>\n");
        out
    }
}

#[cfg(test)]
mod tests;
