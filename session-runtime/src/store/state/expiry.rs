//! When a session ends.

use std::time::Duration;

use crate::clock::millis;
use crate::record::{Change, Deadlines, Lifetime, LoadRequest};
use crate::timestamp::Timestamp;

/// A record's lifetime and the deadlines that follow from it, in milliseconds of the store's clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Expiry {
    /// When the record was created.
    pub created_at: u64,
    /// How long the session lives.
    pub lifetime: Lifetime,
    /// When it ends unless a request touches it before. While the record awaits its first use, only a
    /// load moves this to a later time.
    pub idle_until: u64,
    /// When it ends in any case.
    pub absolute_until: u64,
}

impl Expiry {
    /// The deadlines of a record that is created at `now`.
    #[inline]
    #[must_use]
    pub const fn new(lifetime: Lifetime, now: u64) -> Self {
        Self {
            created_at: now,
            lifetime,
            idle_until: now.saturating_add(lifetime.idle_millis()),
            absolute_until: now.saturating_add(lifetime.absolute_millis()),
        }
    }

    /// The deadlines of a new record that ends this long after its creation if no load finds it
    /// before.
    #[inline]
    #[must_use]
    pub fn with_first_use(mut self, timeout: Option<Duration>) -> Self {
        if let Some(timeout) = timeout {
            let until = self.created_at.saturating_add(millis(timeout));
            self.idle_until = self.idle_until.min(until);
        }
        self
    }

    /// The earlier of the two deadlines.
    #[inline]
    #[must_use]
    pub const fn deadline(&self) -> u64 {
        if self.idle_until < self.absolute_until {
            self.idle_until
        } else {
            self.absolute_until
        }
    }

    /// Whether the record has not ended; at its deadline it has.
    #[inline]
    #[must_use]
    pub const fn is_alive(&self, now: u64) -> bool {
        now < self.deadline()
    }

    /// Whether a load has to move the idle deadline: `touch_every` of the request has passed since it
    /// was last moved, or a tenth of the idle time if the request has no interval or one that is not
    /// shorter than the record's own idle time.
    #[inline]
    #[must_use]
    pub fn is_touch_due(&self, request: &LoadRequest, now: u64) -> bool {
        let idle = self.lifetime.idle_millis();
        let every = (request.touch_every.map(millis))
            .filter(|every| *every < idle)
            .unwrap_or(idle / 10);
        let touched_at = self.idle_until.saturating_sub(idle);
        now.saturating_sub(touched_at) >= every.max(1)
    }

    /// Counts the idle deadline from `now`.
    #[inline]
    pub const fn touch(&mut self, now: u64) {
        self.idle_until = now.saturating_add(self.lifetime.idle_millis());
    }

    /// Applies a change: the idle deadline counts from `now`. With a new lifetime or a new
    /// generation the absolute deadline does too. If the record awaits its first use, the idle
    /// deadline is not moved to a later time.
    #[inline]
    pub fn apply<D>(&mut self, change: &Change<D>, awaits_first_use: bool, now: u64) {
        let is_new_generation =
            (change.identity.as_ref()).is_some_and(|identity| identity.new_generation);
        if let Some(lifetime) = change.lifetime {
            self.lifetime = lifetime;
        }
        if is_new_generation || change.lifetime.is_some() {
            self.absolute_until = now.saturating_add(self.lifetime.absolute_millis());
        }
        let before = self.idle_until;
        self.touch(now);
        if awaits_first_use {
            self.idle_until = self.idle_until.min(before);
        }
    }

    /// The deadlines as a [`Record`](crate::record::Record) shows them; `at` converts a time of
    /// the store's clock.
    #[inline]
    #[must_use]
    pub fn deadlines(&self, at: impl Fn(u64) -> Timestamp) -> Deadlines {
        Deadlines {
            created_at: at(self.created_at),
            idle_until: at(self.idle_until),
            absolute_until: at(self.absolute_until),
        }
    }
}
