use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::time::Instant;
use tonic::Status;

use crate::{
    dialogue::Dialogue,
    flow::Flow,
    flows::FlowShelf,
    state::{SavedDialogue, StateError, StateStore, Stored},
};

/// A conversation that requests share.
pub(crate) type SharedDialogue = Arc<Conversation>;

/// A conversation, and the order in which it is written to the shared store.
#[derive(Debug)]
pub(crate) struct Conversation {
    /// Held for a step of the flow, never across an await.
    dialogue: Mutex<Dialogue>,
    /// Held while it is written.
    saving: tokio::sync::Mutex<()>,
}

/// The conversations that the service remembers: the open ones, and for a while those that were ended. With a shared store the table is
/// what this instance knows of them.
#[derive(Debug)]
pub(crate) struct Dialogues {
    table: Mutex<HashMap<String, Entry>>,
    max: usize,
    idle_expiry: Duration,
    shared: Option<Shared>,
}

/// A store that other instances use as well.
#[derive(Debug)]
struct Shared {
    store: StateStore,
    flows: Arc<FlowShelf>,
}

#[derive(Debug)]
struct Entry {
    dialogue: SharedDialogue,
    used_at: Instant,
}

impl Dialogues {
    pub(crate) fn new(max: usize, idle_expiry: Duration) -> Self {
        Self { table: Mutex::new(HashMap::new()), max, idle_expiry, shared: None }
    }

    /// The same with a store that other instances share; `flows` are those that conversations follow.
    pub(crate) fn with_store(self, store: StateStore, flows: Arc<FlowShelf>) -> Self {
        Self { shared: Some(Shared { store, flows }), ..self }
    }

    /// Another instance may go on with its conversations.
    pub(crate) fn is_shared(&self) -> bool {
        self.shared.is_some()
    }

    /// The conversation of that id, as the instance that led it last has left it.
    pub(crate) async fn find(&self, id: &str) -> Option<SharedDialogue> {
        let known = self.known(id);
        let Some(shared) = &self.shared else { return known };
        match shared.store.load(id).await {
            Ok(Some(stored)) => {
                let is_known = known.as_ref().is_some_and(|known| locked(known).stored_version() >= stored.version);
                if is_known {
                    return known;
                }
                let dialogue = shared.resume(id, stored).await?;
                Some(self.put(id, dialogue))
            }
            // Begun while the store was away, or expired there: this instance knows best.
            Ok(None) => {
                if let Some(known) = &known {
                    locked(known).was_stored(0);
                }
                known
            }
            Err(error) => {
                shared_failure("load", &error);
                known
            }
        }
    }

    /// The open conversation of that id, or the one that `make` makes.
    pub(crate) async fn find_or_open(
        &self,
        id: &str,
        make: impl FnOnce() -> Result<Dialogue, Status>,
    ) -> Result<SharedDialogue, Status> {
        let found = if self.shared.is_some() { self.find(id).await } else { self.known(id) };
        if let Some(open) = found.as_ref().filter(|found| !locked(found).is_ended()) {
            return Ok(Arc::clone(open));
        }
        self.make_room(id)?;
        let mut dialogue = make()?;
        // An ended conversation of the same name is written over.
        dialogue.was_stored(found.map_or(0, |ended| locked(&ended).stored_version()));
        let flow = Arc::clone(dialogue.flow());
        // Somebody may have opened it while the store was asked.
        let again = self.known(id).filter(|known| !locked(known).is_ended());
        if let Some(open) = again {
            return Ok(open);
        }
        let opened = self.put(id, dialogue);
        if let Some(shared) = &self.shared
            && let Err(error) = shared.store.keep_flow(flow.version(), flow.yaml()).await
        {
            shared_failure("flow", &error);
        }
        Ok(opened)
    }

    /// Writes a conversation to the shared store, where there is one. When the store fails, this instance goes on alone.
    ///
    /// # Errors
    /// ABORTED when another instance has changed the conversation meanwhile.
    pub(crate) async fn save(&self, conversation: &SharedDialogue) -> Result<(), Status> {
        let Some(shared) = &self.shared else { return Ok(()) };
        let _in_order = conversation.saving.lock().await;
        let (id, expected, saved) = {
            let dialogue = locked(conversation);
            (dialogue.id().to_owned(), dialogue.stored_version(), dialogue.save())
        };
        let value = serde_json::to_vec(&saved).map_err(|_| Status::internal("the conversation cannot be written"))?;
        match shared.store.save(&id, expected, &value).await {
            Ok(true) => {
                locked(conversation).was_stored(expected.saturating_add(1));
                Ok(())
            }
            Ok(false) => {
                metrics::counter!("dialog_state_conflicts_total").increment(1);
                self.table().remove(&id);
                Err(Status::aborted("another instance of the service leads the conversation"))
            }
            Err(error) => {
                shared_failure("save", &error);
                Ok(())
            }
        }
    }

    /// Forgets what was not used for too long.
    pub(crate) async fn forget_idle(&self) {
        let forgotten = forget(&mut self.table(), self.idle_expiry);
        if forgotten > 0 {
            tracing::info!(forgotten, "idle conversations were forgotten");
        }
        if let Some(shared) = &self.shared
            && let Err(error) = shared.store.forget_idle().await
        {
            shared_failure("forget", &error);
        }
    }

    /// How many are remembered.
    pub(crate) fn len(&self) -> usize {
        self.table().len()
    }

    /// What this instance knows.
    fn known(&self, id: &str) -> Option<SharedDialogue> {
        let mut table = self.table();
        let entry = table.get_mut(id)?;
        entry.used_at = Instant::now();
        Some(Arc::clone(&entry.dialogue))
    }

    fn make_room(&self, id: &str) -> Result<(), Status> {
        let mut table = self.table();
        if table.contains_key(id) {
            return Ok(());
        }
        if table.len() >= self.max {
            forget(&mut table, self.idle_expiry);
        }
        if table.len() >= self.max {
            // Records of conversations that were ended make room for one that begins.
            let ended = table
                .iter()
                .filter(|(_, entry)| locked(&entry.dialogue).is_ended())
                .min_by_key(|(_, entry)| entry.used_at);
            match ended.map(|(id, _)| id.clone()) {
                Some(ended) => drop(table.remove(&ended)),
                None => return Err(Status::resource_exhausted("too many conversations")),
            }
        }
        Ok(())
    }

    fn put(&self, id: &str, dialogue: Dialogue) -> SharedDialogue {
        let dialogue = Arc::new(Conversation { dialogue: Mutex::new(dialogue), saving: tokio::sync::Mutex::new(()) });
        let entry = Entry { dialogue: Arc::clone(&dialogue), used_at: Instant::now() };
        self.table().insert(id.to_owned(), entry);
        dialogue
    }

    fn table(&self) -> MutexGuard<'_, HashMap<String, Entry>> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Shared {
    /// A conversation that another instance has led, with the very version of its flow.
    async fn resume(&self, id: &str, stored: Stored) -> Option<Dialogue> {
        let saved: SavedDialogue = match serde_json::from_slice(&stored.value) {
            Ok(saved) => saved,
            Err(_) => {
                tracing::error!(conversation = id, "the stored conversation is not understood");
                return None;
            }
        };
        let flow = self.flow(&saved.flow_version).await?;
        let dialogue = Dialogue::resume(saved, flow, stored.version)?;
        metrics::counter!("dialog_conversations_resumed_total").increment(1);
        tracing::info!(conversation = id, "a conversation of another instance goes on here");
        Some(dialogue)
    }

    async fn flow(&self, version: &str) -> Option<Arc<Flow>> {
        if let Some(flow) = self.flows.by_version(version) {
            return Some(flow);
        }
        let yaml = match self.store.flow(version).await {
            Ok(yaml) => yaml?,
            Err(error) => {
                shared_failure("flow", &error);
                return None;
            }
        };
        match Flow::load(version, &yaml) {
            Ok(flow) => Some(self.flows.keep(Arc::new(flow))),
            Err(errors) => {
                tracing::error!(%errors, "the flow of another instance does not load here");
                None
            }
        }
    }
}

fn shared_failure(what: &'static str, error: &StateError) {
    metrics::counter!("dialog_state_failures_total", "what" => what).increment(1);
    tracing::warn!(what, %error, "the shared state cannot be used; this instance goes on alone");
}

/// The conversation behind its lock. A request that panicked has ended that request; the conversation is still the best there is.
pub(crate) fn locked(conversation: &SharedDialogue) -> MutexGuard<'_, Dialogue> {
    conversation.dialogue.lock().unwrap_or_else(PoisonError::into_inner)
}

fn forget(table: &mut HashMap<String, Entry>, idle_expiry: Duration) -> usize {
    let before = table.len();
    table.retain(|_, entry| entry.used_at.elapsed() < idle_expiry);
    before.saturating_sub(table.len())
}

#[cfg(test)]
mod tests {
    use proto::v1::{StartConversationRequest, end_conversation_request::Reason};
    use tonic::Code;

    use super::*;
    use crate::flow::Flow;

    const FLOW: &str =
        "flow: f\nlanguages: [en]\nstart: end\nstates:\n  end:\n    say: { en: Bye. }\n    hangup: done\n";

    async fn open(dialogues: &Dialogues, id: &str) -> Result<SharedDialogue, Status> {
        dialogues
            .find_or_open(id, || {
                let request = StartConversationRequest { conversation_id: id.to_owned(), ..Default::default() };
                Dialogue::new(request, Arc::new(Flow::load("f", FLOW).unwrap()))
            })
            .await
    }

    #[tokio::test]
    async fn what_was_idle_for_too_long_is_forgotten() {
        let dialogues = Dialogues::new(10, Duration::ZERO);
        open(&dialogues, "a").await.unwrap();
        dialogues.forget_idle().await;
        assert!(dialogues.find("a").await.is_none());
    }

    #[tokio::test]
    async fn what_was_used_lately_is_kept() {
        let dialogues = Dialogues::new(10, Duration::from_secs(3600));
        let opened = open(&dialogues, "a").await.unwrap();
        dialogues.forget_idle().await;
        assert!(Arc::ptr_eq(&dialogues.find("a").await.unwrap(), &opened));
        assert!(Arc::ptr_eq(&open(&dialogues, "a").await.unwrap(), &opened));
    }

    #[tokio::test]
    async fn a_full_table_refuses_and_the_longest_ended_makes_room() {
        let dialogues = Dialogues::new(2, Duration::from_secs(3600));
        let first = open(&dialogues, "a").await.unwrap();
        open(&dialogues, "b").await.unwrap();
        assert_eq!(open(&dialogues, "c").await.unwrap_err().code(), Code::ResourceExhausted);
        locked(&first).end(Reason::Hangup, None);
        open(&dialogues, "c").await.unwrap();
        assert!(dialogues.find("a").await.is_none());
        assert_eq!(dialogues.len(), 2);
    }

    #[tokio::test]
    async fn a_full_table_makes_room_of_what_is_idle() {
        let dialogues = Dialogues::new(1, Duration::ZERO);
        open(&dialogues, "a").await.unwrap();
        open(&dialogues, "b").await.unwrap();
        assert!(dialogues.find("a").await.is_none());
    }

    #[tokio::test]
    async fn an_ended_conversation_may_be_started_anew() {
        let dialogues = Dialogues::new(10, Duration::from_secs(3600));
        let first = open(&dialogues, "a").await.unwrap();
        locked(&first).end(Reason::Hangup, None);
        let second = open(&dialogues, "a").await.unwrap();
        assert!(!Arc::ptr_eq(&first, &second));
        assert!(!locked(&second).is_ended());
    }
}
