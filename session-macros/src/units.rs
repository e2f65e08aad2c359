//! The units of durations and sizes.

use quote::quote;

use crate::quantity::Measure;

pub(crate) const DURATION: Measure = Measure {
    what: "duration",
    example: "30m",
    units: &[
        ("ms", 1),
        ("s", 1000),
        ("m", 60 * 1000),
        ("h", 60 * 60 * 1000),
        ("d", 24 * 60 * 60 * 1000),
    ],
    foreign_units: &[
        ("millis", "ms"),
        ("milliseconds", "ms"),
        ("sec", "s"),
        ("secs", "s"),
        ("second", "s"),
        ("seconds", "s"),
        ("S", "s"),
        ("min", "m"),
        ("mins", "m"),
        ("minute", "m"),
        ("minutes", "m"),
        ("M", "m"),
        ("hr", "h"),
        ("hrs", "h"),
        ("hour", "h"),
        ("hours", "h"),
        ("H", "h"),
        ("day", "d"),
        ("days", "d"),
        ("D", "d"),
    ],
    constant: |milliseconds| quote!(::core::time::Duration::from_millis(#milliseconds)),
    type_name: "core::time::Duration",
    if_unlimited: "every session ends (ASVS 7.3.1, 7.3.2): write `30m`, or leave the option out for its \
              default",
};

/// A number without a unit.
pub(crate) const COUNT: Measure = Measure {
    what: "number",
    example: "1_000",
    units: &[],
    foreign_units: &[],
    constant: |count| quote!(#count),
    type_name: "u64",
    if_unlimited: "leave the option out for its default, or write `1_000`",
};

/// A number of sessions.
pub(crate) const SESSIONS: Measure = Measure {
    what: "number",
    example: "5",
    units: &[],
    foreign_units: &[],
    constant: |count| quote!(#count),
    type_name: "u64",
    if_unlimited: "leave the option out to allow any number",
};

pub(crate) const VERSION: Measure = Measure {
    what: "number",
    example: "2",
    units: &[],
    foreign_units: &[],
    constant: |count| quote!(#count),
    type_name: "u64",
    if_unlimited: "leave the option out for its default, or write `2`",
};

/// How long ago a user may have proved who they are.
pub(crate) const FRESH: Measure = Measure {
    example: "5m",
    if_unlimited: "leave `fresh` out to accept a login of any age",
    ..DURATION
};

/// How well a user has proved who they are.
pub(crate) const LEVEL: Measure = Measure {
    what: "level",
    example: "2",
    units: &[],
    foreign_units: &[],
    constant: |level| {
        let level = u8::try_from(level).unwrap_or(u8::MAX);
        quote!(#level)
    },
    type_name: "u8",
    if_unlimited: "leave `level` out to accept any login",
};

pub(crate) const SIZE: Measure = Measure {
    what: "size",
    example: "64KiB",
    units: &[
        ("B", 1),
        ("KiB", 1 << 10),
        ("MiB", 1 << 20),
        ("GiB", 1 << 30),
    ],
    foreign_units: &[
        ("b", "B"),
        ("bytes", "B"),
        ("k", "KiB"),
        ("K", "KiB"),
        ("kb", "KiB"),
        ("kB", "KiB"),
        ("KB", "KiB"),
        ("kib", "KiB"),
        ("m", "MiB"),
        ("M", "MiB"),
        ("mb", "MiB"),
        ("MB", "MiB"),
        ("mib", "MiB"),
        ("g", "GiB"),
        ("G", "GiB"),
        ("gb", "GiB"),
        ("GB", "GiB"),
        ("gib", "GiB"),
    ],
    constant: |bytes| quote!(#bytes),
    type_name: "u64",
    if_unlimited: "leave the option out for its default, or write `64KiB`",
};
