//! What we tell peers about ourselves (RFC 3261, 20.1, 20.5 and 20.37).

/// The methods that we serve, for Allow.
pub(crate) const ALLOW: &str = "INVITE, ACK, CANCEL, BYE, OPTIONS, UPDATE";
/// The extensions that we know, for Supported.
pub(crate) const SUPPORTED: &str = "timer";
/// The bodies that we understand, for Accept.
pub(crate) const ACCEPT: &str = "application/sdp";
