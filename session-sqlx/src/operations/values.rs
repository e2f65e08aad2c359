//! Values that every database can take as arguments.

use sqlx::{Encode, Type};

use connect_session_runtime::record::Key;
use sha2::{Digest as _, Sha256};

use super::Driver;
use crate::args::{Args, Parameter};

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

/// Each method appends a value.
impl<DB: Values> Args<DB> {
    pub(crate) fn number(self, value: i64) -> Self {
        self.add(Parameter::Number(value), |args| DB::number(args, value))
    }

    pub(crate) fn maybe_number(self, value: Option<i64>) -> Self {
        let parameter = value.map_or(Parameter::Null, Parameter::Number);
        self.add(parameter, |args| DB::maybe_number(args, value))
    }

    pub(crate) fn small(self, value: i16) -> Self {
        let parameter = Parameter::Number(value.into());
        self.add(parameter, |args| DB::small(args, value))
    }

    pub(crate) fn flag(self, value: bool) -> Self {
        self.add(Parameter::Flag(value), |args| DB::flag(args, value))
    }

    pub(crate) fn bytes(self, value: &[u8]) -> Self {
        self.maybe_bytes(Some(value))
    }

    pub(crate) fn maybe_bytes(self, value: Option<&[u8]>) -> Self {
        let parameter = value.map_or(Parameter::Null, |_| Parameter::Bytes);
        self.add(parameter, |args| DB::maybe_bytes(args, value))
    }

    pub(crate) fn maybe_text(self, value: Option<&str>) -> Self {
        let parameter = value.map_or(Parameter::Null, |_| Parameter::Text);
        self.add(parameter, |args| DB::maybe_text(args, value))
    }

    /// The namespace and the id.
    pub(crate) fn key(self, key: Key) -> Self {
        let id = *key.id.as_bytes();
        self.number(namespace_number(key.namespace))
            .add(Parameter::Id(id), |args| args.bind(DB::id(id)))
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
