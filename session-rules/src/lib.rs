//! The rules for every option of a config, and the defaults.
//!
//! The same rules check literals during macro expansion, constants when the compiler evaluates
//! them, and values from the environment at start-up. They are a separate crate because
//! `connect-session-macros` cannot depend on the runtime.

#![no_std]
#![cfg_attr(docsrs, feature(doc_cfg))]

mod cookie;
mod header;
mod name;
mod time;

pub use cookie::{
    DEFAULT_COOKIE_PATH, SID_LENGTH, cookie, cookie_domain, cookie_lifetime, cookie_name,
    cookie_path, is_prefixed, origin, partitioned, prefix, prefix_with_domain, prefix_with_path,
    prefix_without_secure, same_site_none,
};
pub use header::{DEFAULT_HEADER, header_name};
pub use name::{namespace, path_name, query_name, same_bytes, same_name};
pub use time::{
    DEFAULT_ABSOLUTE, DEFAULT_GRACE, DEFAULT_IDLE, duration, first_use_within_idle, fresh,
    fresh_within_absolute, grace, grace_within_renewal, idle_within_absolute,
    renew_within_absolute, touch_within_idle,
};

/// Why a value is invalid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fault {
    /// What is wrong and how to fix it, without the value itself.
    pub reason: &'static str,
    /// The index of the offending byte, if there is one.
    pub at: Option<usize>,
}

#[allow(clippy::unnecessary_wraps, reason = "every rule returns an option")]
impl Fault {
    const fn new(reason: &'static str) -> Option<Self> {
        Some(Self { reason, at: None })
    }

    const fn at_byte(reason: &'static str, at: usize) -> Option<Self> {
        Some(Self {
            reason,
            at: Some(at),
        })
    }
}

/// The default `max_size` of stores that serialize, in bytes.
pub const DEFAULT_MAX_SIZE: u64 = 1 << 20;

/// The default `max_fields`.
pub const DEFAULT_MAX_FIELDS: u64 = 1_000;

/// Checks a `max_fields`.
#[must_use]
pub const fn fields(count: u64) -> Option<Fault> {
    if count == 0 {
        return Fault::new("`max_fields` is zero: only empty data would fit");
    }
    None
}

/// The largest `max_sessions`. A login looks at each session of its user.
const MOST_SESSIONS: u64 = 10_000;

/// Checks a `max_sessions`.
#[must_use]
pub const fn sessions(count: u64) -> Option<Fault> {
    if count == 0 {
        return Fault::new("`max_sessions` is zero: nobody could log in");
    }
    if count > MOST_SESSIONS {
        return Fault::new(
            "`max_sessions` is more than 10,000; leave it out to allow any number of sessions",
        );
    }
    None
}

/// Checks the `level` of a handler.
#[must_use]
pub const fn level(level: u64) -> Option<Fault> {
    if level == 0 {
        return Fault::new(
            "`level` is zero: every login has 1, and a further factor usually makes it 2",
        );
    }
    if level > 255 {
        return Fault::new("a level is not greater than 255");
    }
    None
}

/// The largest version of data: what a store keeps in a signed number of 32 bits.
const MAX_VERSION: u64 = (1 << 31) - 1;

/// Checks a `data_version` or `write_version`.
#[must_use]
pub const fn version(version: u64) -> Option<Fault> {
    if version == 0 {
        return Fault::new("versions of data are counted from 1, which is the default");
    }
    if version > MAX_VERSION {
        return Fault::new("the version is too large; versions of data are counted from 1");
    }
    None
}

/// Checks a `write_version` against the `data_version`.
#[must_use]
pub const fn write_within_data(written: u64, current: u64) -> Option<Fault> {
    if written > current {
        return Fault::new(
            "`write_version` is greater than `data_version`, the version of the type",
        );
    }
    None
}

/// Checks a `max_size`, in bytes.
#[must_use]
pub const fn size(bytes: u64) -> Option<Fault> {
    if bytes == 0 {
        return Fault::new("`max_size` must not be zero, or no data fits");
    }
    None
}
