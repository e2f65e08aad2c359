//! What remains of a session that ended because its user may have no more.

use super::secrets::OtherSecrets;
use crate::record::{LoadRequest, Transport};
use crate::sid::SecretHash;

/// How long a tombstone is kept at most, in milliseconds: a day.
pub const TOMBSTONE_MILLIS: u64 = 24 * 60 * 60 * 1_000;

/// The time until which a store keeps the tombstone of a session that ends at `now`: for a day, but not
/// after the absolute deadline of the session.
#[must_use]
pub fn tombstone_until(absolute_until: u64, now: u64) -> u64 {
    now.saturating_add(TOMBSTONE_MILLIS).min(absolute_until)
}

/// Whether a load presents a valid secret of a session in the way its sid travels, whether the session is
/// alive or not.
#[must_use]
pub fn presents_secret(
    request: &LoadRequest,
    transport: Transport,
    current: SecretHash,
    others: Option<&OtherSecrets>,
    now: u64,
) -> bool {
    request.transport == transport
        && (request.secret == current
            || others.is_some_and(|others| others.is_valid(request.secret, now)))
}
