//! Skeleton.
pub mod flow;
