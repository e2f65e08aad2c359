//! Tests that a full store evicts the right sessions, and never exceeds its capacity.

use super::tools::{
    block_on, count, id, insert, insert_record, key, load, minute, record, request, secret, sizes,
    store,
};
use crate::data::DataFormat;
use crate::record::{
    Change, CommitId, IdentityChange, Key, Lifetime, LoadRequest, LoginChange, NewLogin, NewRecord,
};
use crate::sid::{SecretHash, SessionId, Sid};
use crate::store::{InsertOutcome, Store, StoreError};
use crate::untyped::Untyped;

#[test]
fn a_full_store_evicts_the_oldest_unpresented_session() {
    let (store, _) = store(20);
    // The order of insertion decides, not that of the ids.
    let ids: Vec<_> = (0..20).map(|at| id(1_000 + (at * 7) % 20)).collect();
    for &id in &ids {
        assert_eq!(insert(&store, id), []);
    }
    for (at, &oldest) in ids.iter().enumerate() {
        assert_eq!(insert(&store, id(2_000 + at as u64)), [oldest]);
        assert!(!load(&store, oldest));
        assert_eq!(count(&store), 20);
    }
}

#[test]
fn an_id_whose_random_half_is_taken_is_refused() {
    let (store, clock) = store(3);
    let first = id(1);
    insert(&store, first);
    let mut bytes = *first.as_bytes();
    bytes[0] ^= 1;
    let second = SessionId::from_bytes(bytes);
    let inserted = block_on(store.insert(key(second), &record(Untyped::default())));
    assert!(matches!(inserted, Ok(InsertOutcome::Exists)));
    assert!(!load(&store, second), "it is not the other session");
    assert!(!block_on(store.destroy(key(second))).expect("destroy failed"));
    assert!(load(&store, first));
    clock.advance(minute(30));
    assert_eq!(insert(&store, second), []);
    assert!(load(&store, second) && !load(&store, first));
}

#[test]
fn presented_sessions_and_those_with_a_subject_are_not_evicted() {
    let (store, _) = store(4);
    let [presented, created_with_subject, logged_in, unpresented] = [id(1), id(2), id(3), id(4)];
    insert(&store, presented);
    assert!(load(&store, presented));
    let owned = NewRecord {
        login: Some(NewLogin::new("ada")),
        ..record(Untyped::default())
    };
    insert_record(&store, created_with_subject, &owned).expect("insert failed");
    insert(&store, logged_in);
    block_on(store.commit(key(logged_in), &login(Some("ada")))).expect("commit failed");
    insert(&store, unpresented);

    // A wrong secret does not count as presenting the sid.
    let wrong = LoadRequest {
        secret: SecretHash::from_bytes([8; 32]),
        ..request()
    };
    assert!(
        block_on(store.load(key(unpresented), &wrong))
            .expect("load failed")
            .found()
            .is_none()
    );
    let next = id(5);
    assert_eq!(insert(&store, next), [unpresented]);
    assert_eq!(insert(&store, id(6)), [next]);
    assert!(
        load(&store, presented) && load(&store, created_with_subject) && load(&store, logged_in)
    );
}

fn login(subject: Option<&str>) -> Change<Untyped> {
    Change {
        commit_id: CommitId::random(),
        epoch: 0,
        generation: 0,
        data: None,
        identity: Some(IdentityChange {
            secret: secret(),
            new_generation: false,
            login: subject.map_or(LoginChange::Clear, |subject| {
                LoginChange::Set(NewLogin::new(subject))
            }),
        }),
        lifetime: None,
        label: None,
        format: DataFormat::FIRST,
    }
}

#[test]
fn a_full_store_without_evictable_sessions_refuses_an_insert() {
    let (store, clock) = store(3);
    let ids = [id(1), id(2), id(3)];
    for id in ids {
        insert(&store, id);
        assert!(load(&store, id));
    }
    let refused = insert_record(&store, id(4), &record(Untyped::default()));
    assert!(matches!(refused, Err(StoreError::Full)));
    assert_eq!(count(&store), 3);
    let again = block_on(store.insert(key(ids[0]), &record(Untyped::default())));
    assert!(
        matches!(again, Ok(InsertOutcome::Exists)),
        "an existing id is reported before a full store"
    );
    block_on(store.destroy(key(ids[1]))).expect("destroy failed");
    assert_eq!(insert(&store, id(5)), []);
    clock.advance(minute(30));
    assert_eq!(insert(&store, id(6)), []);
    assert_eq!(count(&store), 1);
    let (none, _) = super::tools::store(0);
    let refused = insert_record(&none, id(1), &record(Untyped::default()));
    assert!(matches!(refused, Err(StoreError::Full)));
}

#[test]
fn expired_sessions_are_removed_before_living_ones_are_evicted() {
    let (store, clock) = store(2);
    let (short, long) = (id(2), id(1));
    insert(&store, long);
    let record = NewRecord {
        lifetime: Lifetime::new(minute(1), minute(1)),
        ..record(Untyped::default())
    };
    insert_record(&store, short, &record).expect("insert failed");
    clock.advance(minute(1));
    assert_eq!(insert(&store, id(3)), [], "the expired session made room");
    assert!(load(&store, long));
}

#[test]
fn an_expired_session_can_be_replaced_by_one_with_its_id() {
    // More sessions than the inserts sweep in passing.
    let (store, clock) = store(200);
    let ids: Vec<_> = (0..200).map(id).collect();
    for &id in &ids {
        insert(&store, id);
    }
    clock.advance(minute(30));
    for &id in &ids {
        assert_eq!(insert(&store, id), []);
    }
    assert_eq!(sizes(&store).sessions, 200);
    assert_eq!(count(&store), 200);
}

#[test]
fn an_id_is_unique_across_namespaces() {
    let (store, _) = store(10);
    let id = id(1);
    insert(&store, id);
    let other = Key {
        namespace: "other",
        id,
    };
    let inserted = block_on(store.insert(other, &record(Untyped::default())));
    assert!(matches!(inserted, Ok(InsertOutcome::Exists)));
}

#[test]
fn concurrent_inserts_never_exceed_the_capacity() {
    let (store, _) = store(50);
    let threads: Vec<_> = (0..8)
        .map(|_| {
            let store = store.clone();
            std::thread::spawn(move || {
                let mut evicted = 0;
                for _ in 0..500 {
                    evicted += insert(&store, Sid::mint().id()).len();
                    assert!(store.records.counts.places() <= 50);
                    assert!(count(&store) <= 50);
                }
                evicted
            })
        })
        .collect();
    let evicted: usize = threads
        .into_iter()
        .map(|thread| thread.join().expect("a thread panicked"))
        .sum();
    assert_eq!(
        evicted,
        8 * 500 - 50,
        "every evicted session is reported once"
    );
    assert_eq!(sizes(&store).sessions, 50);
}

#[test]
fn an_unpresented_session_that_loses_its_subject_is_evictable_again() {
    let (store, _) = store(2);
    let others = [id(2), id(3)];
    let last = id(4);
    let id = id(1);
    insert(&store, id);
    block_on(store.commit(key(id), &login(Some("ada")))).expect("commit failed");
    assert_eq!(sizes(&store).evictable, 0);
    let [second, third] = others;
    insert(&store, second);
    assert_eq!(insert(&store, third), [second], "the first is skipped");
    assert!(load(&store, third));
    let logout = Change {
        epoch: 1,
        ..login(None)
    };
    block_on(store.commit(key(id), &logout)).expect("commit failed");
    assert_eq!(sizes(&store).evictable, 1);
    assert_eq!(insert(&store, last), [id]);
}
