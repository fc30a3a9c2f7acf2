//! Where the models are.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// No models directory was named and there is no place for one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("where models are kept is not known: set VOXGATE_MODELS, or HOME")]
pub struct NoDirectory;

/// The models directory: `explicit` (an option or the configuration), else `$VOXGATE_MODELS`, else
/// `$XDG_CACHE_HOME/voxgate/models`, else `~/.cache/voxgate/models`. It need not exist.
///
/// # Errors
/// When none of these is set.
pub fn models_directory(explicit: Option<&Path>) -> Result<PathBuf, NoDirectory> {
    resolve(explicit, |name| std::env::var_os(name))
}

fn resolve(explicit: Option<&Path>, variable: impl Fn(&str) -> Option<OsString>) -> Result<PathBuf, NoDirectory> {
    if let Some(explicit) = explicit {
        return Ok(explicit.to_owned());
    }
    let set = |name| variable(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    set("VOXGATE_MODELS")
        .or_else(|| {
            // The XDG specification has relative paths ignored.
            let cache = set("XDG_CACHE_HOME").filter(|path| path.is_absolute());
            Some(cache.or_else(|| Some(set("HOME")?.join(".cache")))?.join("voxgate").join("models"))
        })
        .ok_or(NoDirectory)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resolved(explicit: Option<&str>, variables: &[(&str, &str)]) -> Result<PathBuf, NoDirectory> {
        resolve(explicit.map(Path::new), |name| {
            variables.iter().find(|(known, _)| *known == name).map(|(_, value)| OsString::from(value))
        })
    }

    #[test]
    fn the_nearest_of_what_is_set_wins() {
        let all = [("VOXGATE_MODELS", "/models"), ("XDG_CACHE_HOME", "/cache"), ("HOME", "/home/me")];
        assert_eq!(resolved(Some("here"), &all), Ok("here".into()));
        assert_eq!(resolved(None, &all), Ok("/models".into()));
        assert_eq!(resolved(None, &all[1..]), Ok("/cache/voxgate/models".into()));
        assert_eq!(resolved(None, &all[2..]), Ok("/home/me/.cache/voxgate/models".into()));
        assert_eq!(resolved(None, &[]), Err(NoDirectory));
    }

    #[test]
    fn empty_variables_and_relative_caches_count_as_unset() {
        assert_eq!(
            resolved(None, &[("VOXGATE_MODELS", ""), ("XDG_CACHE_HOME", "cache"), ("HOME", "/home/me")]),
            Ok("/home/me/.cache/voxgate/models".into())
        );
    }
}
