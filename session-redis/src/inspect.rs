//! What an administrator may see of a session.

use redis::{Cmd, Value};

use super::node::Command;
use super::reply;
use super::store::{RedisStore, read_error};
use super::stored::StoredRecord;
use super::subject_index::deadlines;
use connect_session_runtime::record::Key;
use connect_session_runtime::store::{BoxFuture, Inspect, Inspected, LiveCount, StoreError};

impl Inspect for RedisStore {
    fn inspect(&self, key: Key) -> BoxFuture<'_, Result<Option<Inspected>, StoreError>> {
        Box::pin(async move {
            let name = self.key(key);
            let mut get = Cmd::with_capacity(2, name.len() + 3);
            get.arg("GET").arg(&name);
            let bytes = match self.send(&name, Command::new(&get, None)).await {
                // A tombstone.
                Err(failure) if failure.code() == "WRONGTYPE" => return Ok(None),
                answer => match answer.map_err(read_error)?.value {
                    Value::Nil => return Ok(None),
                    Value::BulkString(bytes) => bytes,
                    _ => return Err(reply::unexpected("it is not a string")),
                },
            };
            let stored = StoredRecord::read(bytes)?;
            let state = &stored.header.state;
            // The key of a session that was restored from a backup may have no expiry.
            if !state.is_alive(self.now_millis()) {
                return Ok(None);
            }
            Ok(Some(Inspected::new(
                key.id,
                state.login.clone(),
                &deadlines(state),
                state.expiry.lifetime,
                state.label.as_deref(),
                stored.texts()?,
            )))
        })
    }

    /// Only a `SCAN` of all keys of the server would tell.
    fn live_count(
        &self,
        _namespace: &'static str,
        _at_most: u64,
    ) -> BoxFuture<'_, Result<LiveCount, StoreError>> {
        Box::pin(std::future::ready(Ok(LiveCount::NotCounted)))
    }
}
