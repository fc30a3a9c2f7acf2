use serde_json::Value;

use super::document::FlowDoc;

/// The JSON Schema (draft 2020-12) of a flow file, for editors. It knows the shape; what depends on other parts of the file, such as the
/// names of states, is checked when the flow is loaded.
pub fn flow_schema() -> Value {
    let mut schema = schemars::schema_for!(FlowDoc).to_value();
    if let Some(schema) = schema.as_object_mut() {
        schema.insert("title".to_owned(), Value::from("Voxgate dialogue flow"));
    }
    schema
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::flows::SHIPPED;

    fn is_valid(yaml: &str) -> Result<(), String> {
        let document: Value = serde_saphyr::from_str(yaml).map_err(|err| err.to_string())?;
        let schema = jsonschema::validator_for(&flow_schema()).unwrap();
        schema.validate(&document).map_err(|err| format!("{}: {err}", err.instance_path()))
    }

    #[test]
    fn every_shipped_flow_is_valid() {
        for (name, yaml) in SHIPPED {
            assert_eq!(is_valid(yaml), Ok(()), "{name}");
        }
    }

    #[test]
    fn mistakes_of_shape_are_found() {
        const GOOD: &str =
            "flow: f\nlanguages: [en]\nstart: a\nstates:\n  a:\n    say: { en: Bye. }\n    hangup: done\n";
        assert_eq!(is_valid(GOOD), Ok(()));
        for (from, to) in [
            ("start: a\n", ""),
            ("hangup: done", "hang_up: done"),
            ("say: { en: Bye. }", "say: Bye."),
            ("say: { en: Bye. }", "say: [{ txt: { en: Bye. } }]"),
            ("    hangup: done", "    barge_in: sometimes\n    hangup: done"),
            ("start: a", "start: a\nslots: { x: { type: bool } }"),
            ("start: a", "start: a\npolicy: { filler_after_ms: soon }"),
        ] {
            assert!(GOOD.contains(from));
            assert!(is_valid(&GOOD.replace(from, to)).is_err(), "{to}");
        }
    }

    #[test]
    fn every_key_is_explained() {
        fn unexplained(path: &str, schema: &Value, found: &mut Vec<String>) {
            let properties = schema.get("properties").and_then(Value::as_object);
            for (key, property) in properties.into_iter().flatten() {
                if property.get("description").is_none() && key != "description" && property.get("$ref").is_none() {
                    found.push(format!("{path}.{key}"));
                }
            }
        }
        let schema = flow_schema();
        let mut found = Vec::new();
        unexplained("flow", &schema, &mut found);
        for (name, part) in schema["$defs"].as_object().unwrap() {
            unexplained(name, part, &mut found);
        }
        assert_eq!(found, Vec::<String>::new());
    }
}
