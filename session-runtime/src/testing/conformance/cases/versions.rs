//! Data that another version of the program has written. A store that keeps no version, or live values,
//! passes without a test.

use serde_json::json;

use super::super::fixture::{self, Fixture, Opened, change_of, login, rotate, secret, set};
use crate::data::{DataFormat, Fields};
use crate::record::{Change, LoadRequest, NewRecord, Record};
use crate::store::{CommitOutcome, Store, StoreError};
use crate::untyped::Untyped;

/// The second version of a program, whose amounts are ten times those of the first one.
const SECOND: DataFormat = DataFormat::new(2, 2, Some(migrate));

fn migrate(_: u32, fields: &mut Fields) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    let amount: u64 = fields.get("amount")?.unwrap_or(0);
    fields.insert("amount", &(amount * 10))?;
    Ok(())
}

/// The record as a program with this format reads it.
async fn read<S: Store<Untyped>>(
    fixture: &Fixture<S>,
    opened: &Opened,
    format: DataFormat,
) -> Record<Untyped> {
    let request = LoadRequest {
        format,
        ..fixture::request(opened.secret)
    };
    let record = fixture.load_with(opened.key, request).await;
    record.expect("the session was not found")
}

/// Data of an earlier version is migrated by a load and in a conflict, until it is written again.
pub async fn earlier_data_is_migrated<S: Store<Untyped>>(fixture: Fixture<S>) {
    if !fixture.store.is_serializing() || !fixture.store.keeps_data_version() {
        return;
    }
    let opened = fixture.open(&json!({"amount": 1, "note": "x"})).await;
    let loaded = read(&fixture, &opened, SECOND).await;
    let migrated = json!({"amount": 10, "note": "x"});
    assert_eq!(fixture::json(&loaded.snapshot), migrated);
    let first = read(&fixture, &opened, DataFormat::FIRST).await;
    assert_eq!(
        fixture::json(&first.snapshot)["amount"],
        1,
        "nothing was written"
    );

    let other = set(&first, &json!({"amount": 2, "note": "x"}));
    fixture.apply(opened.key, &other).await;
    let change = Change {
        format: SECOND,
        ..set(&loaded, &json!({"amount": 11, "note": "x"}))
    };
    let CommitOutcome::Conflict(current) = fixture.commit(opened.key, &change).await else {
        panic!("the record has changed since it was loaded");
    };
    assert_eq!(fixture::json(&current.snapshot)["amount"], 20);

    // A change of another field writes the migrated ones as well.
    let change = Change {
        format: SECOND,
        ..set(&current, &json!({"amount": 20, "note": "y"}))
    };
    fixture.apply(opened.key, &change).await;
    for format in [SECOND, DataFormat::FIRST] {
        let written = read(&fixture, &opened, format).await;
        let expected = json!({"amount": 20, "note": "y"});
        assert_eq!(fixture::json(&written.snapshot), expected, "{format:?}");
    }
}

/// Data is never written over that of a later version; every other change is applied.
pub async fn newer_data_is_never_written<S: Store<Untyped>>(fixture: Fixture<S>) {
    if !fixture.store.is_serializing() || !fixture.store.keeps_data_version() {
        return;
    }
    let opened = fixture
        .open_as(NewRecord {
            format: SECOND,
            ..fixture.new_record(secret(), &json!({"amount": 10}))
        })
        .await;
    let loaded = fixture.get(&opened).await;
    let mut whole = set(&loaded, &json!({"amount": 1}));
    whole.data.as_mut().expect("data").base = None;
    let with_rotation = Change {
        identity: rotate(&loaded, secret()).identity,
        ..set(&loaded, &json!({"amount": 1}))
    };
    for refused in [set(&loaded, &json!({"amount": 1})), whole, with_rotation] {
        let outcome = fixture.store.commit(opened.key, &refused).await;
        assert!(
            matches!(
                outcome,
                Err(StoreError::NewerData {
                    version: 2,
                    current: 1
                })
            ),
            "{outcome:?}"
        );
    }
    let longer = Change {
        lifetime: Some(fixture.lifetime(20.0, 40.0)),
        ..change_of(&loaded)
    };
    fixture.apply(opened.key, &longer).await;
    let new = secret();
    fixture.apply(opened.key, &login(&loaded, new, "ada")).await;
    let opened = Opened {
        secret: new,
        ..opened
    };
    let record = read(&fixture, &opened, SECOND).await;
    assert_eq!(fixture::json(&record.snapshot), json!({"amount": 10}));
    assert_eq!(record.subject(), Some("ada"));
    assert!(fixture.destroy(opened.key).await);
}

/// Each change of the data sets the version to the one that it writes, which can be an earlier one.
pub async fn a_change_sets_the_version_that_it_writes<S: Store<Untyped>>(fixture: Fixture<S>) {
    if !fixture.store.is_serializing() || !fixture.store.keeps_data_version() {
        return;
    }
    let reading_second = DataFormat::new(2, 1, None);
    let opened = fixture.open(&json!({"amount": 1})).await;
    let is_writable = async |amount: u64, format: DataFormat, has_base: bool| {
        let mut change = Change {
            format,
            ..set(&fixture.get(&opened).await, &json!({"amount": amount}))
        };
        if !has_base {
            change.data.as_mut().expect("data").base = None;
        }
        match fixture.store.commit(opened.key, &change).await {
            Ok(CommitOutcome::Applied { .. }) => true,
            Err(StoreError::NewerData { .. }) => false,
            other => panic!("{other:?}"),
        }
    };
    assert!(is_writable(2, reading_second, true).await);
    assert!(
        is_writable(3, DataFormat::FIRST, true).await,
        "version 1 was written"
    );
    assert!(is_writable(4, SECOND, false).await);
    assert!(
        !is_writable(5, DataFormat::FIRST, true).await,
        "version 2 was written"
    );
    assert!(is_writable(6, reading_second, false).await);
    assert!(
        is_writable(7, DataFormat::FIRST, true).await,
        "version 1 was written again"
    );
}
