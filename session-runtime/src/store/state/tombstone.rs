//! What remains of a session that ended because its user may have no more.

/// How long a tombstone is kept at most, in milliseconds: a day.
pub const TOMBSTONE_MILLIS: u64 = 24 * 60 * 60 * 1_000;

/// The time until which a store keeps the tombstone of a session that ends at `now`: for a day, but not
/// after the absolute deadline of the session.
#[must_use]
pub fn tombstone_until(absolute_until: u64, now: u64) -> u64 {
    now.saturating_add(TOMBSTONE_MILLIS).min(absolute_until)
}
