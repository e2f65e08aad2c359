//! An estimate of the clock of a server.

use std::sync::{PoisonError, RwLock};
use std::time::{Duration, Instant, SystemTime};

use redis::Value;

use connect_session_runtime::timestamp::Timestamp;

/// An estimate that is older than this is read anew. Until then, the clocks of two machines drift
/// apart by less than a millisecond.
const MAX_AGE: Duration = Duration::from_secs(10);

/// The same, after a key did not exist.
const MAX_AGE_IN_DOUBT: Duration = Duration::from_secs(1);

/// A slow reply does not explain why an estimate is wrong by more than this.
pub(super) const JUMP_MILLIS: u64 = 3_000;

/// The estimated clock of the server at the end of one connection.
///
/// It is late by at most the time that a reply takes, so no session counts as ended too early.
#[derive(Debug, Default)]
pub(super) struct ServerClock(RwLock<Option<Reading>>);

/// A time of the server, and when it arrived here. A machine that was suspended may have stopped its
/// monotonic clock, and its system clock may have been set, so both are compared.
#[derive(Debug, Clone, Copy)]
struct Reading {
    millis: u64,
    at: Instant,
    system_time: SystemTime,
    /// Whether a key did not exist since then.
    is_doubtful: bool,
}

/// What is known about the time of a server.
#[derive(Debug, Clone, Copy)]
pub(super) struct Estimate {
    /// Its time in milliseconds since 1970; `None` before the first reading.
    pub(super) now: Option<u64>,
    /// Whether the next command has to read the time too.
    pub(super) is_outdated: bool,
}

impl ServerClock {
    /// Records the reply to `TIME`.
    pub(super) fn observe(&self, reply: &Value) {
        if let Some(millis) = millis_of(reply) {
            self.set(millis);
        }
    }

    /// Compares the estimate with the reply of a command, in case the clock of the server has jumped: what is
    /// created by the old time may have ended by the new one. The reply of a script contains the time. A key that
    /// does not exist may have expired, so the time is read soon.
    pub(super) fn compare(&self, reply: &Value) {
        if *reply == Value::Nil {
            if let Some(reading) = &mut *self.write() {
                reading.is_doubtful = true;
            }
        } else if let Some(millis) = time_in_reply(reply) {
            let estimated = self.estimate().now;
            if estimated.is_none_or(|now| now.abs_diff(millis) > JUMP_MILLIS) {
                self.set(millis);
            }
        }
    }

    fn set(&self, millis: u64) {
        *self.write() = Some(Reading {
            millis,
            at: Instant::now(),
            system_time: SystemTime::now(),
            is_doubtful: false,
        });
    }

    /// The current estimate.
    pub(super) fn estimate(&self) -> Estimate {
        let reading = *self.0.read().unwrap_or_else(PoisonError::into_inner);
        let Some(reading) = reading else {
            return Estimate {
                now: None,
                is_outdated: true,
            };
        };
        let elapsed = reading.at.elapsed();
        let max_age = if reading.is_doubtful {
            MAX_AGE_IN_DOUBT
        } else {
            MAX_AGE
        };
        let by_system = SystemTime::now().duration_since(reading.system_time);
        let millis = u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX);
        Estimate {
            now: Some(reading.millis.saturating_add(millis)),
            is_outdated: elapsed >= max_age || by_system.map_or(true, |age| age >= max_age),
        }
    }

    fn write(&self) -> std::sync::RwLockWriteGuard<'_, Option<Reading>> {
        self.0.write().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The milliseconds of a reply to `TIME`: seconds and microseconds, as texts.
pub(super) fn millis_of(reply: &Value) -> Option<u64> {
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

/// The time in the reply of a script: a list of the outcome, the time, and other values.
fn time_in_reply(reply: &Value) -> Option<u64> {
    match reply {
        Value::Array(values) => match values.as_slice() {
            [Value::BulkString(_), Value::Int(now), ..] => u64::try_from(*now).ok(),
            _ => None,
        },
        _ => None,
    }
}

/// The time of this machine, for a server whose time is unknown.
pub(super) fn local_millis() -> u64 {
    Timestamp::now().as_millis()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn time(seconds: &str, micros: &str) -> Value {
        let text = |text: &str| Value::BulkString(text.as_bytes().to_vec());
        Value::Array(vec![text(seconds), text(micros)])
    }

    #[test]
    fn an_estimate_follows_the_last_reading() {
        let clock = ServerClock::default();
        let before = clock.estimate();
        assert!(before.now.is_none() && before.is_outdated);
        clock.observe(&time("1700000000", "123456"));
        let read = clock.estimate();
        assert!(read.now >= Some(1_700_000_000_123) && !read.is_outdated);
        clock.observe(&Value::Nil);
        clock.observe(&time("soon", "0"));
        assert!(clock.estimate().now >= read.now);
    }

    #[test]
    fn the_reply_of_a_script_shows_that_the_clock_has_jumped() {
        let clock = ServerClock::default();
        clock.observe(&time("1700000000", "0"));
        let reply =
            |now: i64| Value::Array(vec![Value::BulkString(b"ended".to_vec()), Value::Int(now)]);
        for now in [1_700_003_600_000, 1_699_990_000_000] {
            clock.compare(&reply(now));
            let shown = clock.estimate().now.unwrap_or(0);
            assert!(shown.abs_diff(now.unsigned_abs()) < 60_000, "{shown}");
        }
        // A record, and a list that is no reply of a script.
        let before = clock.estimate().now;
        clock.compare(&Value::BulkString(b"record".to_vec()));
        clock.compare(&time("1", "0"));
        assert!(clock.estimate().now >= before);
    }

    #[test]
    fn a_reading_is_outdated_by_either_clock() {
        let clock = ServerClock::default();
        let age = |by: Duration, by_system: Duration| {
            *clock.write() = Some(Reading {
                millis: 7,
                at: Instant::now().checked_sub(by).expect("an instant"),
                system_time: SystemTime::now() - by_system,
                is_doubtful: false,
            });
            clock.estimate().is_outdated
        };
        let (new, old) = (Duration::ZERO, MAX_AGE);
        assert!(!age(new, new));
        assert!(age(old, new) && age(new, old));
        assert!(!age(MAX_AGE_IN_DOUBT, new));
        clock.compare(&Value::Nil);
        assert!(clock.estimate().is_outdated, "a key may have expired");
        *clock.write() = Some(Reading {
            millis: 7,
            at: Instant::now(),
            system_time: SystemTime::now() + old,
            is_doubtful: false,
        });
        assert!(
            clock.estimate().is_outdated,
            "the system clock was set back"
        );
    }
}
