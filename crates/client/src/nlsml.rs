//! Results of recognition as a PBX reads them: the best interpretation of an NLSML document.

use serde_json::Value;
use speech::{
    InputMode,
    nlsml::{self, Input},
};

/// The best interpretation.
#[derive(Debug, Clone, PartialEq)]
pub struct Recognized {
    /// What was said or keyed, as text.
    pub input: String,
    /// `speech` or `dtmf`, as the server says.
    pub mode: String,
    /// 0 to 1; 1 when the server does not say.
    pub confidence: f32,
    /// The grammar that matched.
    pub grammar: String,
    /// The instance: JSON as it is, XML as an object of its elements, text as a string; null when there is none.
    pub instance: Value,
}

/// Reads a document, with or without namespaces. `None` when it is no result or has no interpretation.
pub fn read_result(text: &str) -> Option<Recognized> {
    let best = nlsml::read(text).ok()?.interpretations.into_iter().next()?;
    let (input, mode) = match best.input {
        Input::Matched { text, mode } => (text, mode),
        Input::NoMatch(heard) => (heard.unwrap_or_default(), None),
        Input::NoInput => (String::new(), None),
    };
    let mode = match mode {
        Some(InputMode::Dtmf) => "dtmf",
        Some(InputMode::Speech) | None => "speech",
    };
    Some(Recognized {
        input,
        mode: mode.to_owned(),
        confidence: best.confidence,
        grammar: best.grammar.unwrap_or_default(),
        instance: best.instance.unwrap_or_default(),
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn text_json_and_elements_are_read() {
        let read = |instance: &str| {
            let text = format!(
                "<?xml version=\"1.0\"?>\n<result><interpretation grammar=\"g\" confidence=\"0.97\">\
                 <instance>{instance}</instance><input mode=\"speech\">about six</input></interpretation></result>"
            );
            read_result(&text).unwrap()
        };
        let result = read("six");
        assert_eq!((result.input.as_str(), result.confidence, result.grammar.as_str()), ("about six", 0.97, "g"));
        assert_eq!(result.instance, json!("six"));
        assert_eq!(read("{\"action\":\"continue\"}").instance, json!({"action": "continue"}));
        assert_eq!(
            read("<action>hangup</action><slots><pain>6</pain><pain>7</pain></slots>").instance,
            json!({"action": "hangup", "slots": {"pain": ["6", "7"]}})
        );
        assert_eq!(read("6").instance, json!("6"), "a plain number stays text");
    }

    #[test]
    fn namespaces_do_not_matter() {
        let text = "<result xmlns=\"urn:ietf:params:xml:ns:mrcpv2\" grammar=\"g\"><interpretation>\
                    <instance/><input>x</input></interpretation></result>";
        let result = read_result(text).unwrap();
        assert_eq!((result.grammar.as_str(), result.input.as_str(), result.mode.as_str()), ("g", "x", "speech"));
    }

    #[test]
    fn what_is_no_result_is_none() {
        for text in ["", "no xml", "<result/>", "<result><interpretation>"] {
            assert_eq!(read_result(text), None);
        }
    }
}
