//! Room: who gives way, how many there are, and memory that comes back.

use std::sync::Arc;
use std::time::Duration;

use super::super::shard::Shard;
use crate::record::{
    Change, CommitId, IdentityChange, Key, Lifetime, LoadRequest, NewRecord, Transport,
};
use crate::sid::{SecretHash, SessionId, Sid};
use crate::store::{Inserted, MemoryStore, Store, StoreError};
use crate::testing::FakeClock;
use crate::untyped::Untyped;

const SPACE: &str = "test";

/// A store of so many sessions, and its clock.
fn store(capacity: usize) -> (MemoryStore<Untyped>, FakeClock) {
    let clock = FakeClock::new();
    let store = MemoryStore::builder();
    (store.capacity(capacity).clock(&clock).build(), clock)
}

fn minute(minutes: u64) -> Duration {
    Duration::from_secs(60 * minutes)
}

/// Runs a verb. None waits for anything; a long sweep gives way now and then.
pub(super) fn now<T>(future: impl Future<Output = T>) -> T {
    let mut future = std::pin::pin!(future);
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    loop {
        if let std::task::Poll::Ready(value) = future.as_mut().poll(&mut context) {
            return value;
        }
    }
}

pub(super) fn key(id: SessionId) -> Key {
    Key {
        namespace: SPACE,
        id,
    }
}

pub(super) fn secret() -> SecretHash {
    SecretHash::from_bytes([7; 32])
}

pub(super) fn record<D>(data: D) -> NewRecord<D> {
    NewRecord {
        secret: secret(),
        transport: Transport::Other,
        data: Arc::new(data),
        subject: None,
        lifetime: Lifetime {
            idle: minute(30),
            absolute: minute(600),
        },
        commit_id: CommitId::mint(),
        max_size: 1_000,
    }
}

pub(super) fn request() -> LoadRequest {
    LoadRequest {
        secret: secret(),
        transport: Transport::Other,
        touch_every: None,
        renewal: None,
    }
}

/// An id as if minted so many milliseconds after the beginning of time.
fn id(millis: u64) -> SessionId {
    let mut bytes = *Sid::mint().id().as_bytes();
    bytes[..6].copy_from_slice(&millis.to_be_bytes()[2..]);
    SessionId::from_bytes(bytes)
}

/// Inserts, and says who gave way.
fn insert(store: &MemoryStore<Untyped>, id: SessionId) -> Vec<SessionId> {
    insert_record(store, id, &record(Untyped::default())).expect("room")
}

fn insert_record(
    store: &MemoryStore<Untyped>,
    id: SessionId,
    record: &NewRecord<Untyped>,
) -> Result<Vec<SessionId>, StoreError> {
    match now(store.insert(key(id), record))? {
        Inserted::Done { evicted, .. } => Ok(evicted),
        Inserted::Exists => panic!("the id is taken"),
    }
}

fn load(store: &MemoryStore<Untyped>, id: SessionId) -> bool {
    now(store.load(key(id), &request()))
        .expect("a load")
        .is_some()
}

fn count(store: &MemoryStore<Untyped>) -> u64 {
    now(store.count(SPACE)).expect("a count")
}

/// Sessions, places in the maps, filings of deadlines, and sessions that may give way.
fn sizes(store: &MemoryStore<Untyped>) -> [usize; 4] {
    let room = &store.room;
    let mut sum = [0; 4];
    for at in room.shards() {
        let sizes = room.read(at, Shard::sizes);
        (sum.iter_mut().zip(sizes)).for_each(|(sum, size)| *sum += size);
    }
    assert_eq!(room.records(), sum[0], "the places that are taken");
    sum
}

#[test]
fn the_oldest_that_nobody_presented_gives_way() {
    let (store, _) = store(20);
    // Not in the order in which they are inserted, but in that in which they were minted.
    let ids: Vec<_> = (0..20).map(|at| id(1_000 + (at * 7) % 20)).collect();
    let mut by_age = ids.clone();
    by_age.sort();
    for &id in &ids {
        assert_eq!(insert(&store, id), []);
    }
    for (at, &oldest) in by_age.iter().enumerate() {
        assert_eq!(insert(&store, id(2_000 + at as u64)), [oldest]);
        assert!(!load(&store, oldest));
        assert_eq!(count(&store), 20);
    }
}

#[test]
fn ids_of_one_millisecond_give_way_in_their_order() {
    let (store, _) = store(3);
    let ids = [1_u8, 2, 3, 4].map(|last| {
        let mut bytes = [0; 16];
        bytes[15] = last;
        bytes[8] = last.wrapping_mul(67);
        SessionId::from_bytes(bytes)
    });
    let mut by_age = ids;
    by_age[..3].sort();
    for id in &ids[..3] {
        insert(&store, *id);
    }
    assert_eq!(insert(&store, ids[3]), [by_age[0]]);
}

#[test]
fn what_was_presented_or_belongs_to_somebody_stays() {
    let (store, _) = store(4);
    let [presented, of_birth, logged_in, fresh] = [id(1), id(2), id(3), id(4)];
    insert(&store, presented);
    assert!(load(&store, presented));
    let subject = Some(Arc::from("somebody"));
    let owned = NewRecord {
        subject,
        ..record(Untyped::default())
    };
    insert_record(&store, of_birth, &owned).expect("room");
    insert(&store, logged_in);
    now(store.commit(key(logged_in), &login(Some("somebody")))).expect("a login");
    insert(&store, fresh);

    // A wrong secret presents nothing.
    let wrong = LoadRequest {
        secret: SecretHash::from_bytes([8; 32]),
        ..request()
    };
    assert!(
        now(store.load(key(fresh), &wrong))
            .expect("a load")
            .is_none()
    );
    let next = id(5);
    assert_eq!(insert(&store, next), [fresh]);
    assert_eq!(insert(&store, id(6)), [next]);
    assert!(load(&store, presented) && load(&store, of_birth) && load(&store, logged_in));
}

fn login(subject: Option<&str>) -> Change<Untyped> {
    Change {
        commit_id: CommitId::mint(),
        epoch: 0,
        generation: 0,
        data: None,
        identity: Some(IdentityChange {
            secret: secret(),
            new_generation: false,
            subject: Some(subject.map(Arc::from)),
        }),
        lifetime: None,
    }
}

#[test]
fn a_full_store_refuses_and_keeps_what_it_has() {
    let (store, clock) = store(3);
    let ids = [id(1), id(2), id(3)];
    for id in ids {
        insert(&store, id);
        assert!(load(&store, id));
    }
    let refused = insert_record(&store, id(4), &record(Untyped::default()));
    assert!(matches!(refused, Err(StoreError::Full)));
    assert_eq!(count(&store), 3);
    let again = now(store.insert(key(ids[0]), &record(Untyped::default())));
    assert!(
        matches!(again, Ok(Inserted::Exists)),
        "taken, which is not full"
    );
    now(store.destroy(key(ids[1]))).expect("a destruction");
    assert_eq!(insert(&store, id(5)), []);
    clock.advance(minute(30));
    assert_eq!(insert(&store, id(6)), []);
    assert_eq!(count(&store), 1);
    let (none, _) = self::store(0);
    let refused = insert_record(&none, id(1), &record(Untyped::default()));
    assert!(matches!(refused, Err(StoreError::Full)));
}

#[test]
fn what_has_ended_goes_before_what_is_alive() {
    let (store, clock) = store(2);
    let (short, long) = (id(2), id(1));
    insert(&store, long);
    let record = NewRecord {
        lifetime: Lifetime {
            idle: minute(1),
            absolute: minute(1),
        },
        ..record(Untyped::default())
    };
    insert_record(&store, short, &record).expect("room");
    clock.advance(minute(1));
    assert_eq!(
        insert(&store, id(3)),
        [],
        "the one that had ended gave its place"
    );
    assert!(load(&store, long));
}

#[test]
fn an_ended_session_leaves_its_place_to_one_of_its_id() {
    let (store, clock) = store(1);
    let id = id(1);
    insert(&store, id);
    clock.advance(minute(30));
    assert_eq!(insert(&store, id), []);
    assert_eq!(sizes(&store)[0], 1);
}

#[test]
fn an_id_is_taken_in_every_namespace() {
    let (store, _) = store(10);
    let id = id(1);
    insert(&store, id);
    let other = Key {
        namespace: "other",
        id,
    };
    let inserted = now(store.insert(other, &record(Untyped::default())));
    assert!(matches!(inserted, Ok(Inserted::Exists)));
}

#[test]
fn insertions_at_once_never_exceed_the_capacity() {
    let (store, _) = store(50);
    let threads: Vec<_> = (0..8)
        .map(|_| {
            let store = store.clone();
            std::thread::spawn(move || {
                let mut evicted = 0;
                for _ in 0..500 {
                    evicted += insert(&store, Sid::mint().id()).len();
                    assert!(store.room.records() <= 50);
                    assert!(count(&store) <= 50);
                }
                evicted
            })
        })
        .collect();
    let evicted: usize = threads
        .into_iter()
        .map(|thread| thread.join().expect("a thread"))
        .sum();
    assert_eq!(evicted, 8 * 500 - 50, "each that gave way is named once");
    assert_eq!(sizes(&store)[0], 50);
}

#[test]
fn a_sweep_takes_what_has_ended_and_not_more_than_it_may() {
    let (store, clock) = store(10_000);
    let mut alive = Vec::new();
    for at in 0..1_000 {
        let id = id(at);
        insert(&store, id);
        if at % 2 == 0 {
            alive.push(id);
        }
    }
    clock.advance(minute(20));
    assert!(alive.iter().all(|id| load(&store, *id)));
    clock.advance(minute(20));
    assert_eq!(count(&store), 500);
    assert_eq!(now(store.sweep(30)).expect("a sweep"), 30);
    assert_eq!(sizes(&store)[0], 970);
    assert_eq!(now(store.sweep(0)).expect("a sweep"), 0);
    assert_eq!(now(store.sweep(usize::MAX)).expect("a sweep"), 470);
    let [records, _, filings, _] = sizes(&store);
    assert_eq!((records, filings), (500, 500));
    assert!(alive.iter().all(|id| load(&store, *id)));
}

#[test]
fn requests_that_come_by_sweep_everywhere() {
    let (store, clock) = store(10_000);
    for at in 0..3_000 {
        insert(&store, id(at));
    }
    let living = id(9_999);
    clock.advance(minute(29));
    insert(&store, living);
    clock.advance(minute(1));
    for _ in 0..1_000 {
        clock.advance(Duration::from_millis(1));
        assert!(load(&store, living));
    }
    assert_eq!(
        sizes(&store)[0],
        1,
        "loads of one session have removed all the others"
    );
}

#[test]
fn memory_comes_back_after_a_flood() {
    let (store, clock) = store(1_000_000);
    for at in 0..100_000 {
        insert(&store, id(at));
    }
    let full = sizes(&store);
    assert!(full[1] >= 100_000);
    clock.advance(minute(31));
    for at in 0..50_100 {
        let id = id(at);
        insert(&store, id);
        if at >= 100 {
            // Created and destroyed: nothing of it stays.
            assert!(now(store.destroy(key(id))).expect("a destruction"));
        }
    }
    let _ = now(store.sweep(usize::MAX));
    let [records, places, filings, fresh] = sizes(&store);
    assert_eq!((records, filings, fresh), (100, 100, 100));
    assert!(
        places < full[1] / 5,
        "{places} places of {} are left",
        full[1]
    );
}

#[test]
fn a_session_that_lost_its_subject_unseen_may_give_way_again() {
    let (store, _) = store(2);
    let id = id(1);
    insert(&store, id);
    now(store.commit(key(id), &login(Some("somebody")))).expect("a login");
    assert_eq!(sizes(&store)[3], 0);
    let logout = Change {
        epoch: 1,
        ..login(None)
    };
    now(store.commit(key(id), &logout)).expect("a logout");
    assert_eq!(sizes(&store)[3], 1);
}

#[test]
fn debug_shows_counts_and_no_session() {
    let (store, _) = store(5);
    insert(&store, id(1));
    assert_eq!(
        format!("{store:?}"),
        "MemoryStore { sessions: 1, capacity: 5, .. }"
    );
}
