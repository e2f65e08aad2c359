//! Conversions between the values of a record and those of columns.

use connect_session_runtime::record::{Lifetime, Transport};

pub(crate) fn to_i64(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

pub(crate) fn to_u64(number: i64) -> u64 {
    u64::try_from(number).unwrap_or(0)
}

pub(crate) fn transport_code(transport: Transport) -> i16 {
    match transport {
        Transport::Other => 0,
        Transport::Cookie => 1,
    }
}

pub(crate) fn lifetime(idle: i64, absolute: i64) -> Lifetime {
    Lifetime::from_millis(to_u64(idle), to_u64(absolute))
}
