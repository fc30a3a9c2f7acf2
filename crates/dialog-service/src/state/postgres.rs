use std::{sync::Arc, time::Duration};

use tokio::sync::Mutex;
use tokio_postgres::{Client, NoTls};

use super::{StateError, Stored};

const TABLES: &str = "CREATE TABLE IF NOT EXISTS voxgate_conversations (
    id text PRIMARY KEY, version bigint NOT NULL, value bytea NOT NULL, expires_at timestamptz NOT NULL);
CREATE TABLE IF NOT EXISTS voxgate_flows (
    version text PRIMARY KEY, yaml text NOT NULL, expires_at timestamptz NOT NULL);";
/// Two instances that make the tables at the same time would be in each other's way.
const LOCK: &str = "SELECT pg_advisory_lock(86492)";
const UNLOCK: &str = "SELECT pg_advisory_unlock(86492)";

const LOAD: &str = "SELECT version, value FROM voxgate_conversations WHERE id = $1 AND expires_at > now()";
const UPDATE: &str = "UPDATE voxgate_conversations SET version = version + 1, value = $3, \
    expires_at = now() + $4 * interval '1 second' WHERE id = $1 AND version = $2 AND expires_at > now()";
const INSERT: &str = "INSERT INTO voxgate_conversations (id, version, value, expires_at) \
    VALUES ($1, 1, $2, now() + $3 * interval '1 second') ON CONFLICT (id) DO UPDATE \
    SET version = 1, value = excluded.value, expires_at = excluded.expires_at \
    WHERE voxgate_conversations.expires_at <= now()";
const KEEP_FLOW: &str = "INSERT INTO voxgate_flows (version, yaml, expires_at) \
    VALUES ($1, $2, now() + $3 * interval '1 second') ON CONFLICT (version) DO UPDATE SET expires_at = excluded.expires_at";
const FLOW: &str = "SELECT yaml FROM voxgate_flows WHERE version = $1";
const FORGET: &str = "DELETE FROM voxgate_conversations WHERE expires_at <= now(); \
    DELETE FROM voxgate_flows WHERE expires_at <= now()";

/// Conversations in PostgreSQL. A connection that broke is made anew by whoever asks next.
pub(super) struct PostgresStore {
    config: tokio_postgres::Config,
    client: Mutex<Option<Arc<Client>>>,
}

impl std::fmt::Debug for PostgresStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("PostgresStore")
    }
}

impl PostgresStore {
    pub(super) async fn connect(url: &str) -> Result<Self, StateError> {
        let config = url.parse().map_err(|_| StateError::Store("the URL is not understood".to_owned()))?;
        let store = Self { config, client: Mutex::new(None) };
        let client = store.client().await?;
        client.batch_execute(LOCK).await.map_err(|error| failed(&error))?;
        let made = client.batch_execute(TABLES).await;
        client.batch_execute(UNLOCK).await.map_err(|error| failed(&error))?;
        made.map_err(|error| failed(&error))?;
        Ok(store)
    }

    pub(super) async fn load(&self, id: &str) -> Result<Option<Stored>, StateError> {
        let row = self.client().await?.query_opt(LOAD, &[&id]).await.map_err(|error| failed(&error))?;
        row.map(|row| {
            let version: i64 = row.try_get(0).map_err(|error| failed(&error))?;
            let value = row.try_get(1).map_err(|error| failed(&error))?;
            Ok(Stored { version: u64::try_from(version).unwrap_or(0), value })
        })
        .transpose()
    }

    pub(super) async fn save(&self, id: &str, expected: u64, value: &[u8], ttl: Duration) -> Result<bool, StateError> {
        let client = self.client().await?;
        let ttl = ttl.as_secs_f64();
        let written = match i64::try_from(expected).unwrap_or(i64::MAX) {
            0 => client.execute(INSERT, &[&id, &value, &ttl]).await,
            expected => client.execute(UPDATE, &[&id, &expected, &value, &ttl]).await,
        };
        written.map(|rows| rows == 1).map_err(|error| failed(&error))
    }

    pub(super) async fn keep_flow(&self, version: &str, yaml: &str, ttl: Duration) -> Result<(), StateError> {
        // It has to outlive every conversation that follows it.
        let ttl = ttl.saturating_mul(4).as_secs_f64();
        let kept = self.client().await?.execute(KEEP_FLOW, &[&version, &yaml, &ttl]).await;
        kept.map(|_| ()).map_err(|error| failed(&error))
    }

    pub(super) async fn flow(&self, version: &str) -> Result<Option<String>, StateError> {
        let row = self.client().await?.query_opt(FLOW, &[&version]).await.map_err(|error| failed(&error))?;
        row.map(|row| row.try_get(0).map_err(|error| failed(&error))).transpose()
    }

    pub(super) async fn forget_idle(&self) -> Result<(), StateError> {
        self.client().await?.batch_execute(FORGET).await.map_err(|error| failed(&error))
    }

    async fn client(&self) -> Result<Arc<Client>, StateError> {
        let mut held = self.client.lock().await;
        if let Some(client) = held.as_ref().filter(|client| !client.is_closed()) {
            return Ok(Arc::clone(client));
        }
        let (client, connection) = self.config.connect(NoTls).await.map_err(|error| failed(&error))?;
        // It ends with the client.
        tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::warn!(reason = failed(&error).to_string(), "the connection to the store of the state broke");
            }
        });
        let client = Arc::new(client);
        *held = Some(Arc::clone(&client));
        Ok(client)
    }
}

/// The kind of failure; details may hold what was asked.
fn failed(error: &tokio_postgres::Error) -> StateError {
    StateError::Store(match error.code() {
        Some(code) => format!("SQLSTATE {}", code.code()),
        None if error.is_closed() => "the connection is closed".to_owned(),
        None => "no connection, or it broke".to_owned(),
    })
}
