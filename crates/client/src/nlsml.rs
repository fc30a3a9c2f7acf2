//! Results of recognition as a PBX reads them: the best interpretation of an NLSML document.

use serde_json::{Map, Value};

/// The best interpretation.
#[derive(Debug, Clone, PartialEq)]
pub struct Recognized {
    /// What was said or keyed, as text.
    pub input: String,
    /// `speech` or `dtmf`, as the server says.
    pub mode: String,
    /// 0 to 1, or 0 to 100 from old servers.
    pub confidence: f32,
    /// The grammar that matched.
    pub grammar: String,
    /// The instance: JSON as it is, XML as an object of its elements, text as a string; null when there is none.
    pub instance: Value,
}

/// Reads a document, with or without namespaces. `None` when it is no result or has no interpretation.
pub fn read_result(text: &str) -> Option<Recognized> {
    let document = roxmltree::Document::parse(text).ok()?;
    let root = document.root_element();
    let interpretation = root.children().find(|node| node.tag_name().name() == "interpretation")?;
    let child = |name: &str| interpretation.children().find(|node| node.tag_name().name() == name);
    let grammar = interpretation.attribute("grammar").or_else(|| root.attribute("grammar")).unwrap_or_default();
    let input = child("input");
    let said = input.map(|node| all_text(node).trim().to_owned()).unwrap_or_default();
    Some(Recognized {
        input: said,
        mode: input.and_then(|node| node.attribute("mode")).unwrap_or("speech").to_owned(),
        confidence: interpretation.attribute("confidence").and_then(|value| value.parse().ok()).unwrap_or(0.0),
        grammar: grammar.to_owned(),
        instance: child("instance").map_or(Value::Null, instance),
    })
}

fn all_text(node: roxmltree::Node<'_, '_>) -> String {
    node.descendants().filter(roxmltree::Node::is_text).filter_map(|node| node.text()).collect()
}

fn instance(node: roxmltree::Node<'_, '_>) -> Value {
    if node.children().any(|child| child.is_element()) {
        return elements(node);
    }
    let text = all_text(node);
    let text = text.trim();
    let is_structure = text.starts_with('{') || text.starts_with('[');
    serde_json::from_str(text).ok().filter(|_| is_structure).unwrap_or_else(|| Value::String(text.to_owned()))
}

/// Elements as an object; those of the same name as a list.
fn elements(node: roxmltree::Node<'_, '_>) -> Value {
    let mut object = Map::new();
    for child in node.children().filter(roxmltree::Node::is_element) {
        let value = if child.children().any(|inner| inner.is_element()) {
            elements(child)
        } else {
            Value::String(all_text(child).trim().to_owned())
        };
        match object.get_mut(child.tag_name().name()) {
            Some(Value::Array(values)) => values.push(value),
            Some(first) => *first = Value::Array(vec![first.take(), value]),
            None => {
                object.insert(child.tag_name().name().to_owned(), value);
            }
        }
    }
    Value::Object(object)
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
