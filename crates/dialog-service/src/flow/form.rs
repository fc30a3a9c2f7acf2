//! The form's JSON Schema: made of the slots, and what the flow adds. A record holds only values that it allows.

use std::fmt;

use serde_json::{Map, Value, json};

use super::{Flow, Slot, slot::SlotKind};

/// A schema of the flow's own, ready to be asked.
pub(super) struct FormSchema {
    schema: Value,
    validator: jsonschema::Validator,
}

impl fmt::Debug for FormSchema {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.schema.fmt(f)
    }
}

impl FormSchema {
    /// # Errors
    /// When it is not a JSON Schema.
    pub(super) fn new(schema: Value) -> Result<Self, String> {
        let validator = jsonschema::validator_for(&schema).map_err(|err| err.to_string())?;
        Ok(Self { schema, validator })
    }
}

impl Flow {
    /// The JSON Schema of the form that a conversation fills.
    pub fn form_schema(&self) -> Value {
        let properties: Map<String, Value> = self.slots.iter().map(|slot| (slot.name.clone(), slot.schema())).collect();
        let slots = json!({
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "title": self.name,
            "type": "object",
            "properties": properties,
            "additionalProperties": false,
        });
        match &self.form {
            None => slots,
            Some(own) => {
                let mut both = slots;
                both["allOf"] = json!([own.schema]);
                both
            }
        }
    }

    /// The form with every value emptied that the flow's own schema does not allow.
    pub(super) fn allowed_form(&self, mut form: Map<String, Value>) -> Map<String, Value> {
        let Some(own) = &self.form else { return form };
        // One at a time, and no more than there are: what is emptied may make another value wrong.
        for _ in 0..form.len() {
            let whole = Value::Object(form.clone());
            let wrong = own.validator.iter_errors(&whole).find_map(|error| {
                let path = error.instance_path().to_string();
                let name = path.trim_start_matches('/').split('/').next().unwrap_or_default().to_owned();
                form.get(&name).filter(|value| !value.is_null()).map(|_| name)
            });
            let Some(wrong) = wrong else { break };
            form.insert(wrong, Value::Null);
        }
        form
    }
}

impl Slot {
    fn schema(&self) -> Value {
        match &self.kind {
            SlotKind::Boolean { .. } => json!({ "type": ["boolean", "null"] }),
            SlotKind::Number { min, max, whole } => {
                let kind = if *whole { "integer" } else { "number" };
                json!({ "type": [kind, "null"], "minimum": min, "maximum": max })
            }
            SlotKind::Choice { options } => {
                let mut names: Vec<Value> = options.iter().map(|(name, _)| Value::from(name.as_str())).collect();
                names.push(Value::Null);
                json!({ "enum": names })
            }
            SlotKind::Text { max_chars, .. } | SlotKind::Name { max_chars } => {
                json!({ "type": ["string", "null"], "maxLength": max_chars })
            }
            // A secret is told by its length only.
            SlotKind::Digits { min, max, secret, .. } => {
                let pattern = if *secret { format!("^•{{{min},{max}}}$") } else { format!("^[0-9]{{{min},{max}}}$") };
                json!({ "type": ["string", "null"], "pattern": pattern })
            }
            SlotKind::Day => json!({ "type": ["string", "null"] }),
        }
    }
}
