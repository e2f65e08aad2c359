//! Rules for single durations and for pairs of them. All are in milliseconds.

use super::Fault;

/// The default `idle_timeout`, in milliseconds.
pub const DEFAULT_IDLE: u64 = 30 * 60 * 1000;
/// The default `absolute_timeout`, in milliseconds.
pub const DEFAULT_ABSOLUTE: u64 = DAY;
/// The default `renew_grace`, in milliseconds.
pub const DEFAULT_GRACE: u64 = 30 * 1000;

pub(super) const DAY: u64 = 24 * 60 * 60 * 1000;
/// The longest duration. A later deadline does not fit into the clock of every store.
const LONGEST: u64 = 36_500 * DAY;

/// Checks a single duration.
#[must_use]
pub const fn duration(milliseconds: u64) -> Option<Fault> {
    if milliseconds == 0 {
        return Fault::new("this duration must not be zero, or sessions end at once");
    }
    if milliseconds > LONGEST {
        return Fault::new(
            "this duration must not be longer than 100 years, which not every store supports",
        );
    }
    None
}

/// Checks a single `renew_grace`, which can be zero.
#[must_use]
pub const fn grace(milliseconds: u64) -> Option<Fault> {
    if milliseconds == 0 {
        return None;
    }
    duration(milliseconds)
}

/// Checks a single `fresh` of a handler.
#[must_use]
pub const fn fresh(milliseconds: u64) -> Option<Fault> {
    if milliseconds == 0 {
        return Fault::new("`fresh` is zero: no login would be recent enough");
    }
    None
}

/// Checks the `fresh` of a handler together with the absolute timeout.
#[must_use]
pub const fn fresh_within_absolute(fresh: u64, absolute: u64) -> Option<Fault> {
    if fresh >= absolute {
        return Fault::new(
            "`fresh` must be shorter than the `absolute_timeout` of the config, or it has no effect: \
             no session lives longer",
        );
    }
    None
}

/// Checks the idle timeout together with the absolute one.
#[must_use]
pub const fn idle_within_absolute(idle: u64, absolute: u64) -> Option<Fault> {
    if idle > absolute {
        return Fault::new(
            "`idle_timeout` must not be longer than `absolute_timeout`, or it has no effect",
        );
    }
    None
}

/// Checks `touch_every` together with the idle timeout.
#[must_use]
pub const fn touch_within_idle(touch: u64, idle: u64) -> Option<Fault> {
    if touch >= idle {
        return Fault::new(
            "`touch_every` must be shorter than `idle_timeout`, or active users are logged out",
        );
    }
    None
}

/// Checks `first_use_timeout` together with the idle timeout.
#[must_use]
pub const fn first_use_within_idle(first_use: u64, idle: u64) -> Option<Fault> {
    if first_use >= idle {
        return Fault::new(
            "`first_use_timeout` must be shorter than `idle_timeout`, or it has no effect",
        );
    }
    None
}

/// Checks `renew_every` together with the absolute timeout.
#[must_use]
pub const fn renew_within_absolute(renew: u64, absolute: u64) -> Option<Fault> {
    if renew > absolute {
        return Fault::new(
            "`renew_every` must not be longer than `absolute_timeout`, or it has no effect",
        );
    }
    None
}

/// Checks `renew_grace` together with `renew_every`.
#[must_use]
pub const fn grace_within_renewal(grace: u64, renew: u64) -> Option<Fault> {
    if grace >= renew {
        return Fault::new(
            "`renew_grace` must be shorter than `renew_every`, or old secrets accumulate",
        );
    }
    None
}
