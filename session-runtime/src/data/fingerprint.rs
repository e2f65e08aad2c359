//! Fingerprints of live data: one number for what a type passes to a serializer.
//!
//! JSON text tells less: `None` and `Some(None)`, a NaN and `null`, and the `u8` and the `u64` of an
//! untagged enum have the same text. Entries of maps and fields of structs count in any order.
//!
//! The same walk through a value counts its [size](is_larger_than).

use std::cell::{Cell, RefCell};
use std::fmt::Display;

use serde::Serialize;
use serde::ser::{
    SerializeMap, SerializeSeq, SerializeStruct, SerializeStructVariant, SerializeTuple,
    SerializeTupleStruct, SerializeTupleVariant, Serializer,
};

mod mix;

use self::mix::{mix, of_bytes, of_text};
use super::unquoted;

/// The fingerprint of data, or `None` if it cannot be serialized.
#[inline]
pub(super) fn fingerprint<D: Serialize>(data: &D) -> Option<u64> {
    data.serialize(Walk::of(&Context::default())).ok()
}

/// The fingerprint of a top-level field.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct FieldPrint {
    pub(super) name: String,
    print: u64,
    /// Whether it contains a NaN or an infinity, which have no JSON form.
    pub(super) is_non_finite: bool,
}

/// The fingerprint of each field. The order of lists does not count, because a set has none.
pub(super) fn of_fields<D: Serialize>(data: &D) -> Vec<FieldPrint> {
    let context = Context {
        is_by_field: true,
        ..Context::default()
    };
    // What is not an object has no fields.
    let _ = data.serialize(Walk::of(&context));
    context.fields.into_inner()
}

/// The bytes that each element of a list and each field counts, in addition to those of the texts in it. This makes about
/// as many as the JSON text has.
const BYTES_OF_PART: usize = 8;

/// Whether these values have at least about `limit` bytes of JSON in total. Stops counting there.
pub(crate) fn is_larger_than<D: Serialize, const N: usize>(data: [&D; N], limit: usize) -> bool {
    let context = Context {
        room: Cell::new(limit),
        ..Context::default()
    };
    data.into_iter().any(|data| {
        // The error of a type is reported by whatever encodes it.
        let _ = data.serialize(Walk::of(&context));
        context.room.get() == 0
    })
}

struct Context {
    /// Whether the fields are noted, and lists are compared in any order.
    is_by_field: bool,
    fields: RefCell<Vec<FieldPrint>>,
    is_non_finite: Cell<bool>,
    /// The number of bytes that values may still have. At 0, the walk fails.
    room: Cell<usize>,
}

impl Default for Context {
    fn default() -> Self {
        Self {
            is_by_field: false,
            fields: RefCell::default(),
            is_non_finite: Cell::new(false),
            room: Cell::new(usize::MAX),
        }
    }
}

impl Context {
    /// Counts a part of a value.
    #[inline]
    fn count(&self, bytes: usize) -> Result<(), Failed> {
        let room = self.room.get().saturating_sub(bytes);
        self.room.set(room);
        if room == 0 { Err(Failed) } else { Ok(()) }
    }
}

/// A type's own error, or too large a value. Its message is not needed: the encoder reports the same one.
#[derive(Debug)]
struct Failed;

impl Display for Failed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("not encodable")
    }
}

impl std::error::Error for Failed {}

impl serde::ser::Error for Failed {
    fn custom<T: Display>(_: T) -> Self {
        Self
    }
}

/// Walks through a value.
#[derive(Clone, Copy)]
struct Walk<'a> {
    context: &'a Context,
    is_top: bool,
}

impl<'a> Walk<'a> {
    fn of(context: &'a Context) -> Self {
        let is_top = true;
        Self { context, is_top }
    }

    #[inline]
    fn inside(self) -> Self {
        let is_top = false;
        Self { is_top, ..self }
    }

    /// The parts of a list, or of a struct or map.
    #[inline]
    fn parts(self, kind: u64, is_ordered: bool) -> Parts<'a> {
        Parts {
            inside: self.inside(),
            // Only the object of all fields has top-level fields.
            notes_fields: self.is_top && self.context.is_by_field,
            is_ordered: is_ordered && !self.context.is_by_field,
            print: kind,
            count: 0,
            key: 0,
            key_text: Vec::new(),
        }
    }

    fn float(self, kind: u64, bits: u64, is_finite: bool) -> u64 {
        if !is_finite {
            self.context.is_non_finite.set(true);
        }
        mix(kind, bits)
    }
}

/// The parts of a value that has several.
struct Parts<'a> {
    inside: Walk<'a>,
    notes_fields: bool,
    is_ordered: bool,
    print: u64,
    count: u64,
    /// The fingerprint of the key whose value comes next.
    key: u64,
    /// Its JSON text, if fields are noted.
    key_text: Vec<u8>,
}

impl Parts<'_> {
    #[inline]
    fn add(&mut self, print: u64) {
        self.count += 1;
        self.print = if self.is_ordered {
            mix(self.print, print)
        } else {
            self.print.wrapping_add(mix(print, kind::UNORDERED))
        };
    }

    #[inline]
    fn element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Failed> {
        self.inside.context.count(BYTES_OF_PART)?;
        let print = value.serialize(self.inside)?;
        self.add(print);
        Ok(())
    }

    #[inline]
    fn entry<T: Serialize + ?Sized>(
        &mut self,
        key: u64,
        name: impl FnOnce(&Self) -> String,
        value: &T,
    ) -> Result<(), Failed> {
        self.inside.context.count(BYTES_OF_PART)?;
        if self.notes_fields {
            self.inside.context.is_non_finite.set(false);
        }
        let print = mix(key, value.serialize(self.inside)?);
        if self.notes_fields {
            let context = self.inside.context;
            let field = FieldPrint {
                name: name(self),
                print,
                is_non_finite: context.is_non_finite.get(),
            };
            context.fields.borrow_mut().push(field);
        }
        self.add(print);
        Ok(())
    }

    #[inline]
    fn finish(self) -> u64 {
        mix(self.print, self.count)
    }
}

/// What a number stands for, so that values of different kinds differ.
mod kind {
    pub(super) const NONE: u64 = 1;
    pub(super) const SOME: u64 = 2;
    pub(super) const UNIT: u64 = 3;
    pub(super) const TEXT: u64 = 4;
    pub(super) const BYTES: u64 = 5;
    pub(super) const LIST: u64 = 6;
    pub(super) const TUPLE: u64 = 7;
    pub(super) const MAP: u64 = 8;
    pub(super) const STRUCT: u64 = 9;
    pub(super) const VARIANT: u64 = 10;
    pub(super) const UNORDERED: u64 = 11;
}

macro_rules! numbers {
    ($($method:ident $of:ty: $kind:literal),* $(,)?) => {$(
        #[inline]
        fn $method(self, number: $of) -> Result<u64, Failed> {
            Ok(mix($kind, u64::from(number)))
        }
    )*};
}

macro_rules! signed_numbers {
    ($($method:ident $of:ty: $kind:literal),* $(,)?) => {$(
        #[inline]
        fn $method(self, number: $of) -> Result<u64, Failed> {
            Ok(mix($kind, i64::from(number).cast_unsigned()))
        }
    )*};
}

impl<'a> Serializer for Walk<'a> {
    type Ok = u64;
    type Error = Failed;
    type SerializeSeq = Parts<'a>;
    type SerializeTuple = Parts<'a>;
    type SerializeTupleStruct = Parts<'a>;
    type SerializeTupleVariant = Parts<'a>;
    type SerializeMap = Parts<'a>;
    type SerializeStruct = Parts<'a>;
    type SerializeStructVariant = Parts<'a>;

    numbers! {
        serialize_bool bool: 20, serialize_u8 u8: 21, serialize_u16 u16: 22, serialize_u32 u32: 23,
        serialize_u64 u64: 24, serialize_char char: 25,
    }

    signed_numbers! {
        serialize_i8 i8: 26, serialize_i16 i16: 27, serialize_i32 i32: 28, serialize_i64 i64: 29,
    }

    fn serialize_i128(self, number: i128) -> Result<u64, Failed> {
        Ok(of_bytes(30, &number.to_le_bytes()))
    }

    fn serialize_u128(self, number: u128) -> Result<u64, Failed> {
        Ok(of_bytes(31, &number.to_le_bytes()))
    }

    fn serialize_f32(self, number: f32) -> Result<u64, Failed> {
        Ok(self.float(32, number.to_bits().into(), number.is_finite()))
    }

    fn serialize_f64(self, number: f64) -> Result<u64, Failed> {
        Ok(self.float(33, number.to_bits(), number.is_finite()))
    }

    #[inline]
    fn serialize_str(self, text: &str) -> Result<u64, Failed> {
        self.context.count(text.len())?;
        Ok(of_text(kind::TEXT, text))
    }

    fn serialize_bytes(self, bytes: &[u8]) -> Result<u64, Failed> {
        self.context.count(bytes.len())?;
        Ok(of_bytes(kind::BYTES, bytes))
    }

    #[inline]
    fn serialize_none(self) -> Result<u64, Failed> {
        Ok(kind::NONE)
    }

    #[inline]
    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<u64, Failed> {
        Ok(mix(kind::SOME, value.serialize(self)?))
    }

    fn serialize_unit(self) -> Result<u64, Failed> {
        Ok(kind::UNIT)
    }

    fn serialize_unit_struct(self, name: &'static str) -> Result<u64, Failed> {
        Ok(of_text(kind::UNIT, name))
    }

    #[inline]
    fn serialize_unit_variant(
        self,
        name: &'static str,
        index: u32,
        _: &'static str,
    ) -> Result<u64, Failed> {
        Ok(variant(name, index))
    }

    #[inline]
    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        name: &'static str,
        value: &T,
    ) -> Result<u64, Failed> {
        let value = value.serialize(self)?;
        Ok(mix(of_text(kind::STRUCT, name), value))
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        name: &'static str,
        index: u32,
        field: &'static str,
        value: &T,
    ) -> Result<u64, Failed> {
        let mut parts = self.parts(variant(name, index), false);
        parts.entry(kind::VARIANT, |_| field.to_owned(), value)?;
        Ok(parts.finish())
    }

    #[inline]
    fn serialize_seq(self, _: Option<usize>) -> Result<Parts<'a>, Failed> {
        Ok(self.parts(kind::LIST, true))
    }

    #[inline]
    fn serialize_tuple(self, _: usize) -> Result<Parts<'a>, Failed> {
        Ok(self.parts(kind::TUPLE, true))
    }

    fn serialize_tuple_struct(self, name: &'static str, _: usize) -> Result<Parts<'a>, Failed> {
        Ok(self.parts(of_text(kind::TUPLE, name), true))
    }

    fn serialize_tuple_variant(
        self,
        name: &'static str,
        index: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Parts<'a>, Failed> {
        Ok(self.inside().parts(variant(name, index), true))
    }

    #[inline]
    fn serialize_map(self, _: Option<usize>) -> Result<Parts<'a>, Failed> {
        Ok(self.parts(kind::MAP, false))
    }

    #[inline]
    fn serialize_struct(self, name: &'static str, _: usize) -> Result<Parts<'a>, Failed> {
        Ok(self.parts(of_text(kind::STRUCT, name), false))
    }

    fn serialize_struct_variant(
        self,
        name: &'static str,
        index: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Parts<'a>, Failed> {
        Ok(self.inside().parts(variant(name, index), false))
    }
}

fn variant(name: &'static str, index: u32) -> u64 {
    mix(of_text(kind::VARIANT, name), index.into())
}

macro_rules! elements {
    ($($parts:ident::$method:ident;)*) => {$(
        impl $parts for Parts<'_> {
            type Ok = u64;
            type Error = Failed;

            #[inline]
            fn $method<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Failed> {
                self.element(value)
            }

            #[inline]
            fn end(self) -> Result<u64, Failed> {
                Ok(self.finish())
            }
        }
    )*};
}

elements! {
    SerializeSeq::serialize_element;
    SerializeTuple::serialize_element;
    SerializeTupleStruct::serialize_field;
    SerializeTupleVariant::serialize_field;
}

macro_rules! fields {
    ($($parts:ident;)*) => {$(
        impl $parts for Parts<'_> {
            type Ok = u64;
            type Error = Failed;

            #[inline]
            fn serialize_field<T: Serialize + ?Sized>(
                &mut self,
                name: &'static str,
                value: &T,
            ) -> Result<(), Failed> {
                self.entry(of_text(kind::TEXT, name), |_| name.to_owned(), value)
            }

            #[inline]
            fn end(self) -> Result<u64, Failed> {
                Ok(self.finish())
            }
        }
    )*};
}

fields! {
    SerializeStruct;
    SerializeStructVariant;
}

impl SerializeMap for Parts<'_> {
    type Ok = u64;
    type Error = Failed;

    #[inline]
    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), Failed> {
        self.key = key.serialize(self.inside)?;
        if self.notes_fields {
            self.key_text = serde_json::to_vec(key).map_err(|_| Failed)?;
        }
        Ok(())
    }

    #[inline]
    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Failed> {
        self.entry(self.key, |parts| unquoted(&parts.key_text), value)
    }

    #[inline]
    fn end(self) -> Result<u64, Failed> {
        Ok(self.finish())
    }
}
