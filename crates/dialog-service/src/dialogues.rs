use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::time::Instant;
use tonic::Status;

use crate::dialogue::Dialogue;

/// A conversation that requests share. The lock is held for a step of the flow, never across an await.
pub(crate) type SharedDialogue = Arc<Mutex<Dialogue>>;

/// The conversations that the service remembers: the open ones, and for a while those that were ended.
#[derive(Debug)]
pub(crate) struct Dialogues {
    table: Mutex<HashMap<String, Entry>>,
    max: usize,
    idle_expiry: Duration,
}

#[derive(Debug)]
struct Entry {
    dialogue: SharedDialogue,
    used_at: Instant,
}

impl Dialogues {
    pub(crate) fn new(max: usize, idle_expiry: Duration) -> Self {
        Self { table: Mutex::new(HashMap::new()), max, idle_expiry }
    }

    /// The conversation of that id.
    pub(crate) fn find(&self, id: &str) -> Option<SharedDialogue> {
        let mut table = self.table();
        let entry = table.get_mut(id)?;
        entry.used_at = Instant::now();
        Some(Arc::clone(&entry.dialogue))
    }

    /// The open conversation of that id, or the one that `make` makes.
    pub(crate) fn find_or_open(
        &self,
        id: &str,
        make: impl FnOnce() -> Result<Dialogue, Status>,
    ) -> Result<SharedDialogue, Status> {
        let mut table = self.table();
        if let Some(entry) = table.get_mut(id).filter(|entry| !locked(&entry.dialogue).is_ended()) {
            entry.used_at = Instant::now();
            return Ok(Arc::clone(&entry.dialogue));
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
        let dialogue = Arc::new(Mutex::new(make()?));
        table.insert(id.to_owned(), Entry { dialogue: Arc::clone(&dialogue), used_at: Instant::now() });
        Ok(dialogue)
    }

    /// Forgets what was not used for too long.
    pub(crate) fn forget_idle(&self) {
        let forgotten = forget(&mut self.table(), self.idle_expiry);
        if forgotten > 0 {
            tracing::info!(forgotten, "idle conversations were forgotten");
        }
    }

    /// How many are remembered.
    pub(crate) fn len(&self) -> usize {
        self.table().len()
    }

    fn table(&self) -> MutexGuard<'_, HashMap<String, Entry>> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The conversation behind its lock. A request that panicked has ended that request; the conversation is still the best there is.
pub(crate) fn locked(dialogue: &SharedDialogue) -> MutexGuard<'_, Dialogue> {
    dialogue.lock().unwrap_or_else(PoisonError::into_inner)
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

    fn open(dialogues: &Dialogues, id: &str) -> Result<SharedDialogue, Status> {
        dialogues.find_or_open(id, || {
            let request = StartConversationRequest { conversation_id: id.to_owned(), ..Default::default() };
            Dialogue::new(request, Arc::new(Flow::load("f", FLOW).unwrap()))
        })
    }

    #[test]
    fn what_was_idle_for_too_long_is_forgotten() {
        let dialogues = Dialogues::new(10, Duration::ZERO);
        open(&dialogues, "a").unwrap();
        dialogues.forget_idle();
        assert!(dialogues.find("a").is_none());
    }

    #[test]
    fn what_was_used_lately_is_kept() {
        let dialogues = Dialogues::new(10, Duration::from_secs(3600));
        let opened = open(&dialogues, "a").unwrap();
        dialogues.forget_idle();
        assert!(Arc::ptr_eq(&dialogues.find("a").unwrap(), &opened));
        assert!(Arc::ptr_eq(&open(&dialogues, "a").unwrap(), &opened));
    }

    #[test]
    fn a_full_table_refuses_and_the_longest_ended_makes_room() {
        let dialogues = Dialogues::new(2, Duration::from_secs(3600));
        let first = open(&dialogues, "a").unwrap();
        open(&dialogues, "b").unwrap();
        assert_eq!(open(&dialogues, "c").unwrap_err().code(), Code::ResourceExhausted);
        locked(&first).end(Reason::Hangup, None);
        open(&dialogues, "c").unwrap();
        assert!(dialogues.find("a").is_none());
        assert_eq!(dialogues.len(), 2);
    }

    #[test]
    fn a_full_table_makes_room_of_what_is_idle() {
        let dialogues = Dialogues::new(1, Duration::ZERO);
        open(&dialogues, "a").unwrap();
        open(&dialogues, "b").unwrap();
        assert!(dialogues.find("a").is_none());
    }

    #[test]
    fn an_ended_conversation_may_be_started_anew() {
        let dialogues = Dialogues::new(10, Duration::from_secs(3600));
        let first = open(&dialogues, "a").unwrap();
        locked(&first).end(Reason::Hangup, None);
        let second = open(&dialogues, "a").unwrap();
        assert!(!Arc::ptr_eq(&first, &second));
        assert!(!locked(&second).is_ended());
    }
}
