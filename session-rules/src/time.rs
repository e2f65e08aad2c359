//! Durations, alone and beside each other. All are in milliseconds.

use super::Fault;

/// The default `idle_timeout`, in milliseconds.
pub const DEFAULT_IDLE: u64 = 30 * 60 * 1000;
/// The default `absolute_timeout`, in milliseconds.
pub const DEFAULT_ABSOLUTE: u64 = DAY;
/// The default `renew_grace`, in milliseconds.
pub const DEFAULT_GRACE: u64 = 30 * 1000;

pub(super) const DAY: u64 = 24 * 60 * 60 * 1000;
/// A deadline farther away than this does not fit every store's clock.
const LONGEST: u64 = 36_500 * DAY;

/// A duration by itself.
#[must_use]
pub const fn duration(milliseconds: u64) -> Option<Fault> {
    if milliseconds == 0 {
        return Fault::whole("this duration is zero: a session would be dead at birth");
    }
    if milliseconds > LONGEST {
        return Fault::whole(
            "this duration is longer than a century, which not every store can keep",
        );
    }
    None
}

/// A renewal's grace time by itself; none at all is a choice.
#[must_use]
pub const fn grace(milliseconds: u64) -> Option<Fault> {
    if milliseconds == 0 {
        return None;
    }
    duration(milliseconds)
}

/// The idle timeout beside the absolute one.
#[must_use]
pub const fn idle_within_absolute(idle: u64, absolute: u64) -> Option<Fault> {
    if idle > absolute {
        return Fault::whole(
            "`idle_timeout` is longer than `absolute_timeout`: no session could ever idle out",
        );
    }
    None
}

/// How often activity is written down beside the idle timeout.
#[must_use]
pub const fn touch_within_idle(touch: u64, idle: u64) -> Option<Fault> {
    if touch >= idle {
        return Fault::whole(
            "`touch_every` is not shorter than `idle_timeout`: active users would be logged out",
        );
    }
    None
}

/// How often a secret is renewed beside the absolute timeout.
#[must_use]
pub const fn renew_within_absolute(renew: u64, absolute: u64) -> Option<Fault> {
    if renew > absolute {
        return Fault::whole(
            "`renew_every` is longer than `absolute_timeout`: no session would ever be renewed",
        );
    }
    None
}

/// How long a renewed secret lives on beside how often it is renewed.
#[must_use]
pub const fn grace_within_renewal(grace: u64, renew: u64) -> Option<Fault> {
    if grace >= renew {
        return Fault::whole(
            "`renew_grace` is not shorter than `renew_every`: old secrets would pile up",
        );
    }
    None
}
