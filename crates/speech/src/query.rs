//! Parameters of URIs as clients write them.
