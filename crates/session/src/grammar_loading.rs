//! The loads of grammars that are under way on one channel.

use std::collections::VecDeque;

use mrcp::recognizer::{Failure, FailureKind, GrammarPurpose};
use mrcp::{FetchParams, GrammarRef, RequestId};
use speech::Grammar;

use crate::commons::Commons;
use crate::fetching::{FetchFailure, FetchKey, Fetched};
use crate::grammar_job::CompiledGrammar;
use crate::grammar_load::{GrammarLoad, Loaded, Surroundings};
use crate::grammar_store::Definition;
use crate::output::Output;

/// The loads of grammars that are under way on one channel. The machine bounds how many there are.
#[derive(Debug, Default)]
pub(crate) struct GrammarLoading {
    loads: Vec<(LoadFor, GrammarLoad)>,
}

/// What grammars are loaded for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LoadFor {
    /// To be kept under their names: DEFINE-GRAMMAR.
    Definition,
    /// To be used: RECOGNIZE, INTERPRET. What is inline and has a name is kept, too.
    Use(GrammarPurpose),
}

/// A load that has ended.
#[derive(Debug)]
pub(crate) struct EndedLoad {
    pub(crate) request_id: RequestId,
    pub(crate) load_for: LoadFor,
    /// The grammars in the order of precedence and what is to be kept, or why there are none.
    pub(crate) outcome: Result<(Vec<Grammar>, Vec<Definition>), Failure>,
}

impl GrammarLoading {
    /// Begins; what it ends with at once is given back.
    pub(crate) fn begin(
        &mut self,
        request_id: RequestId,
        load_for: LoadFor,
        mut references: Vec<GrammarRef>,
        fetch: FetchParams,
        keys: &mut Commons,
        outputs: &mut VecDeque<Output>,
    ) -> Option<EndedLoad> {
        if let LoadFor::Use(_) = load_for {
            // An identifier of the request's own list names nothing that a client refers to.
            for reference in &mut references {
                if let GrammarRef::Uri { content_id, .. } = reference {
                    *content_id = None;
                }
            }
        }
        match GrammarLoad::begin(request_id, references, fetch, &mut Surroundings { keys, outputs }) {
            Err(failure) => Some(EndedLoad { request_id, load_for, outcome: Err(failure) }),
            Ok(load) => {
                self.loads.push((load_for, load));
                self.end(self.loads.len() - 1)
            }
        }
    }

    /// The request that waits for that.
    pub(crate) fn waiting_for(&self, key: FetchKey) -> Option<RequestId> {
        self.position(key).and_then(|at| self.loads.get(at)).map(|(_, load)| load.request_id())
    }

    /// A document has come, or will not.
    pub(crate) fn fetched(
        &mut self,
        key: FetchKey,
        outcome: Result<Fetched, FetchFailure>,
        keys: &mut Commons,
        outputs: &mut VecDeque<Output>,
    ) -> Option<EndedLoad> {
        let at = self.position(key)?;
        let (_, load) = self.loads.get_mut(at)?;
        let went = load.fetched(key, outcome, &mut Surroundings { keys, outputs });
        self.went(at, went)
    }

    /// A document was compiled elsewhere.
    pub(crate) fn compiled(
        &mut self,
        key: FetchKey,
        compiled: CompiledGrammar,
        keys: &mut Commons,
        outputs: &mut VecDeque<Output>,
    ) -> Option<EndedLoad> {
        let at = self.position(key)?;
        let (_, load) = self.loads.get_mut(at)?;
        let went = load.compiled(key, compiled, &mut Surroundings { keys, outputs });
        self.went(at, went)
    }

    /// Nothing of a request is wanted any more.
    pub(crate) fn abandon(&mut self, request_id: RequestId, outputs: &mut VecDeque<Output>) {
        self.loads.retain_mut(|(_, load)| {
            let is_it = load.request_id() == request_id;
            if is_it {
                load.abandon(outputs);
            }
            !is_it
        });
    }

    fn position(&self, key: FetchKey) -> Option<usize> {
        self.loads.iter().position(|(_, load)| load.awaits(key))
    }

    fn went(&mut self, at: usize, went: Result<(), Failure>) -> Option<EndedLoad> {
        match went {
            Ok(()) => self.end(at),
            Err(failure) => {
                let (load_for, load) = self.loads.remove(at);
                Some(EndedLoad { request_id: load.request_id(), load_for, outcome: Err(failure) })
            }
        }
    }

    /// Takes a load out if it has everything.
    fn end(&mut self, at: usize) -> Option<EndedLoad> {
        let Loaded { grammars, definitions } = self.loads.get_mut(at)?.1.finish()?;
        let (load_for, load) = self.loads.remove(at);
        // A grammar without a root may be defined: its rules have names. It cannot be used as a whole (SRGS 1.0 section 4.7).
        let outcome = match load_for {
            LoadFor::Use(_) if !grammars.iter().all(Grammar::has_root) => {
                Err(Failure::new(FailureKind::Compilation, "the grammar names no root rule"))
            }
            LoadFor::Use(_) | LoadFor::Definition => Ok((grammars, definitions)),
        };
        Some(EndedLoad { request_id: load.request_id(), load_for, outcome })
    }
}
