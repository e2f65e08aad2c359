//! The walk through a value.

use std::fmt::Display;

use serde::Serialize;
use serde::ser::{
    SerializeMap, SerializeSeq, SerializeStruct, SerializeStructVariant, SerializeTuple,
    SerializeTupleStruct, SerializeTupleVariant, Serializer,
};

use super::Stop;
use crate::data::{MAX_DEPTH, depth};

/// The prefix of the names of the structs in which `serde_json` passes its own types to a serializer.
const PRIVATE: &str = "$serde_json::private::";
pub(in crate::data) const RAW_VALUE: &str = "$serde_json::private::RawValue";

/// Walks through a value.
#[derive(Clone, Copy)]
pub(super) struct Walk {
    /// How many levels the value may have.
    levels: usize,
    /// Whether strings are JSON text.
    raw: bool,
}

impl Walk {
    /// Walks through the value of a field.
    pub(super) const fn of_field() -> Self {
        Self {
            levels: MAX_DEPTH,
            raw: false,
        }
    }

    /// Walks through the JSON text of the whole data.
    pub(super) const fn of_raw_data() -> Self {
        Self {
            levels: MAX_DEPTH + 1,
            raw: true,
        }
    }

    /// One level further down.
    #[inline]
    pub(super) fn down(self) -> Result<Self, Stop> {
        match self.levels.checked_sub(1) {
            Some(levels) => Ok(Self { levels, ..self }),
            None => Err(Stop::TooDeep),
        }
    }
}

macro_rules! leaves {
    ($($method:ident: $of:ty,)*) => {$(
        #[inline]
        fn $method(self, _: $of) -> Result<(), Stop> {
            Ok(())
        }
    )*};
}

impl Serializer for Walk {
    type Ok = ();
    type Error = Stop;
    type SerializeSeq = Self;
    type SerializeTuple = Self;
    type SerializeTupleStruct = Self;
    type SerializeTupleVariant = Self;
    type SerializeMap = Self;
    type SerializeStruct = Self;
    type SerializeStructVariant = Self;

    leaves! {
        serialize_bool: bool,
        serialize_i8: i8,
        serialize_i16: i16,
        serialize_i32: i32,
        serialize_i64: i64,
        serialize_i128: i128,
        serialize_u8: u8,
        serialize_u16: u16,
        serialize_u32: u32,
        serialize_u64: u64,
        serialize_u128: u128,
        serialize_f32: f32,
        serialize_f64: f64,
        serialize_char: char,
        serialize_unit_struct: &'static str,
    }

    #[inline]
    fn serialize_str(self, text: &str) -> Result<(), Stop> {
        if self.raw && depth(text) > self.levels {
            return Err(Stop::TooDeep);
        }
        Ok(())
    }

    /// An array of numbers.
    #[inline]
    fn serialize_bytes(self, _: &[u8]) -> Result<(), Stop> {
        self.down().map(drop)
    }

    #[inline]
    fn serialize_none(self) -> Result<(), Stop> {
        Ok(())
    }

    #[inline]
    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), Stop> {
        value.serialize(self)
    }

    #[inline]
    fn serialize_unit(self) -> Result<(), Stop> {
        Ok(())
    }

    #[inline]
    fn serialize_unit_variant(self, _: &'static str, _: u32, _: &'static str) -> Result<(), Stop> {
        Ok(())
    }

    #[inline]
    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        value: &T,
    ) -> Result<(), Stop> {
        value.serialize(self)
    }

    #[inline]
    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        value: &T,
    ) -> Result<(), Stop> {
        value.serialize(self.down()?)
    }

    #[inline]
    fn serialize_seq(self, _: Option<usize>) -> Result<Self, Stop> {
        self.down()
    }

    #[inline]
    fn serialize_tuple(self, _: usize) -> Result<Self, Stop> {
        self.down()
    }

    #[inline]
    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<Self, Stop> {
        self.down()
    }

    /// An object that holds an array.
    #[inline]
    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self, Stop> {
        self.down()?.down()
    }

    #[inline]
    fn serialize_map(self, _: Option<usize>) -> Result<Self, Stop> {
        self.down()
    }

    #[inline]
    fn serialize_struct(self, name: &'static str, _: usize) -> Result<Self, Stop> {
        if name.starts_with(PRIVATE) {
            let raw = name == RAW_VALUE;
            return Ok(Self { raw, ..self });
        }
        self.down()
    }

    /// An object that holds an object.
    #[inline]
    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self, Stop> {
        self.down()?.down()
    }

    #[inline]
    fn collect_str<T: Display + ?Sized>(self, _: &T) -> Result<(), Stop> {
        Ok(())
    }
}

macro_rules! parts {
    ($($parts:ident::$method:ident($($name:ty)?);)*) => {$(
        impl $parts for Walk {
            type Ok = ();
            type Error = Stop;

            #[inline]
            fn $method<T: Serialize + ?Sized>(&mut self, $(_: $name,)? value: &T) -> Result<(), Stop> {
                value.serialize(*self)
            }

            #[inline]
            fn end(self) -> Result<(), Stop> {
                Ok(())
            }
        }
    )*};
}

parts! {
    SerializeSeq::serialize_element();
    SerializeTuple::serialize_element();
    SerializeTupleStruct::serialize_field();
    SerializeTupleVariant::serialize_field();
    SerializeStruct::serialize_field(&'static str);
    SerializeStructVariant::serialize_field(&'static str);
}

impl SerializeMap for Walk {
    type Ok = ();
    type Error = Stop;

    /// A key is a string, whatever its type.
    #[inline]
    fn serialize_key<T: Serialize + ?Sized>(&mut self, _: &T) -> Result<(), Stop> {
        Ok(())
    }

    #[inline]
    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Stop> {
        value.serialize(*self)
    }

    #[inline]
    fn end(self) -> Result<(), Stop> {
        Ok(())
    }
}
