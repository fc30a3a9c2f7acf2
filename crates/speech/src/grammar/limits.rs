//! What a grammar may cost.

/// What a grammar may cost to load. What it may cost to match is bounded by constants of the matcher.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GrammarLimits {
    /// Bytes of one document.
    pub document_bytes_max: usize,
    /// Documents of one grammar: itself and all that it refers to, directly or not.
    pub documents_max: usize,
    /// Bytes of all these documents together.
    pub documents_bytes_max: usize,
    /// How many references lead from the grammar to a document at most.
    pub reference_depth_max: usize,
}

impl Default for GrammarLimits {
    /// 8 MiB a document (a list of 100,000 phrases), 64 documents, 16 MiB together, 16 references deep.
    fn default() -> Self {
        Self {
            document_bytes_max: 8 * 1024 * 1024,
            documents_max: 64,
            documents_bytes_max: 16 * 1024 * 1024,
            reference_depth_max: 16,
        }
    }
}
