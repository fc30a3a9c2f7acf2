//! Where conversations live that any instance of the service continues: Redis or PostgreSQL.
//!
//! A conversation is one value with a version that rises by one with each change. An instance writes it only over the version that it has
//! read, so two instances never mix their changes. Flows are kept beside, by version, so that an instance with other files goes on with the
//! flow that the conversation began with.

mod postgres;
mod redis;
mod saved;

use std::time::Duration;

pub(crate) use saved::{SavedDialogue, SavedEvents, SavedPending, SavedRecord};

/// Where the state is, and for how long.
#[derive(Clone, PartialEq, Eq)]
pub struct StateConfig {
    /// `redis://…` or `postgres://…`; it may hold a password, and is never printed.
    pub url: String,
    /// How long one question to the store may take. Callers wait for it.
    pub timeout: Duration,
}

impl std::fmt::Debug for StateConfig {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("StateConfig").field("timeout", &self.timeout).finish_non_exhaustive()
    }
}

/// Why the store does not answer. Nothing of its address is in it.
#[derive(Debug, Clone, thiserror::Error)]
pub enum StateError {
    /// The URL is of no store that is known.
    #[error("the URL must begin with redis://, postgres:// or postgresql://")]
    Url,
    /// It cannot be reached, or refuses.
    #[error("the store of the state failed: {0}")]
    Store(String),
    /// It did not answer in time.
    #[error("the store of the state did not answer in time")]
    Late,
}

/// A conversation as the store has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Stored {
    pub(crate) version: u64,
    pub(crate) value: Vec<u8>,
}

/// A store of conversations.
#[derive(Debug)]
pub(crate) struct StateStore {
    kind: Kind,
    timeout: Duration,
    /// A conversation that was not changed for so long is forgotten.
    ttl: Duration,
}

#[derive(Debug)]
#[expect(clippy::large_enum_variant, reason = "a service has one")]
enum Kind {
    Redis(redis::RedisStore),
    Postgres(postgres::PostgresStore),
}

impl StateStore {
    /// Connects, and makes what it needs there.
    pub(crate) async fn connect(config: &StateConfig, ttl: Duration) -> Result<Self, StateError> {
        let connecting = async {
            if config.url.starts_with("redis://") {
                redis::RedisStore::connect(&config.url, config.timeout).await.map(Kind::Redis)
            } else if config.url.starts_with("postgres://") || config.url.starts_with("postgresql://") {
                postgres::PostgresStore::connect(&config.url).await.map(Kind::Postgres)
            } else {
                Err(StateError::Url)
            }
        };
        // Once, at the start: slower than a question may be.
        let patience = config.timeout.saturating_mul(5);
        let kind = tokio::time::timeout(patience, connecting).await.map_err(|_| StateError::Late)??;
        Ok(Self { kind, timeout: config.timeout, ttl })
    }

    /// The conversation of that id.
    pub(crate) async fn load(&self, id: &str) -> Result<Option<Stored>, StateError> {
        self.in_time(async {
            match &self.kind {
                Kind::Redis(store) => store.load(id).await,
                Kind::Postgres(store) => store.load(id).await,
            }
        })
        .await
    }

    /// Writes a conversation over `expected` (0: there is none); its version is then one more. `false`: somebody else was faster.
    pub(crate) async fn save(&self, id: &str, expected: u64, value: &[u8]) -> Result<bool, StateError> {
        self.in_time(async {
            match &self.kind {
                Kind::Redis(store) => store.save(id, expected, value, self.ttl).await,
                Kind::Postgres(store) => store.save(id, expected, value, self.ttl).await,
            }
        })
        .await
    }

    /// Keeps a flow's file for other instances.
    pub(crate) async fn keep_flow(&self, version: &str, yaml: &str) -> Result<(), StateError> {
        self.in_time(async {
            match &self.kind {
                Kind::Redis(store) => store.keep_flow(version, yaml, self.ttl).await,
                Kind::Postgres(store) => store.keep_flow(version, yaml, self.ttl).await,
            }
        })
        .await
    }

    /// The flow's file of that version.
    pub(crate) async fn flow(&self, version: &str) -> Result<Option<String>, StateError> {
        self.in_time(async {
            match &self.kind {
                Kind::Redis(store) => store.flow(version).await,
                Kind::Postgres(store) => store.flow(version).await,
            }
        })
        .await
    }

    /// Removes what nobody needs any more, where the store does not do that by itself.
    pub(crate) async fn forget_idle(&self) -> Result<(), StateError> {
        match &self.kind {
            Kind::Redis(_) => Ok(()),
            Kind::Postgres(store) => self.in_time(store.forget_idle()).await,
        }
    }

    async fn in_time<T>(&self, asking: impl Future<Output = Result<T, StateError>>) -> Result<T, StateError> {
        tokio::time::timeout(self.timeout, asking).await.map_err(|_| StateError::Late)?
    }
}
