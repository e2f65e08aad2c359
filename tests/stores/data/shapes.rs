//! One table of what serde can make of a type: each value is read back equal on every store, or refused
//! when it is written.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::fmt::Debug;
use std::sync::Arc;
use std::time::Duration;

use connect_session::SessionData;
use connect_session::store::{
    AnyStore, Change, CommitId, CommitOutcome, DataChange, DataFormat, InsertOutcome, Lifetime,
    NewRecord, Record, Store as _, StoreError, Transport,
};
use serde::{Deserialize, Serialize};

use super::on_every_store;
use super::stores::Stores;
use crate::fixture::{Opened, mint, request};

/// Data with one part.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct With<T> {
    pub(super) part: T,
    pub(super) other: u8,
}

/// Data that is read back after it was inserted, and after it has replaced other data.
pub(super) async fn stored<D: SessionData>(stores: &Stores, data: D) -> Result<[D; 2], StoreError> {
    let opened = mint();
    let new = new_record(opened, data.clone());
    let first = D::clone(&inserted(&stores.of(), opened, &new).await?.snapshot.data);
    // A new session that is changed afterwards.
    let (store, opened) = (stores.of(), mint());
    let new = new_record(opened, D::default());
    let loaded = inserted(&store, opened, &new).await?;
    let changed = changed(&store, opened, loaded, data).await?;
    Ok([first, changed])
}

fn new_record<D>(opened: Opened, data: D) -> NewRecord<D> {
    NewRecord {
        secret: opened.secret,
        transport: Transport::Other,
        data: Arc::new(data),
        login: None,
        label: None,
        lifetime: Lifetime::new(Duration::from_secs(60), Duration::from_secs(60)),
        commit_id: CommitId::random(),
        first_use_timeout: None,
        max_size: 1 << 20,
        format: DataFormat::FIRST,
    }
}

/// Replaces the data of a loaded record, and reads it back.
async fn changed<D: SessionData>(
    store: &AnyStore<D>,
    opened: Opened,
    loaded: Record<D>,
    data: D,
) -> Result<D, StoreError> {
    let change = Change {
        commit_id: CommitId::random(),
        epoch: 0,
        generation: 0,
        data: Some(DataChange {
            base: Some(loaded.snapshot),
            data: Arc::new(data),
            max_size: 1 << 20,
        }),
        identity: None,
        lifetime: None,
        label: None,
        format: DataFormat::FIRST,
    };
    let committed = store.commit(opened.key, &change).await?;
    assert!(matches!(committed, CommitOutcome::Applied { .. }));
    let loaded = store.load(opened.key, &request(opened.secret)).await?;
    Ok(D::clone(&loaded.found().unwrap().snapshot.data))
}

/// Inserts a record, and loads it.
async fn inserted<D: SessionData>(
    store: &AnyStore<D>,
    opened: Opened,
    new: &NewRecord<D>,
) -> Result<Record<D>, StoreError> {
    let inserted = store.insert(opened.key, new).await?;
    assert!(matches!(inserted, InsertOutcome::Done { .. }));
    let loaded = store.load(opened.key, &request(opened.secret)).await?;
    Ok(loaded.found().unwrap())
}

pub(super) async fn kept<D: SessionData + PartialEq + Debug>(stores: &Stores, data: D) {
    let [inserted, changed] = stored(stores, data.clone()).await.unwrap();
    assert_eq!(inserted, data);
    assert_eq!(changed, data);
}

pub(super) async fn kept_part<T>(stores: &Stores, part: T)
where
    With<T>: SessionData + PartialEq + Debug,
{
    kept(stores, With { part, other: 1 }).await;
}

/// Refused with an error that names the field, if it names one.
pub(super) async fn refused<D: SessionData + Debug>(stores: &Stores, data: D, field: &str) {
    let error = stored(stores, data).await.expect_err(field);
    assert!(matches!(error, StoreError::Encode(_)), "{error}");
    assert!(error.to_string().contains(field), "{error}");
}

pub(super) async fn refused_part<T: Debug>(stores: &Stores, part: T)
where
    With<T>: SessionData + Debug,
{
    refused(stores, With { part, other: 1 }, "`part`").await;
}

async fn row_37b_attributes(stores: &Stores) {
    #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Attributes {
        #[serde(rename = "a b\"c")]
        renamed: String,
        #[serde(alias = "oldName")]
        new_name: String,
        #[serde(default)]
        defaulted: u8,
        #[serde(default = "seven")]
        by_path: u8,
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        often_empty: Vec<u8>,
        #[serde(with = "as_text")]
        with: u64,
        #[serde(flatten)]
        flat: Flat,
        strict: Strict,
    }
    impl Default for Attributes {
        fn default() -> Self {
            Self {
                renamed: "x".to_owned(),
                new_name: String::new(),
                defaulted: 1,
                by_path: 2,
                often_empty: Vec::new(),
                with: 3,
                flat: Flat::default(),
                strict: Strict::default(),
            }
        }
    }
    #[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
    struct Flat {
        x: i64,
        #[serde(flatten)]
        rest: BTreeMap<String, serde_json::Value>,
    }
    #[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Strict {
        y: Option<u8>,
    }
    fn seven() -> u8 {
        7
    }
    mod as_text {
        use serde::{Deserialize as _, Deserializer, Serializer};

        #[allow(
            clippy::trivially_copy_pass_by_ref,
            reason = "serde passes a reference"
        )]
        pub fn serialize<S: Serializer>(number: &u64, s: S) -> Result<S::Ok, S::Error> {
            s.serialize_str(&format!("{number:x}"))
        }

        pub fn deserialize<'de, D: Deserializer<'de>>(d: D) -> Result<u64, D::Error> {
            let text = String::deserialize(d)?;
            u64::from_str_radix(&text, 16).map_err(serde::de::Error::custom)
        }
    }
    kept(stores, Attributes::default()).await;
    let rest = [("z".to_owned(), serde_json::json!([null, { "q": 0.1 }]))];
    let data = Attributes {
        renamed: String::new(),
        new_name: "Ada".to_owned(),
        defaulted: 0,
        by_path: 0,
        often_empty: vec![0],
        with: u64::MAX,
        flat: Flat {
            x: i64::MIN,
            rest: rest.into(),
        },
        strict: Strict { y: Some(0) },
    };
    kept(stores, data).await;
}

async fn row_37b_skipped_fields_are_not_kept(stores: &Stores) {
    #[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
    struct Data {
        n: u8,
        #[serde(skip)]
        cache: u8,
    }
    let [inserted, changed] = stored(stores, Data { n: 1, cache: 2 }).await.unwrap();
    assert_eq!((inserted.n, changed.n), (1, 1));
    if !stores.is_live() {
        assert_eq!((inserted.cache, changed.cache), (0, 0));
    }
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
enum External {
    #[default]
    Unit,
    Newtype(u8),
    Tuple(u8, String),
    Fields {
        n: Option<u8>,
    },
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind")]
enum Internal {
    #[default]
    Unit,
    Fields {
        n: u64,
        list: Vec<i8>,
    },
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(tag = "t", content = "c")]
enum Adjacent {
    #[default]
    Unit,
    Tuple(u8, bool),
    Fields {
        n: f64,
    },
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
enum Untagged {
    Number(i64),
    Text(String),
    Fields { n: u8 },
    Float(f64),
}

impl Default for Untagged {
    fn default() -> Self {
        Self::Number(0)
    }
}

async fn row_37b_enums(stores: &Stores) {
    kept_part(stores, External::Unit).await;
    kept_part(stores, External::Newtype(1)).await;
    kept_part(stores, External::Tuple(1, "a".to_owned())).await;
    kept_part(stores, External::Fields { n: None }).await;
    kept_part(stores, Internal::Unit).await;
    let (n, list) = (u64::MAX, vec![-1]);
    kept_part(
        stores,
        Internal::Fields {
            n,
            list: list.clone(),
        },
    )
    .await;
    // The whole data is an enum, too.
    kept(stores, Internal::Fields { n, list }).await;
    kept_part(stores, Adjacent::Unit).await;
    kept_part(stores, Adjacent::Tuple(1, true)).await;
    kept_part(stores, Adjacent::Fields { n: 0.1 }).await;
    kept_part(stores, Untagged::Number(-1)).await;
    kept_part(stores, Untagged::Text("1".to_owned())).await;
    kept_part(stores, Untagged::Fields { n: 1 }).await;
    refused_part(stores, [Untagged::Number(1), Untagged::Float(f64::NAN)]).await;
}

async fn row_37b_newtypes(stores: &Stores) {
    #[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
    struct Newtype(With<u8>);
    #[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
    #[serde(transparent)]
    struct Transparent {
        inner: BTreeMap<String, Option<bool>>,
    }
    kept(stores, Newtype(With { part: 1, other: 2 })).await;
    let inner = BTreeMap::from([("a".to_owned(), None), (String::new(), Some(true))]);
    kept(
        stores,
        Transparent {
            inner: inner.clone(),
        },
    )
    .await;
    kept(stores, inner).await;
    kept_part(stores, Newtype(With { part: 1, other: 2 })).await;
}

async fn row_37b_maps_with_keys_that_are_no_texts(stores: &Stores) {
    let id = connect_session::SessionId::from_bytes([7; 16]).to_string();
    kept_part(stores, BTreeMap::from([(i64::MIN, 1), (0, 2)])).await;
    kept_part(stores, HashMap::from([(u128::MAX, 1), (0, 2)])).await;
    kept_part(stores, BTreeMap::from([(true, 1), (false, 2)])).await;
    kept_part(stores, BTreeMap::from([(External::Unit, 1)])).await;
    kept_part(stores, BTreeMap::from([('"', 1)])).await;
    kept_part(stores, HashMap::from([(id, vec![()])])).await;
    kept(stores, BTreeMap::from([(-1_i8, External::Unit)])).await;
    kept(stores, HashMap::from([(External::Unit, 1_u8)])).await;
    // JSON has no key for it.
    let no_text = BTreeMap::from([(External::Newtype(1), 1)]);
    let error = stored(
        stores,
        With {
            part: no_text,
            other: 1,
        },
    )
    .await;
    assert!(matches!(error, Err(StoreError::Encode(_))), "{error:?}");
}

async fn row_37b_numbers(stores: &Stores) {
    for number in [0, u128::MAX, 1 << 64] {
        kept_part(stores, number).await;
    }
    kept_part(stores, i128::MIN).await;
    let many = [
        0.0,
        -0.0,
        0.1,
        0.1 + 0.2,
        1e300,
        5e-324,
        f64::MIN,
        f64::MAX,
        f64::EPSILON,
        2.5,
        1e21,
        9_007_199_254_740_993.0,
        std::f64::consts::PI,
    ];
    kept_part(stores, many.to_vec()).await;
    kept_part(
        stores,
        (0..2_000)
            .map(|at| f64::from(at).sqrt() / 3.0)
            .collect::<Vec<_>>(),
    )
    .await;
    kept_part(
        stores,
        (0..2_000_u16)
            .map(|at| f32::from(at).sqrt() / 3.0)
            .collect::<Vec<_>>(),
    )
    .await;
    let negative_zero = With {
        part: -0.0_f64,
        other: 1,
    };
    let [read, _] = stored(stores, negative_zero).await.unwrap();
    assert!(read.part.is_sign_negative());
    for number in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        refused_part(stores, number).await;
        refused_part(stores, Some(number)).await;
        refused_part(stores, vec![(1, Some(number))]).await;
    }
    refused_part(stores, f32::NAN).await;
}

/// serde cannot read a number of 128 bits in a flattened part.
async fn row_37b_wide_numbers_in_a_flattened_part(stores: &Stores) {
    #[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
    struct Data {
        n: u8,
        #[serde(flatten)]
        flat: With<u128>,
    }
    let flat = With { part: 5, other: 1 };
    refused(stores, Data { n: 1, flat }, "128-bit").await;
}

async fn row_37b_options(stores: &Stores) {
    kept_part(stores, None::<Option<u8>>).await;
    kept_part(stores, Some(Some(1_u8))).await;
    refused_part(stores, Some(None::<u8>)).await;
    refused_part(stores, vec![Some(Some(1)), Some(None::<u8>)]).await;
    refused_part(stores, Some(())).await;
    kept_part(stores, (Some("a".to_owned()), None::<u8>, [Some(1), None])).await;
}

async fn row_37b_borrowed_and_unordered_types(stores: &Stores) {
    kept_part(stores, Cow::<'static, str>::Owned("a\"\u{0}é".to_owned())).await;
    kept_part(stores, Cow::<'static, [u8]>::Owned(vec![0, 255])).await;
    kept_part(stores, (0..300).collect::<HashSet<u32>>()).await;
    kept_part(
        stores,
        BTreeSet::from([External::Unit, External::Newtype(1)]),
    )
    .await;
    let nested = vec![
        (0..50)
            .map(|at| vec![at.to_string()])
            .collect::<HashSet<_>>();
        2
    ];
    kept_part(stores, nested).await;
    kept_part(stores, Duration::new(1, 999_999_999)).await;
}

/// A field under its former name, which is read and left out, is not there any longer.
async fn row_37b_a_renamed_field_that_is_left_out(stores: &Stores) {
    #[derive(Clone, Debug, Default, Serialize, Deserialize)]
    struct Before {
        name: String,
        unknown: u8,
    }
    #[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
    struct After {
        #[serde(default, alias = "name", skip_serializing_if = "String::is_empty")]
        full_name: String,
        n: u8,
    }
    if stores.is_live() {
        return;
    }
    for (full_name, n) in [("", 0), ("", 1), ("Grace", 0), ("Ada", 1)] {
        let opened = mint();
        let before = Before {
            name: "Ada".to_owned(),
            unknown: 7,
        };
        let before = new_record(opened, before);
        inserted(&stores.of(), opened, &before).await.unwrap();
        let store = stores.of::<After>();
        let loaded = store.load(opened.key, &request(opened.secret)).await;
        let loaded = loaded.unwrap().found().unwrap();
        assert_eq!(loaded.snapshot.data.full_name, "Ada");
        let data = After {
            full_name: full_name.to_owned(),
            n,
        };
        let read = changed(&store, opened, loaded, data.clone()).await;
        assert_eq!(read.unwrap(), data);
        let loaded = stores.of::<Before>();
        let loaded = loaded.load(opened.key, &request(opened.secret)).await;
        let kept = loaded.unwrap().found().unwrap().snapshot.data.unknown;
        assert_eq!(kept, 7, "a field that the type does not know");
    }
}

/// What a type writes under another name than it reads, or not always, is refused.
async fn row_37b_one_sided_attributes(stores: &Stores) {
    #[derive(Clone, Debug, Default, Serialize, Deserialize)]
    struct Split {
        #[serde(rename(serialize = "written", deserialize = "read"))]
        value: u8,
    }
    #[derive(Clone, Debug, Default, Serialize, Deserialize)]
    struct WriteOnly {
        n: u8,
        #[serde(skip_deserializing)]
        value: u8,
    }
    #[derive(Clone, Debug, Default, Serialize, Deserialize)]
    struct Sometimes {
        #[serde(skip_serializing_if = "String::is_empty")]
        value: String,
    }
    refused(stores, Split { value: 1 }, "`read`").await;
    refused(stores, WriteOnly { n: 1, value: 1 }, "`value`").await;
    refused(stores, Sometimes::default(), "`value`").await;
}

on_every_store! {
    row_37b_attributes
    row_37b_skipped_fields_are_not_kept
    row_37b_enums
    row_37b_newtypes
    row_37b_maps_with_keys_that_are_no_texts
    row_37b_numbers
    row_37b_wide_numbers_in_a_flattened_part
    row_37b_options
    row_37b_borrowed_and_unordered_types
    row_37b_a_renamed_field_that_is_left_out
    row_37b_one_sided_attributes
}
