//! Results as servers write them.

use roxmltree::Node;

use super::{Input, Interpretation, NlsmlError, NlsmlResult, instance};
use crate::{InputMode, xml};

/// Interpretations of a result.
const INTERPRETATIONS_MAX: usize = 256;

/// Reads a result, with or without namespace. Results of enrollment and verification are passed over.
///
/// # Errors
/// When the text is not well formed, is not a result, or is over a limit.
pub fn read(text: &str) -> Result<NlsmlResult, NlsmlError> {
    let fault = |error: xml::XmlError| NlsmlError { message: error.message, position: error.position };
    if text.len() > xml::BYTES_MAX {
        return Err(NlsmlError { message: format!("the result has {} bytes", text.len()), position: None });
    }
    let text = xml::without_doctype(text.trim_start()).map_err(fault)?;
    let document = xml::parse(&text).map_err(fault)?;
    let result = document.root_element();
    if result.tag_name().name() != "result" {
        let message = format!("the root element is {:?}, not result", result.tag_name().name());
        return Err(NlsmlError { message, position: None });
    }
    let grammar = attribute(result, "grammar");
    let interpretations: Vec<Interpretation> = children(result, "interpretation")
        .take(INTERPRETATIONS_MAX)
        .map(|element| Interpretation {
            grammar: attribute(element, "grammar").or_else(|| grammar.clone()),
            confidence: confidence(element).unwrap_or(1.0),
            instance: children(element, "instance").next().and_then(instance::read),
            input: children(element, "input").next().map_or(Input::Matched { text: String::new(), mode: None }, input),
        })
        .collect();
    Ok(NlsmlResult { grammar, interpretations })
}

fn children<'a, 'input>(node: Node<'a, 'input>, name: &'static str) -> impl Iterator<Item = Node<'a, 'input>> {
    node.children().filter(move |child| child.is_element() && child.tag_name().name() == name)
}

fn attribute(node: Node<'_, '_>, name: &str) -> Option<String> {
    node.attribute(name).map(str::trim).filter(|value| !value.is_empty()).map(str::to_owned)
}

fn confidence(node: Node<'_, '_>) -> Option<f32> {
    let confidence: f32 = node.attribute("confidence")?.trim().parse().ok()?;
    if !confidence.is_finite() {
        return None;
    }
    // The scale of MRCPv1 was 0 to 100.
    let confidence = if confidence > 1.0 { confidence / 100.0 } else { confidence };
    Some(confidence.clamp(0.0, 1.0))
}

/// What an `<input>` says. Inside of several nested inputs the words of all are joined; the first mode counts.
fn input(element: Node<'_, '_>) -> Input {
    if children(element, "noinput").next().is_some() {
        return Input::NoInput;
    }
    if let Some(nomatch) = children(element, "nomatch").next() {
        let heard = words(nomatch);
        return Input::NoMatch((!heard.is_empty()).then_some(heard));
    }
    let nested: Vec<Input> = children(element, "input").map(input).collect();
    if nested.is_empty() {
        return Input::Matched { text: words(element), mode: mode(element) };
    }
    let mut text = String::new();
    let mut first_mode = mode(element);
    for part in nested {
        if let Input::Matched { text: part, mode } = part {
            if !text.is_empty() && !part.is_empty() {
                text.push(' ');
            }
            text.push_str(&part);
            first_mode = first_mode.or(mode);
        }
    }
    Input::Matched { text, mode: first_mode }
}

fn mode(element: Node<'_, '_>) -> Option<InputMode> {
    match element.attribute("mode")?.trim() {
        "speech" | "voice" => Some(InputMode::Speech),
        "dtmf" => Some(InputMode::Dtmf),
        _ => None,
    }
}

fn words(node: Node<'_, '_>) -> String {
    let text: String = node.descendants().filter(Node::is_text).filter_map(|text| text.text()).collect();
    text.trim().to_owned()
}
