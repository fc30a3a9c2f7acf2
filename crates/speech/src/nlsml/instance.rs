//! The content of `<instance>`: a scalar as text, an object as elements or as JSON.

use roxmltree::Node;
use serde_json::{Map, Value};

use crate::xml::escape_into;

/// The element of a list's members.
const ITEM: &str = "item";
/// The element of a field whose name cannot be an element's; the name is in its attribute `name`.
const ENTRY: &str = "entry";

/// A scalar as its text; an object or a list as JSON.
pub(super) fn write_json(out: &mut String, instance: &Value) {
    match instance {
        Value::Object(_) | Value::Array(_) => escape_into(out, &instance.to_string()),
        scalar => write_scalar(out, scalar),
    }
}

/// A scalar as its text; an object as one element for each field, a list as `<item>` elements.
pub(super) fn write_xml(out: &mut String, instance: &Value) {
    match instance {
        Value::Object(object) => {
            for (name, value) in object {
                if is_element_name(name) {
                    element(out, name, None, value);
                } else {
                    element(out, ENTRY, Some(name), value);
                }
            }
        }
        Value::Array(list) => {
            for value in list {
                element(out, ITEM, None, value);
            }
        }
        scalar => write_scalar(out, scalar),
    }
}

fn element(out: &mut String, name: &str, named: Option<&str>, value: &Value) {
    out.push('<');
    out.push_str(name);
    if let Some(named) = named {
        out.push_str(" name=\"");
        escape_into(out, named);
        out.push('"');
    }
    out.push('>');
    write_xml(out, value);
    out.push_str("</");
    out.push_str(name);
    out.push('>');
}

fn write_scalar(out: &mut String, scalar: &Value) {
    match scalar {
        Value::String(text) => escape_into(out, text),
        Value::Null => {}
        Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => escape_into(out, &scalar.to_string()),
    }
}

/// Whether a field's name can be an element's, without a prefix.
fn is_element_name(name: &str) -> bool {
    let is_start = |c: char| c.is_ascii_alphabetic() || c == '_' || crate::text::is_han(c);
    let is_part = |c: char| is_start(c) || c.is_ascii_digit() || matches!(c, '-' | '.');
    let reserved = name == ITEM || name == ENTRY || name.to_ascii_lowercase().starts_with("xml");
    !reserved && name.starts_with(is_start) && name.chars().all(is_part)
}

/// What an `<instance>` holds; `None` when it is empty.
pub(super) fn read(node: Node<'_, '_>) -> Option<Value> {
    match read_value(node) {
        Value::String(text) if text.is_empty() => None,
        Value::String(text) if text.starts_with(['{', '[']) => {
            Some(serde_json::from_str(&text).unwrap_or(Value::String(text)))
        }
        value => Some(value),
    }
}

fn read_value(node: Node<'_, '_>) -> Value {
    let children: Vec<Node<'_, '_>> = node.children().filter(Node::is_element).collect();
    if children.is_empty() {
        let text: String =
            node.children().filter_map(|child| if child.is_text() { child.text() } else { None }).collect();
        return Value::String(text.trim().to_owned());
    }
    if children.iter().all(|child| child.tag_name().name() == ITEM) {
        return children.into_iter().map(read_value).collect();
    }
    let mut object: Map<String, Value> = Map::new();
    for child in children {
        let name = child.tag_name().name();
        let name = if name == ENTRY { child.attribute("name").unwrap_or(name) } else { name };
        let value = read_value(child);
        match object.get_mut(name) {
            None => {
                object.insert(name.to_owned(), value);
            }
            // An element that is there again makes a list.
            Some(Value::Array(list)) => list.push(value),
            Some(earlier) => {
                let first = earlier.take();
                *earlier = Value::Array(vec![first, value]);
            }
        }
    }
    Value::Object(object)
}
