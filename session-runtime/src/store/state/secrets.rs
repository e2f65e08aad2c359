//! The secrets of a session: the current one, an offered one and the previous one.

use crate::clock::millis;
use crate::record::Renewal;
use crate::sid::SecretHash;

/// The secret that clients present.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CurrentSecret {
    /// The hash of the secret.
    pub hash: SecretHash,
    /// When it became the current one, in milliseconds.
    pub since: u64,
}

impl CurrentSecret {
    /// A secret that becomes the current one at `now`.
    #[inline]
    #[must_use]
    pub const fn new(hash: SecretHash, now: u64) -> Self {
        Self { hash, since: now }
    }
}

/// The secrets that are accepted beside the current one. Most records have neither.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct OtherSecrets {
    /// A secret that was offered to the client, which has not used it yet.
    pub offered: Option<OfferedSecret>,
    /// The secret before the current one.
    pub previous: Option<PreviousSecret>,
}

/// A secret that was offered to the client; its first use makes it the current one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OfferedSecret {
    /// The hash of the secret.
    pub hash: SecretHash,
    /// When the offer was made, in milliseconds.
    pub offered_at: u64,
    /// For how many milliseconds the current secret stays valid after this one is first used.
    pub grace: u64,
}

/// A secret that was replaced by an offered one and stays valid for a while.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PreviousSecret {
    /// The hash of the secret.
    pub hash: SecretHash,
    /// When it stops being valid, in milliseconds.
    pub valid_until: u64,
}

impl OtherSecrets {
    /// Whether the presented secret is the offered one.
    #[inline]
    #[must_use]
    pub fn is_offered(&self, presented: SecretHash) -> bool {
        (self.offered.as_ref()).is_some_and(|offered| offered.hash == presented)
    }

    /// Whether the presented secret is the previous one, within its grace period.
    #[inline]
    #[must_use]
    pub fn is_previous(&self, presented: SecretHash, now: u64) -> bool {
        (self.previous.as_ref())
            .is_some_and(|previous| now < previous.valid_until && previous.hash == presented)
    }

    /// Whether the presented secret is one of these, and valid.
    #[must_use]
    pub fn is_valid(&self, presented: SecretHash, now: u64) -> bool {
        self.is_offered(presented) || self.is_previous(presented, now)
    }

    /// Whether an offer may be made: there is none, or it was made `every` milliseconds ago and
    /// never used.
    #[inline]
    #[must_use]
    pub fn may_offer(&self, every: u64, now: u64) -> bool {
        (self.offered.as_ref())
            .is_none_or(|offered| now.saturating_sub(offered.offered_at) >= every)
    }

    /// Offers the candidate of a renewal, in place of any offer before.
    pub fn offer(&mut self, renewal: &Renewal, now: u64) {
        self.offered = Some(OfferedSecret {
            hash: renewal.candidate,
            offered_at: now,
            grace: millis(renewal.grace),
        });
    }

    /// Makes the offered secret the current one, and the current one the previous one. Its grace
    /// period is that of the load's renewal; if the load asks for none, that of the offer.
    pub fn promote(&mut self, current: &mut CurrentSecret, renewal: Option<&Renewal>, now: u64) {
        let Some(offered) = self.offered.take() else {
            return;
        };
        let grace = renewal.map_or(offered.grace, |renewal| millis(renewal.grace));
        self.previous = Some(PreviousSecret {
            hash: current.hash,
            valid_until: now.saturating_add(grace),
        });
        *current = CurrentSecret::new(offered.hash, now);
    }
}
