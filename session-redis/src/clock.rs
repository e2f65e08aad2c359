//! An estimate of the clock of a server.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use redis::Value;

use connect_session_runtime::timestamp::Timestamp;

/// An estimate that is older than this is read anew. Until then, the clocks of two machines drift
/// apart by less than a millisecond.
const MAX_AGE: Duration = Duration::from_secs(10);

/// The estimated clock of the server at the end of one connection.
///
/// It is late by at most the time that a reply takes, so no session counts as ended too early.
#[derive(Debug, Default)]
pub(super) struct ServerClock(Mutex<Option<Reading>>);

/// A time of the server, and when it arrived here. A machine that was suspended may have stopped its
/// monotonic clock, and its system clock may have been set, so both are compared.
#[derive(Debug, Clone, Copy)]
struct Reading {
    millis: u64,
    at: Instant,
    system_time: SystemTime,
}

impl ServerClock {
    /// Records the reply to `TIME`.
    pub(super) fn observe(&self, reply: &Value) {
        let Some(millis) = millis_of(reply) else {
            return;
        };
        *self.reading() = Some(Reading {
            millis,
            at: Instant::now(),
            system_time: SystemTime::now(),
        });
    }

    /// The server's time in milliseconds since 1970; `None` before the first reading.
    pub(super) fn now(&self) -> Option<u64> {
        let reading = *self.reading();
        reading.map(|reading| {
            let elapsed = reading.at.elapsed().as_millis();
            let elapsed = u64::try_from(elapsed).unwrap_or(u64::MAX);
            reading.millis.saturating_add(elapsed)
        })
    }

    /// Whether the next command has to read the time too.
    pub(super) fn is_outdated(&self) -> bool {
        let reading = *self.reading();
        reading.is_none_or(|reading| {
            let by_system = (SystemTime::now().duration_since(reading.system_time)).ok();
            reading.at.elapsed() >= MAX_AGE || by_system.is_none_or(|age| age >= MAX_AGE)
        })
    }

    fn reading(&self) -> std::sync::MutexGuard<'_, Option<Reading>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The milliseconds of a reply to `TIME`: seconds and microseconds, as texts.
fn millis_of(reply: &Value) -> Option<u64> {
    let Value::Array(parts) = reply else {
        return None;
    };
    let [Value::BulkString(seconds), Value::BulkString(micros)] = parts.as_slice() else {
        return None;
    };
    let number = |text: &[u8]| std::str::from_utf8(text).ok()?.parse::<u64>().ok();
    (number(seconds)?.checked_mul(1_000))
        .and_then(|millis| millis.checked_add(number(micros)? / 1_000))
}

/// The time of this machine, for a server whose time is unknown.
pub(super) fn local_millis() -> u64 {
    Timestamp::now().as_millis()
}
