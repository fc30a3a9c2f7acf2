//! NLSML, the result format of recognition (RFC 6787 section 6.3): written for clients, read by our own client and tests.

pub(crate) mod instance;
mod read;
pub(crate) mod write;

pub use read::read;
pub use write::{no_input, no_match, semantics_failure, write, write_beside};

use std::fmt;

use crate::{InputMode, Instance};

/// The namespace of NLSML in MRCPv2.
pub const NAMESPACE: &str = "urn:ietf:params:xml:ns:mrcpv2";

/// How an object is written inside `<instance>`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum InstanceForm {
    /// As elements, one for each field.
    #[default]
    Xml,
    /// As JSON text.
    Json,
}

/// When the input began and ended, in milliseconds since the Unix epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timestamps {
    /// The begin of the input.
    pub start_unix_ms: u64,
    /// The end of the input.
    pub end_unix_ms: u64,
}

/// How results are written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NlsmlStyle {
    /// Whether `<result>` declares the namespace of RFC 6787; some clients read only without.
    pub namespaced: bool,
    /// How objects are written.
    pub instance: InstanceForm,
    /// Written at each `<input>` when known.
    pub timestamps: Option<Timestamps>,
}

impl Default for NlsmlStyle {
    fn default() -> Self {
        Self { namespaced: true, instance: InstanceForm::Xml, timestamps: None }
    }
}

/// What was received and did not match, or matched without a meaning.
#[derive(Debug, Clone, PartialEq)]
pub struct NoMatch {
    /// A grammar that was active; empty when there is none to name.
    pub grammar_uri: String,
    /// The words or keys, when they are known.
    pub heard: Option<String>,
    /// How sure the engine was of them, 0 to 1.
    pub confidence: f32,
    /// Whether it was said or keyed.
    pub mode: InputMode,
}

/// A result as read.
#[derive(Debug, Clone, PartialEq)]
pub struct NlsmlResult {
    /// The grammar named at `<result>`.
    pub grammar: Option<String>,
    /// Best first.
    pub interpretations: Vec<Interpretation>,
}

/// One interpretation of an input.
#[derive(Debug, Clone, PartialEq)]
pub struct Interpretation {
    /// The grammar that matched: the interpretation's own, else the result's.
    pub grammar: Option<String>,
    /// From 0 to 1; 1 when not given. A value above 1 is taken as a percentage.
    pub confidence: f32,
    /// What the input means. Elements become objects, repeated `<item>`s a list, JSON text what it says, other text a
    /// string; `None` when the instance is empty or absent.
    pub instance: Option<Instance>,
    /// The input.
    pub input: Input,
}

/// The input of an interpretation.
#[derive(Debug, Clone, PartialEq)]
pub enum Input {
    /// Something matched.
    Matched {
        /// The words or keys.
        text: String,
        /// How it came, when the result says.
        mode: Option<InputMode>,
    },
    /// Something was heard and matched nothing; with the words when the result tells them.
    NoMatch(Option<String>),
    /// Nothing was heard.
    NoInput,
}

/// Why a text is not an NLSML result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NlsmlError {
    /// One sentence.
    pub message: String,
    /// Line and column from 1, when the fault has a place.
    pub position: Option<(u32, u32)>,
}

impl fmt::Display for NlsmlError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.position {
            Some((line, column)) => write!(f, "{} (line {line}, column {column})", self.message),
            None => f.write_str(&self.message),
        }
    }
}

impl std::error::Error for NlsmlError {}

#[cfg(test)]
mod schema;
#[cfg(test)]
mod tests;
