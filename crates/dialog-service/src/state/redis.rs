use std::time::Duration;

use redis::{Script, aio::ConnectionManager, aio::ConnectionManagerConfig};

use super::{StateError, Stored};

/// Writes over the version that is expected, and no other.
const SAVE: &str = "local v = redis.call('HGET', KEYS[1], 'v')
if (v or '0') ~= ARGV[1] then return 0 end
redis.call('HSET', KEYS[1], 'v', ARGV[2], 'd', ARGV[3])
redis.call('PEXPIRE', KEYS[1], ARGV[4])
return 1";

/// Conversations in Redis, or what speaks its protocol. The connection comes back by itself.
pub(super) struct RedisStore {
    connection: ConnectionManager,
    save: Script,
}

impl std::fmt::Debug for RedisStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("RedisStore")
    }
}

impl RedisStore {
    pub(super) async fn connect(url: &str, timeout: Duration) -> Result<Self, StateError> {
        let client = redis::Client::open(url).map_err(failed)?;
        let config = ConnectionManagerConfig::new()
            .set_number_of_retries(1)
            .set_connection_timeout(Some(timeout))
            .set_response_timeout(Some(timeout));
        let connection = client.get_connection_manager_with_config(config).await.map_err(failed)?;
        Ok(Self { connection, save: Script::new(SAVE) })
    }

    pub(super) async fn load(&self, id: &str) -> Result<Option<Stored>, StateError> {
        let mut command = redis::cmd("HMGET");
        command.arg(conversation(id)).arg("v").arg("d");
        let mut connection = self.connection.clone();
        let (version, value): (Option<u64>, Option<Vec<u8>>) =
            command.query_async(&mut connection).await.map_err(failed)?;
        Ok(version.zip(value).map(|(version, value)| Stored { version, value }))
    }

    pub(super) async fn save(&self, id: &str, expected: u64, value: &[u8], ttl: Duration) -> Result<bool, StateError> {
        let mut saving = self.save.key(conversation(id));
        saving.arg(expected).arg(expected.saturating_add(1)).arg(value).arg(millis(ttl));
        let mut connection = self.connection.clone();
        saving.invoke_async(&mut connection).await.map_err(failed)
    }

    pub(super) async fn keep_flow(&self, version: &str, yaml: &str, ttl: Duration) -> Result<(), StateError> {
        let mut command = redis::cmd("SET");
        // It has to outlive every conversation that follows it.
        command.arg(flow(version)).arg(yaml).arg("PX").arg(millis(ttl.saturating_mul(4)));
        let mut connection = self.connection.clone();
        command.query_async(&mut connection).await.map_err(failed)
    }

    pub(super) async fn flow(&self, version: &str) -> Result<Option<String>, StateError> {
        let mut command = redis::cmd("GET");
        command.arg(flow(version));
        let mut connection = self.connection.clone();
        command.query_async(&mut connection).await.map_err(failed)
    }
}

fn conversation(id: &str) -> String {
    format!("voxgate:conversation:{id}")
}

fn flow(version: &str) -> String {
    format!("voxgate:flow:{version}")
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX).max(1)
}

/// The kind of failure; details may hold the address.
fn failed(error: redis::RedisError) -> StateError {
    StateError::Store(error.category().to_owned())
}
