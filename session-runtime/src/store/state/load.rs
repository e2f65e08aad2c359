//! Loads: whether they find the record, and their effects.

use super::expiry::Expiry;
use super::secrets::{CurrentSecret, OtherSecrets};
use super::tombstone::presents_secret;
use crate::clock::millis;
use crate::record::{LoadRequest, Transport};

/// The parts of a record that a load depends on, borrowed from the store's own layout.
#[derive(Debug, Clone, Copy)]
pub struct LoadView<'a> {
    /// How the sid travels.
    pub transport: Transport,
    /// The current secret.
    pub secret: &'a CurrentSecret,
    /// The other secrets; `None` is the same as neither.
    pub others: Option<&'a OtherSecrets>,
    /// The lifetime and the deadlines.
    pub expiry: &'a Expiry,
    /// Whether no load has found the record yet, and it ends early for that reason.
    pub awaits_first_use: bool,
}

/// The effects of a load on the record that it finds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LoadEffects {
    /// Whether the idle deadline counts from now, and the record no longer awaits its first use.
    pub touch: bool,
    /// The change of the secrets.
    pub secret: SecretStep,
}

/// The effect of a load on the secrets of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SecretStep {
    /// Nothing.
    Keep,
    /// It offers the candidate of its [`Renewal`](crate::record::Renewal).
    Offer,
    /// It presented the offered secret, which becomes the current one.
    Promote,
}

impl LoadView<'_> {
    /// The effects of a load; `None` if the load does not find the record.
    ///
    /// A record is found if it is alive, if its sid was presented in the way it travels, and if
    /// the presented secret is the current one, the offered one, or the previous one within its
    /// grace period. Hashes are compared in constant time.
    #[allow(clippy::inline_always, reason = "the view is not built for the call")]
    #[inline(always)]
    #[must_use]
    pub fn on_load(self, request: &LoadRequest, now: u64) -> Option<LoadEffects> {
        if !self.expiry.is_alive(now) || self.transport != request.transport {
            return None;
        }
        let secret = if self.secret.hash == request.secret {
            self.step_of_current(request, now)
        } else {
            let others = self.others?;
            if others.is_offered(request.secret) {
                SecretStep::Promote
            } else if others.is_previous(request.secret, now) {
                SecretStep::Keep
            } else {
                return None;
            }
        };
        Some(LoadEffects {
            touch: self.awaits_first_use || self.expiry.is_touch_due(request, now),
            secret,
        })
    }

    /// Whether the sid was presented in the way it travels, with a secret that opens the record if it is
    /// alive: for records that have ended.
    #[must_use]
    pub fn is_opened_by(self, request: &LoadRequest, now: u64) -> bool {
        presents_secret(request, self.transport, self.secret.hash, self.others, now)
    }

    /// Whether a load that does not find the record presents the secret that a renewal has replaced, in the
    /// way the sid travels: its grace period is over, and the record is alive.
    #[must_use]
    pub fn is_reuse(self, request: &LoadRequest, now: u64) -> bool {
        let previous = self.others.and_then(|others| others.previous.as_ref());
        self.expiry.is_alive(now)
            && self.transport == request.transport
            && previous.is_some_and(|previous| {
                previous.valid_until <= now && previous.hash == request.secret
            })
    }

    /// An offer is due if the current secret, and any offer before, are old enough.
    #[inline]
    fn step_of_current(self, request: &LoadRequest, now: u64) -> SecretStep {
        let Some(renewal) = &request.renewal else {
            return SecretStep::Keep;
        };
        let every = millis(renewal.every);
        let is_old = now.saturating_sub(self.secret.since) >= every;
        if is_old && (self.others).is_none_or(|others| others.may_offer(every, now)) {
            SecretStep::Offer
        } else {
            SecretStep::Keep
        }
    }
}

impl LoadEffects {
    /// Whether the load writes nothing.
    #[inline]
    #[must_use]
    pub const fn is_empty(self) -> bool {
        !self.touch && matches!(self.secret, SecretStep::Keep)
    }

    /// Whether the load offers a second secret: [`Record::renewed`](crate::record::Record::renewed).
    #[inline]
    #[must_use]
    pub const fn makes_offer(self) -> bool {
        matches!(self.secret, SecretStep::Offer)
    }

    /// Writes the effects to the parts of a record. `others` is only called if the other secrets
    /// change, so that a store can leave them out where there are none.
    #[inline]
    pub fn apply<'a>(
        self,
        request: &LoadRequest,
        now: u64,
        secret: &mut CurrentSecret,
        expiry: &mut Expiry,
        others: impl FnOnce() -> &'a mut OtherSecrets,
    ) {
        if self.touch {
            expiry.touch(now);
        }
        let renewal = request.renewal.as_ref();
        match (self.secret, renewal) {
            (SecretStep::Offer, Some(renewal)) => others().offer(renewal, now),
            (SecretStep::Promote, _) => others().promote(secret, renewal, now),
            (SecretStep::Offer, None) | (SecretStep::Keep, _) => {}
        }
    }
}
