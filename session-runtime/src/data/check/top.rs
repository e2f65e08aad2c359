//! The walk through the fields of the data.

use serde::Serialize;
use serde::ser::{Impossible, SerializeMap, SerializeStruct, Serializer};

use super::walk::{RAW_VALUE, Walk};
use super::{Seen, Stop};
use crate::data::unquoted;

/// Walks through the data, which must be an object.
pub(super) struct Top<'a>(pub(super) &'a mut Seen);

impl Top<'_> {
    /// Walks through the parts of an enum variant, which serializes as an object with one field.
    fn variant<T>(
        self,
        name: &'static str,
        parts: impl FnOnce(Walk) -> Result<T, Stop>,
    ) -> Result<T, Stop> {
        self.0.fields = 1;
        self.0.deep = Some(name.to_owned());
        parts(Walk::of_field())
    }
}

/// Walks through the fields.
pub(super) struct FieldsWalk<'a> {
    seen: &'a mut Seen,
    /// The walk through each value.
    walk: Walk,
    /// The JSON text of the key whose value comes next.
    key: Vec<u8>,
}

impl<'a> FieldsWalk<'a> {
    #[inline]
    fn new(seen: &'a mut Seen, walk: Walk) -> Self {
        let key = Vec::new();
        Self { seen, walk, key }
    }

    #[inline]
    fn value<T: Serialize + ?Sized>(
        &mut self,
        value: &T,
        name: impl FnOnce(&Self) -> String,
    ) -> Result<(), Stop> {
        self.seen.fields += 1;
        let walked = value.serialize(self.walk);
        if walked.is_err() {
            self.seen.deep = Some(name(self));
        }
        walked
    }
}

impl SerializeStruct for FieldsWalk<'_> {
    type Ok = ();
    type Error = Stop;

    #[inline]
    fn serialize_field<T: Serialize + ?Sized>(
        &mut self,
        name: &'static str,
        value: &T,
    ) -> Result<(), Stop> {
        self.value(value, |_| name.to_owned())
    }

    #[inline]
    fn end(self) -> Result<(), Stop> {
        Ok(())
    }
}

impl SerializeMap for FieldsWalk<'_> {
    type Ok = ();
    type Error = Stop;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), Stop> {
        self.key.clear();
        serde_json::to_writer(&mut self.key, key).map_err(|_| Stop::Unencodable)
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Stop> {
        self.value(value, |fields| unquoted(&fields.key))
    }

    /// Encodes the key only if the error has to name it.
    #[inline]
    fn serialize_entry<K: Serialize + ?Sized, V: Serialize + ?Sized>(
        &mut self,
        key: &K,
        value: &V,
    ) -> Result<(), Stop> {
        let name = |_: &Self| unquoted(&serde_json::to_vec(key).unwrap_or_default());
        self.value(value, name)
    }

    #[inline]
    fn end(self) -> Result<(), Stop> {
        Ok(())
    }
}

macro_rules! not_an_object {
    ($($method:ident($($of:ty),*);)*) => {$(
        fn $method(self, $(_: $of),*) -> Result<(), Stop> {
            Err(Stop::Unencodable)
        }
    )*};
}

impl<'a> Serializer for Top<'a> {
    type Ok = ();
    type Error = Stop;
    type SerializeSeq = Impossible<(), Stop>;
    type SerializeTuple = Impossible<(), Stop>;
    type SerializeTupleStruct = Impossible<(), Stop>;
    type SerializeTupleVariant = Walk;
    type SerializeMap = FieldsWalk<'a>;
    type SerializeStruct = FieldsWalk<'a>;
    type SerializeStructVariant = Walk;

    not_an_object! {
        serialize_bool(bool);
        serialize_i8(i8);
        serialize_i16(i16);
        serialize_i32(i32);
        serialize_i64(i64);
        serialize_i128(i128);
        serialize_u8(u8);
        serialize_u16(u16);
        serialize_u32(u32);
        serialize_u64(u64);
        serialize_u128(u128);
        serialize_f32(f32);
        serialize_f64(f64);
        serialize_char(char);
        serialize_str(&str);
        serialize_bytes(&[u8]);
        serialize_none();
        serialize_unit();
        serialize_unit_struct(&'static str);
        serialize_unit_variant(&'static str, u32, &'static str);
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), Stop> {
        value.serialize(self)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        value: &T,
    ) -> Result<(), Stop> {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<(), Stop> {
        self.variant(variant, |walk| value.serialize(walk))
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<Self::SerializeSeq, Stop> {
        Err(Stop::Unencodable)
    }

    fn serialize_tuple(self, _: usize) -> Result<Self::SerializeTuple, Stop> {
        Err(Stop::Unencodable)
    }

    fn serialize_tuple_struct(
        self,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeTupleStruct, Stop> {
        Err(Stop::Unencodable)
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Walk, Stop> {
        self.variant(variant, Walk::down)
    }

    #[inline]
    fn serialize_map(self, _: Option<usize>) -> Result<FieldsWalk<'a>, Stop> {
        Ok(FieldsWalk::new(self.0, Walk::of_field()))
    }

    #[inline]
    fn serialize_struct(self, name: &'static str, _: usize) -> Result<FieldsWalk<'a>, Stop> {
        let walk = if name == RAW_VALUE {
            Walk::of_raw_data()
        } else {
            Walk::of_field()
        };
        Ok(FieldsWalk::new(self.0, walk))
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Walk, Stop> {
        self.variant(variant, Walk::down)
    }
}
