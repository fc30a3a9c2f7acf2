//! How the content of tags is read.

/// How the content of tags is read, by the grammar's `tag-format`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TagFormat {
    /// `semantics/1.0-literals`: the content is the value.
    Literals,
    /// `semantics/1.0`: the content is script.
    Script,
    /// Not declared: a tag is script if it begins like one, else a literal.
    Undeclared,
    /// Declared and not known: a grammar with such tags is refused, since their meaning could only be guessed.
    Unknown(String),
}

impl TagFormat {
    /// The format of a grammar's `tag-format`, in any case. The names with a year are of the drafts and mean the same.
    pub fn named(name: Option<&str>) -> Self {
        let Some(name) = name.map(str::trim).filter(|name| !name.is_empty()) else { return Self::Undeclared };
        match name.to_ascii_lowercase().as_str() {
            "semantics/1.0" | "semantics/1.0.2006" => Self::Script,
            "semantics/1.0-literals" | "semantics/1.0.2006-literals" | "semantics/1.0-literals.2006" => Self::Literals,
            _ => Self::Unknown(name.chars().take(80).collect()),
        }
    }
}
