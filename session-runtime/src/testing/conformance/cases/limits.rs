//! How large and how deep data can be.

use serde_json::{Value, json};

use super::super::fixture::{self, Fixture, set};
use crate::data::MAX_DEPTH;
use crate::record::NewRecord;
use crate::store::{CommitOutcome, Store};
use crate::untyped::Untyped;

/// Data over `max_size` is refused by a store that encodes, and nothing is written.
pub async fn data_over_its_size_is_refused<S: Store<Untyped>>(fixture: Fixture<S>) {
    if !fixture.store.is_serializing() {
        return;
    }
    let long = json!({"a": "x".repeat(100)});
    let (key, secret) = fixture.mint();
    let record = NewRecord {
        max_size: 99,
        ..fixture.new_record(secret, &long)
    };
    assert!(fixture.store.insert(key, &record).await.is_err());
    assert!(fixture.load(key, secret).await.is_none());
    let opened = fixture.open(&json!({"a": 1})).await;
    let mut change = set(&fixture.get(&opened).await, &long);
    change.data.as_mut().expect("data").max_size = 99;
    assert!(fixture.store.commit(opened.key, &change).await.is_err());
    assert_eq!(
        fixture::json(&fixture.get(&opened).await.snapshot),
        json!({"a": 1})
    );
}

fn nested(levels: usize) -> Value {
    let field = (0..levels).fold(json!(1), |inner, _| json!([inner]));
    json!({ "deep": field, "flat": "[[" })
}

/// Data that is nested deeper than it could be read back is refused by a store that encodes, and
/// nothing is written.
pub async fn data_that_is_nested_too_deep_is_refused<S: Store<Untyped>>(fixture: Fixture<S>) {
    if !fixture.store.is_serializing() {
        return;
    }
    let (key, secret) = fixture.mint();
    let record = fixture.new_record(secret, &nested(MAX_DEPTH + 1));
    assert!(fixture.store.insert(key, &record).await.is_err());
    assert!(fixture.load(key, secret).await.is_none());
    let opened = fixture.open(&json!({"flat": 1})).await;
    let change = set(&fixture.get(&opened).await, &nested(MAX_DEPTH + 1));
    assert!(fixture.store.commit(opened.key, &change).await.is_err());
    let record = fixture.get(&opened).await;
    assert_eq!(fixture::json(&record.snapshot), json!({"flat": 1}));
}

/// The deepest data that can be read back is kept.
pub async fn the_deepest_data_is_kept<S: Store<Untyped>>(fixture: Fixture<S>) {
    let data = nested(MAX_DEPTH);
    let opened = fixture.open(&data).await;
    assert_eq!(fixture::json(&fixture.get(&opened).await.snapshot), data);
    let opened = fixture.open(&json!({})).await;
    let loaded = fixture.get(&opened).await;
    fixture.apply(opened.key, &set(&loaded, &data)).await;
    assert_eq!(fixture::json(&fixture.get(&opened).await.snapshot), data);
}

/// Many fields are written, changed and removed like a few.
pub async fn many_fields_are_kept<S: Store<Untyped>>(fixture: Fixture<S>) {
    let fields = |range: std::ops::Range<u32>, value: u32| -> Value {
        range.map(|at| (format!("k{at}"), json!(value))).collect()
    };
    let (before, mut after) = (fields(0..2_000, 1), fields(500..2_500, 1));
    for at in 1_000..1_500 {
        after[format!("k{at}")] = json!(2);
    }
    let opened = fixture.open(&before).await;
    let loaded = fixture.get(&opened).await;
    assert!(fixture::json(&loaded.snapshot) == before, "inserted");
    fixture.apply(opened.key, &set(&loaded, &after)).await;
    let changed = fixture.get(&opened).await;
    assert!(fixture::json(&changed.snapshot) == after, "changed");
    let mut late = before.clone();
    late["k1200"] = json!(3);
    let stale = fixture.commit(opened.key, &set(&loaded, &late)).await;
    assert!(matches!(stale, CommitOutcome::Conflict(_)));
    fixture.apply(opened.key, &set(&changed, &before)).await;
    let again = fixture.get(&opened).await;
    assert!(fixture::json(&again.snapshot) == before, "changed back");
}
