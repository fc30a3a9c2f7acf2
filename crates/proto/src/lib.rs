//! Generated code of the dialog-service protocol, `proto/voxgate/dialog/v1/dialog.proto`.
//!
//! The `.proto` file is the reference: its comments are this crate's documentation, carried over to every generated item.

/// Version 1 of the protocol: package `voxgate.dialog.v1`.
pub mod v1 {
    #![allow(missing_docs, unreachable_pub, clippy::all, reason = "generated code")]
    tonic::include_proto!("voxgate.dialog.v1");
}

/// The descriptor set of the protocol, for the gRPC reflection service.
pub const DESCRIPTOR_SET: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/dialog_descriptor.bin"));

#[cfg(test)]
mod tests;
