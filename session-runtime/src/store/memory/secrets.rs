//! The secrets beside the current one: the one that was offered, and the one before.

use crate::clock::millis;
use crate::record::Renewal;
use crate::sid::SecretHash;

/// All times are milliseconds of the store's clock.
#[derive(Default)]
pub(super) struct OtherSecrets {
    offer: Option<Offer>,
    previous: Option<Previous>,
}

struct Offer {
    secret: SecretHash,
    made: u64,
    grace: u64,
}

struct Previous {
    secret: SecretHash,
    until: u64,
}

/// Which of them somebody presented.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Presented {
    Offer,
    Previous,
}

impl OtherSecrets {
    /// Which of these it is, if it is one and is good. Its grace over, the one before is dead.
    pub(super) fn find(&self, secret: SecretHash, now: u64) -> Option<Presented> {
        if (self.offer.as_ref()).is_some_and(|offer| offer.secret == secret) {
            return Some(Presented::Offer);
        }
        let previous = self.previous.as_ref()?;
        (now < previous.until && previous.secret == secret).then_some(Presented::Previous)
    }

    /// Whether another offer may be made: there is none, or one that is old and was never used.
    pub(super) fn may_offer(&self, every: u64, now: u64) -> bool {
        (self.offer.as_ref()).is_none_or(|offer| now.saturating_sub(offer.made) >= every)
    }

    pub(super) fn offer(&mut self, renewal: &Renewal, now: u64) {
        self.offer = Some(Offer {
            secret: renewal.candidate,
            made: now,
            grace: millis(renewal.grace),
        });
    }

    /// The offered secret, which takes the place of `current`. The grace of `current` is what
    /// the load knows, or else what was known when the offer was made.
    pub(super) fn promote(
        &mut self,
        current: SecretHash,
        renewal: Option<&Renewal>,
        now: u64,
    ) -> Option<SecretHash> {
        let offer = self.offer.take()?;
        let grace = renewal.map_or(offer.grace, |renewal| millis(renewal.grace));
        self.previous = Some(Previous {
            secret: current,
            until: now.saturating_add(grace),
        });
        Some(offer.secret)
    }
}
