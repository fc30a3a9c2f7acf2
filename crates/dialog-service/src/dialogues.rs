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
