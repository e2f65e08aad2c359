//! Shapes that lose something on the way to JSON and back, and types of the standard library.

use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap, VecDeque};
use std::ffi::CString;
use std::net::IpAddr;
use std::num::{NonZeroU8, Wrapping};
use std::ops::{Bound, Range};
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use connect_session::store::StoreError;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Value, json};

use super::on_every_store;
use super::shapes::{With, kept, kept_part, refused, refused_part, stored};
use super::stores::Stores;

/// A key whose text is not unique.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
struct AnyCase(&'static str);

impl Serialize for AnyCase {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0.to_lowercase())
    }
}

impl<'de> Deserialize<'de> for AnyCase {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let known = ["a", "b"].into_iter().find(|known| *known == text);
        known.map(Self).ok_or(serde::de::Error::custom("unknown"))
    }
}

/// Two entries of one name: only one of them can be read.
async fn row_37b_colliding_names(stores: &Stores) {
    #[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
    struct Open {
        n: u8,
        #[serde(flatten)]
        rest: BTreeMap<String, Value>,
    }
    #[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
    struct Point {
        x: u8,
    }
    #[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
    struct Twice {
        #[serde(flatten)]
        from: Point,
        #[serde(flatten)]
        to: Point,
    }
    #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
    #[serde(tag = "kind")]
    enum Tagged {
        Map(BTreeMap<String, String>),
    }
    impl Default for Tagged {
        fn default() -> Self {
            Self::Map(BTreeMap::new())
        }
    }
    let open = |name: &str| Open {
        n: 1,
        rest: [(name.to_owned(), json!(2))].into(),
    };
    kept(stores, open("m")).await;
    refused(stores, open("n"), "`n`").await;
    refused_part(stores, open("n")).await;
    let twice = |from, to| Twice {
        from: Point { x: from },
        to: Point { x: to },
    };
    refused(stores, twice(1, 2), "`x`").await;
    refused_part(stores, twice(1, 2)).await;
    let tagged = |name: &str| Tagged::Map([(name.to_owned(), "Map".to_owned())].into());
    kept_part(stores, tagged("other")).await;
    refused_part(stores, tagged("kind")).await;
    kept_part(
        stores,
        BTreeMap::from([(AnyCase("a"), 1), (AnyCase("b"), 2)]),
    )
    .await;
    let same = BTreeMap::from([(AnyCase("a"), 1), (AnyCase("A"), 2)]);
    refused_part(stores, same.clone()).await;
    refused(stores, same, "").await;
}

async fn row_37b_names_with_a_meaning_elsewhere(stores: &Stores) {
    let names = [
        "",
        "\0",
        "\u{feff}",
        "__proto__",
        "a.b[0]",
        "$.a",
        "NULL",
        "'; DROP TABLE x; --",
        "\\u0000",
        "\u{1f600}\u{200d}",
    ];
    let data: BTreeMap<String, String> = (names.iter())
        .map(|name| ((*name).to_owned(), format!("{name}{name}")))
        .collect();
    kept(stores, data.clone()).await;
    kept_part(stores, data).await;
    kept_part(stores, "\u{10ffff}\u{ffff}\r\n\t\u{7f}\u{85}".repeat(1_000)).await;
}

async fn row_37b_enums_that_guess(stores: &Stores) {
    #[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
    enum Open {
        Known(u8),
        #[default]
        #[serde(other)]
        Unknown,
    }
    #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
    #[serde(untagged)]
    enum Number {
        Single(f32),
        Double(f64),
    }
    impl Default for Number {
        fn default() -> Self {
            Self::Single(0.0)
        }
    }
    #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
    #[serde(untagged)]
    enum Either {
        List(Vec<u8>),

        Pair(u8, u8),
        Nothing,
    }
    impl Default for Either {
        fn default() -> Self {
            Self::List(Vec::new())
        }
    }
    #[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
    #[serde(tag = "t")]
    enum Wide {
        #[default]
        Nothing,
        Number {
            n: u128,
        },
    }
    kept_part(stores, [Open::Known(1), Open::Unknown]).await;
    kept_part(stores, Number::Single(0.1)).await;
    refused_part(stores, Number::Double(0.1)).await;
    kept_part(stores, Either::List(vec![1, 2])).await;
    refused_part(stores, Either::Pair(1, 2)).await;
    kept_part(stores, Either::Nothing).await;
    kept_part(stores, Wide::Nothing).await;
    refused_part(stores, Wide::Number { n: u128::MAX }).await;
    refused_part(stores, Some(Value::Null)).await;
    refused_part(stores, Some(Some(None::<u8>))).await;
    refused_part(stores, BTreeMap::from([("a".to_owned(), Some(()))])).await;
}

/// Bytes, as types for them write and read them.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
struct Bytes(Vec<u8>);

impl Serialize for Bytes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(&self.0)
    }
}

/// A type that writes less than it has, and one that reads back more.
#[derive(Clone, Debug, Default, PartialEq)]
struct Rounded(f64);

impl Serialize for Rounded {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_f64(self.0)
    }
}

impl<'de> Deserialize<'de> for Rounded {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        f64::deserialize(deserializer).map(|number| Self(number.round()))
    }
}

async fn row_37b_types_of_the_standard_library(stores: &Stores) {
    let address: IpAddr = "2001:db8::1".parse().unwrap();
    let time = SystemTime::UNIX_EPOCH + Duration::new(1_700_000_000, 123_456_789);
    kept_part(stores, Some((address, time))).await;
    kept_part(stores, Range { start: -1, end: 1 }).await;
    kept_part(stores, Some((Bound::Included(1), Bound::<u8>::Unbounded))).await;
    kept_part(stores, Some(Ok::<u8, String>(1))).await;
    kept_part(stores, Some(Err::<u8, String>(String::new()))).await;
    kept_part(stores, PathBuf::from("/a b/é")).await;
    kept_part(stores, CString::new("a").unwrap()).await;
    kept_part(stores, (Wrapping(255_u8), Reverse(1), NonZeroU8::new(1))).await;
    kept_part(stores, [Some(Box::<str>::from("a")), None]).await;
    kept_part(stores, VecDeque::from([(), ()])).await;
    kept_part(stores, std::marker::PhantomData::<u8>).await;
    kept_part(stores, ['\0', '\u{10ffff}']).await;
    kept_part(stores, HashMap::from([(Some("a".to_owned()), 1)])).await;
    kept_part(stores, Bytes(vec![0, 255])).await;
    kept_part(stores, Rounded(2.0)).await;
    refused_part(stores, Rounded(2.5)).await;
    let tuples = With {
        part: BTreeMap::from([((1, 2), 3)]),
        other: 1,
    };
    let error = stored(stores, tuples).await;
    assert!(matches!(error, Err(StoreError::Encode(_))), "{error:?}");
}

/// An entry of a record that is nested as deep as JSON is read.
async fn row_37b_deep_data(stores: &Stores) {
    let nested = |depth: u32| (0..depth).fold(json!(1), |inner, _| json!([inner]));
    kept_part(stores, nested(100)).await;
    let error = stored(
        stores,
        With {
            part: nested(1_000),
            other: 1,
        },
    )
    .await;
    assert!(matches!(error, Err(StoreError::Encode(_))), "{error:?}");
}

on_every_store! {
    row_37b_colliding_names
    row_37b_names_with_a_meaning_elsewhere
    row_37b_enums_that_guess
    row_37b_types_of_the_standard_library
    row_37b_deep_data
}
