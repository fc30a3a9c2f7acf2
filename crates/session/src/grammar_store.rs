//! The grammars that were defined in a session, by Content-ID (RFC 6787 section 9.5.1).

use std::collections::HashMap;
use std::sync::Arc;

use mrcp::recognizer::{Failure, FailureKind};
use speech::{Grammar, GrammarLimits};

/// How grammars are loaded and kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GrammarConfig {
    /// Most Content-IDs that are defined at a time in one session; a further one is answered 016.
    pub stored_max: usize,
    /// Most bytes of the documents behind them.
    pub stored_bytes_max: usize,
    /// A longer document is compiled outside of the session's task, so that nothing waits behind it.
    pub compile_here_bytes_max: usize,
    /// What one grammar may cost.
    pub limits: GrammarLimits,
}

impl Default for GrammarConfig {
    fn default() -> Self {
        Self {
            stored_max: 256,
            stored_bytes_max: 32 << 20,
            compile_here_bytes_max: 16 << 10,
            limits: GrammarLimits::default(),
        }
    }
}

/// What was defined under one Content-ID.
#[derive(Debug, Clone)]
pub(crate) struct Definition {
    pub(crate) content_id: String,
    pub(crate) grammars: Vec<Grammar>,
    /// Bytes of the documents.
    pub(crate) bytes: usize,
}

/// The grammars that were defined in a session; all its channels see them.
#[derive(Debug)]
pub(crate) struct GrammarStore {
    config: Arc<GrammarConfig>,
    defined: HashMap<String, Definition>,
    /// Whether any grammar of the session had scripts.
    has_scripts: bool,
}

impl GrammarStore {
    pub(crate) fn new(config: Arc<GrammarConfig>) -> Self {
        Self { config, defined: HashMap::new(), has_scripts: false }
    }

    pub(crate) fn config(&self) -> &GrammarConfig {
        &self.config
    }

    /// Takes note of a grammar that the session has loaded.
    pub(crate) fn loaded(&mut self, grammar: &Grammar) {
        self.has_scripts |= grammar.has_scripts();
    }

    /// Whether any grammar of the session had scripts.
    pub(crate) fn has_scripts(&self) -> bool {
        self.has_scripts
    }

    /// What was defined under a Content-ID.
    pub(crate) fn grammars(&self, content_id: &str) -> Option<&[Grammar]> {
        self.defined.get(content_id).map(|definition| definition.grammars.as_slice())
    }

    /// Defines all of them or none; an identifier that is defined already stands for the new grammars from now on.
    ///
    /// # Errors
    /// `Definition` when there is no room.
    pub(crate) fn define(&mut self, definitions: Vec<Definition>) -> Result<(), Failure> {
        let mut merged: HashMap<String, Definition> = HashMap::new();
        for definition in definitions {
            match merged.get_mut(&definition.content_id) {
                Some(same) => {
                    same.grammars.extend(definition.grammars);
                    same.bytes = same.bytes.saturating_add(definition.bytes);
                }
                None => {
                    merged.insert(definition.content_id.clone(), definition);
                }
            }
        }
        let kept = self.defined.values().filter(|kept| !merged.contains_key(&kept.content_id));
        let (count, bytes) = kept
            .chain(merged.values())
            .fold((0_usize, 0_usize), |(count, bytes), each| (count + 1, bytes.saturating_add(each.bytes)));
        if count > self.config.stored_max || bytes > self.config.stored_bytes_max {
            return Err(Failure::new(FailureKind::Definition, "there is no room for more grammars in this session"));
        }
        self.defined.extend(merged);
        Ok(())
    }

    /// Clears everything that a Content-ID stands for.
    pub(crate) fn forget(&mut self, content_id: &str) {
        self.defined.remove(content_id);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn store(stored_max: usize, stored_bytes_max: usize) -> GrammarStore {
        GrammarStore::new(Arc::new(GrammarConfig { stored_max, stored_bytes_max, ..GrammarConfig::default() }))
    }

    fn definition(content_id: &str, bytes: usize) -> Definition {
        let grammars = vec![Grammar::from_uri("builtin:dtmf/digits").unwrap()];
        Definition { content_id: content_id.to_owned(), grammars, bytes }
    }

    #[test]
    fn grm_005_what_has_no_room_is_refused_and_nothing_of_it_is_kept() {
        let mut store = store(2, 100);
        assert!(store.define(vec![definition("a", 60)]).is_ok());
        let refused = store.define(vec![definition("b", 10), definition("c", 40)]).unwrap_err();
        assert_eq!(refused.kind, FailureKind::Definition);
        assert!(store.grammars("b").is_none() && store.grammars("c").is_none());
        assert!(store.define(vec![definition("b", 41)]).is_err(), "too many bytes");
        assert!(store.define(vec![definition("b", 40)]).is_ok());
        assert!(store.define(vec![definition("c", 0)]).is_err(), "too many");
    }

    #[test]
    fn grm_006_a_definition_that_is_replaced_frees_its_room() {
        let mut store = store(1, 100);
        assert!(store.define(vec![definition("a", 100)]).is_ok());
        assert!(store.define(vec![definition("a", 100)]).is_ok());
        store.forget("a");
        assert!(store.define(vec![definition("b", 100)]).is_ok());
    }
}
