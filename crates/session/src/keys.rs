//! The name by which channels know what they share.

pub(crate) use crate::commons::Commons as PartKeys;
