//! Values that every database can take as arguments.

use sqlx::{Encode, Type};

use connect_session_runtime::record::Key;
use sha2::{Digest as _, Sha256};

use super::Driver;
use crate::args::{Args, Place};

/// A database whose driver encodes the values of the statements that all databases share.
pub(crate) trait Values: Driver {
    fn number(args: Args<Self>, value: i64) -> Args<Self>;
    fn maybe_number(args: Args<Self>, value: Option<i64>) -> Args<Self>;
    fn small(args: Args<Self>, value: i16) -> Args<Self>;
    fn flag(args: Args<Self>, value: bool) -> Args<Self>;
    fn maybe_bytes(args: Args<Self>, value: Option<&[u8]>) -> Args<Self>;
    fn maybe_text(args: Args<Self>, value: Option<&str>) -> Args<Self>;
}

impl<DB> Values for DB
where
    DB: Driver,
    for<'q> i64: Encode<'q, DB> + Type<DB>,
    for<'q> Option<i64>: Encode<'q, DB>,
    for<'q> i16: Encode<'q, DB> + Type<DB>,
    for<'q> bool: Encode<'q, DB> + Type<DB>,
    for<'q> Option<&'q [u8]>: Encode<'q, DB>,
    for<'q> &'q [u8]: Type<DB>,
    for<'q> Option<&'q str>: Encode<'q, DB>,
    for<'q> &'q str: Type<DB>,
{
    fn number(args: Args<Self>, value: i64) -> Args<Self> {
        args.bind(value)
    }

    fn maybe_number(args: Args<Self>, value: Option<i64>) -> Args<Self> {
        args.bind(value)
    }

    fn small(args: Args<Self>, value: i16) -> Args<Self> {
        args.bind(value)
    }

    fn flag(args: Args<Self>, value: bool) -> Args<Self> {
        args.bind(value)
    }

    fn maybe_bytes(args: Args<Self>, value: Option<&[u8]>) -> Args<Self> {
        args.bind(value)
    }

    fn maybe_text(args: Args<Self>, value: Option<&str>) -> Args<Self> {
        args.bind(value)
    }
}

/// Each method appends a value as an argument, or notes what is written in its place.
impl<DB: Values> Args<DB> {
    pub(crate) fn number(mut self, value: i64) -> Self {
        if self.note(Place::Number(value)) {
            return DB::number(self, value);
        }
        self
    }

    pub(crate) fn maybe_number(mut self, value: Option<i64>) -> Self {
        if self.note(value.map_or(Place::Null, Place::Number)) {
            return DB::maybe_number(self, value);
        }
        self
    }

    pub(crate) fn small(mut self, value: i16) -> Self {
        if self.note(Place::Number(value.into())) {
            return DB::small(self, value);
        }
        self
    }

    pub(crate) fn flag(mut self, value: bool) -> Self {
        if self.note(Place::Flag(value)) {
            return DB::flag(self, value);
        }
        self
    }

    pub(crate) fn bytes(self, value: &[u8]) -> Self {
        self.maybe_bytes(Some(value))
    }

    pub(crate) fn maybe_bytes(mut self, value: Option<&[u8]>) -> Self {
        if self.note(value.map_or(Place::Null, |_| Place::Bytes)) {
            return DB::maybe_bytes(self, value);
        }
        self
    }

    pub(crate) fn maybe_text(mut self, value: Option<&str>) -> Self {
        if self.note(value.map_or(Place::Null, |_| Place::Text)) {
            return DB::maybe_text(self, value);
        }
        self
    }

    /// The namespace and the id.
    pub(crate) fn key(self, key: Key) -> Self {
        let mut args = self.number(namespace_number(key.namespace));
        let id = *key.id.as_bytes();
        if args.note(Place::Id(id)) {
            return args.bind(DB::id(id));
        }
        args
    }
}

/// The number that stands for a namespace: the first eight bytes of its SHA-256. It is part of the key
/// of every index, where a name of 22 bytes takes 60 bytes more a session.
pub(crate) fn namespace_number(namespace: &str) -> i64 {
    let hash = Sha256::digest(namespace);
    let mut first = [0; 8];
    first.copy_from_slice(&hash[..8]);
    i64::from_be_bytes(first)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_namespace_keeps_its_number() {
        // `printf shop | sha256sum | head -c 16`
        let shop = namespace_number("shop");
        assert_eq!(format!("{shop:016x}"), SHOP);
        assert_ne!(shop, namespace_number("Shop"));
    }

    const SHOP: &str = "8d9001d32c6a703d";
}
