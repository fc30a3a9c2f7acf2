//! The vendor-specific parameters that are ours; `docs/DIALOG.md` tells dialplan authors.

use mrcp::VendorParameters;

/// The conversation that a request belongs to.
const CONVERSATION: &str = "com.voxgate.conversation";
/// The flow to follow.
pub(crate) const FLOW: &str = "com.voxgate.flow";
/// Prefix of call variables.
const VARIABLE: &str = "com.voxgate.var.";
/// With the value `text`: SPEAK-COMPLETE tells what was spoken, as [`TEXT`].
pub(crate) const REPORT: &str = "com.voxgate.report";
/// What was spoken, percent-encoded.
pub(crate) const TEXT: &str = "com.voxgate.text";

/// The conversation named by the parameters.
pub(crate) fn conversation(parameters: &VendorParameters) -> Option<String> {
    parameters.value(CONVERSATION).filter(|id| !id.is_empty()).map(str::to_owned)
}

/// The call variables among the parameters.
pub(crate) fn variables(parameters: &VendorParameters) -> Vec<(String, String)> {
    parameters
        .iter()
        .filter_map(|(name, value)| Some((name.strip_prefix(VARIABLE)?.to_owned(), value.to_owned())))
        .collect()
}

/// Text as the value of a parameter: everything but letters and digits percent-encoded, so that no `;` or line end is left.
pub(crate) fn encode(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'.' | b'-' => encoded.push(char::from(byte)),
            other => encoded.push_str(&format!("%{other:02X}")),
        }
    }
    encoded
}
