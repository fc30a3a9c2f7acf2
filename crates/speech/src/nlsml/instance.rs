//! The content of `<instance>`: a scalar as text, an object as elements (SISR 1.0 section 7) or as JSON.

use roxmltree::Node;
use serde_json::{Map, Value};

use crate::xml::escape_into;

/// The element of a list's members.
const ITEM: &str = "item";
/// The element of a field whose name cannot be an element's; the name is in its attribute `name`.
const ENTRY: &str = "entry";
/// Fields that say how their object's element is written, and are no elements themselves.
const ATTRIBUTES: &str = "_attributes";
const VALUE: &str = "_value";
const NAMESPACES: &str = "_nsdecl";
const PREFIX: &str = "_nsprefix";

/// A scalar as its text; an object or a list as JSON.
pub(crate) fn write_json(out: &mut String, instance: &Value) {
    match instance {
        Value::Object(_) | Value::Array(_) => escape_into(out, &instance.to_string()),
        scalar => write_scalar(out, scalar),
    }
}

/// A scalar as its text; an object as one element for each field, a list as `<item>` elements. Elements are in no namespace:
/// `leave_namespace` is for where a default namespace holds outside. The value itself has no element of its own here, so
/// `_attributes`, `_nsdecl` and `_nsprefix` of it have no place to be written.
pub(crate) fn write_xml(out: &mut String, instance: &Value, leave_namespace: bool) {
    Writer { out, prefixes: Vec::new() }.content(instance, leave_namespace);
}

struct Writer<'a> {
    out: &'a mut String,
    /// Prefixes that are declared where we are.
    prefixes: Vec<String>,
}

impl Writer<'_> {
    fn content(&mut self, value: &Value, leave_namespace: bool) {
        match value {
            Value::Object(object) => {
                if let Some(value) = object.get(VALUE) {
                    self.content(value, leave_namespace);
                }
                for (name, value) in object.iter().filter(|(name, _)| !is_special(name)) {
                    self.element(name, None, value, leave_namespace);
                }
            }
            Value::Array(list) => {
                for (index, value) in list.iter().enumerate() {
                    self.element(ITEM, Some(index), value, leave_namespace);
                }
            }
            scalar => write_scalar(self.out, scalar),
        }
    }

    /// A field, or with an index a member of a list.
    fn element(&mut self, name: &str, index: Option<usize>, value: &Value, leave_namespace: bool) {
        let known = self.prefixes.len();
        let declarations = declarations(value);
        self.prefixes.extend(declarations.iter().map(|(prefix, _)| (*prefix).to_owned()));
        let is_member = index.is_some();
        let (element, named) = if is_member || is_field_name(name) { (name, None) } else { (ENTRY, Some(name)) };
        let prefix = self.prefix_of(value);
        let tag = prefix.map_or_else(|| element.to_owned(), |prefix| format!("{prefix}:{element}"));
        self.out.push('<');
        self.out.push_str(&tag);
        if leave_namespace && !declarations.iter().any(|(prefix, _)| prefix.is_empty()) {
            self.out.push_str(" xmlns=\"\"");
        }
        for (prefix, uri) in &declarations {
            self.attribute(&if prefix.is_empty() { "xmlns".to_owned() } else { format!("xmlns:{prefix}") }, uri);
        }
        if let Some(named) = named {
            self.attribute("name", named);
        }
        if let Some(index) = index {
            self.attribute("index", &index.to_string());
        }
        if let Value::Array(list) = value {
            self.attribute("length", &list.len().to_string());
        }
        self.attributes(value, named.is_some(), is_member);
        self.out.push('>');
        self.content(value, false);
        self.out.push_str("</");
        self.out.push_str(&tag);
        self.out.push('>');
        self.prefixes.truncate(known);
    }

    /// What `_attributes` of an object asks for; names that cannot be an attribute's, or that are taken, are left out.
    fn attributes(&mut self, value: &Value, name_is_taken: bool, index_is_taken: bool) {
        let Some(Value::Object(attributes)) = value.get(ATTRIBUTES) else { return };
        for (name, value) in attributes {
            let taken = name_is_taken && name == "name" || index_is_taken && name == "index";
            if taken || !is_name(name) {
                continue;
            }
            let prefix = self.prefix_of(value).map(|prefix| format!("{prefix}:{name}"));
            let scalar = value.get(VALUE).unwrap_or(value);
            if !scalar.is_object() && !scalar.is_array() {
                let text = scalar.as_str().map_or_else(|| scalar.to_string(), str::to_owned);
                self.attribute(&prefix.unwrap_or_else(|| name.clone()), if scalar.is_null() { "" } else { &text });
            }
        }
    }

    fn attribute(&mut self, name: &str, value: &str) {
        self.out.push(' ');
        self.out.push_str(name);
        self.out.push_str("=\"");
        escape_into(self.out, value);
        self.out.push('"');
    }

    /// The prefix that `_nsprefix` asks for, if it is declared here.
    fn prefix_of(&self, value: &Value) -> Option<String> {
        let prefix = value.get(PREFIX)?.as_str()?;
        self.prefixes.iter().any(|declared| declared == prefix && !prefix.is_empty()).then(|| prefix.to_owned())
    }
}

/// What `_nsdecl` of an object declares: one `{_prefix, _name}` or a list of them.
fn declarations(value: &Value) -> Vec<(&str, &str)> {
    let declared: Vec<&Value> = match value.get(NAMESPACES) {
        Some(Value::Array(list)) => list.iter().collect(),
        Some(one) => vec![one],
        None => Vec::new(),
    };
    let mut found: Vec<(&str, &str)> = Vec::new();
    for declaration in declared {
        let prefix = declaration.get("_prefix").and_then(Value::as_str).unwrap_or_default();
        let Some(uri) = declaration.get("_name").and_then(Value::as_str) else { continue };
        let is_usable = prefix.is_empty() || is_name(prefix) && !uri.is_empty();
        if is_usable && !found.iter().any(|(earlier, _)| *earlier == prefix) {
            found.push((prefix, uri));
        }
    }
    found
}

fn is_special(name: &str) -> bool {
    matches!(name, ATTRIBUTES | VALUE | NAMESPACES | PREFIX)
}

fn write_scalar(out: &mut String, scalar: &Value) {
    match scalar {
        Value::String(text) => escape_into(out, text),
        Value::Null => {}
        Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => escape_into(out, &scalar.to_string()),
    }
}

/// Whether a name can be an element's or an attribute's, without a prefix.
fn is_name(name: &str) -> bool {
    let is_start = |c: char| c.is_ascii_alphabetic() || c == '_' || crate::text::is_han(c);
    let is_part = |c: char| is_start(c) || c.is_ascii_digit() || matches!(c, '-' | '.');
    !name.to_ascii_lowercase().starts_with("xml") && name.starts_with(is_start) && name.chars().all(is_part)
}

/// Whether a field's name can be its element's, and would not be taken for something else.
fn is_field_name(name: &str) -> bool {
    name != ITEM && name != ENTRY && is_name(name)
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
        if node.attribute("length") == Some("0") {
            return Value::Array(Vec::new());
        }
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
