//! Tests of when the store looks at a session, and of what stays in its schedule.

use std::collections::BTreeMap;
use std::time::Duration;

use proptest::prelude::*;

use super::tools::{block_on, count, id, insert, insert_record, key, load, minute, record, store};
use crate::data::DataFormat;
use crate::record::{Change, CommitId, Lifetime, NewRecord};
use crate::sid::SessionId;
use crate::store::memory::MemoryStore;
use crate::store::memory::wheel::bucket_of;
use crate::store::{CommitOutcome, Store};
use crate::untyped::Untyped;

/// Checks that every session has exactly one valid place in the wheel, not later than its deadline,
/// and that every session that may be evicted stands in the queue once.
pub(super) fn check_schedule<D>(store: &MemoryStore<D>) {
    let records = &store.records;
    let (places, queue) = {
        let schedule = records.schedule();
        let queue: Vec<_> = schedule.unpresented.handles().collect();
        assert_eq!(schedule.unpresented.len(), queue.len());
        assert_eq!(schedule.wheel.len(), schedule.wheel.places().len());
        (schedule.wheel.places(), queue)
    };
    let mut valid = BTreeMap::new();
    for (bucket, handle) in places {
        let is_valid = |entry: &_| -> bool { bucket_in(entry) == bucket };
        if records
            .map
            .get(&handle)
            .is_some_and(|entry| is_valid(&entry))
        {
            *valid.entry(handle).or_insert(0) += 1;
        }
    }
    assert!(valid.values().all(|times| *times == 1), "{valid:?}");
    for entry in &records.map {
        assert!(valid.contains_key(entry.key()), "not in the wheel");
        assert!(entry.bucket <= entry.next_look(), "looked at too late");
        let times = queue.iter().filter(|handle| *handle == entry.key()).count();
        assert_eq!(times, usize::from(entry.is_queued()), "in the queue");
        assert!(entry.is_queued() || !entry.is_evictable());
    }
}

fn bucket_in<D>(entry: &crate::store::memory::entry::Entry<D>) -> u64 {
    entry.bucket
}

proptest! {
    #[test]
    fn a_bucket_is_due_a_little_earlier_than_the_deadline(now: u64, time: u64) {
        let bucket = bucket_of(time, now);
        prop_assert!(bucket <= time);
        if time > now {
            prop_assert!(bucket > now, "it is not due yet");
            prop_assert!(time - bucket <= (time - now) / 1_024);
        }
    }

    #[test]
    fn a_look_leads_to_the_deadline_in_few_steps(time: u64) {
        let mut now = 0;
        let mut looks = 0;
        while now < time {
            now = bucket_of(time, now);
            looks += 1;
        }
        prop_assert!(looks <= 7, "{looks}");
    }

    #[test]
    fn exactly_the_living_are_found_and_nothing_stays_too_long(
        steps in prop::collection::vec(step(), 1..300),
    ) {
        run(&steps);
    }
}

#[derive(Debug, Clone)]
enum Step {
    Insert {
        lifetime: Lifetime,
    },
    /// Of the session at this place among all, and so on.
    Load(usize),
    Commit(usize),
    SetLifetime(usize, Lifetime),
    Destroy(usize),
    Wait(Duration),
    Sweep(usize),
}

fn lifetime() -> impl Strategy<Value = Lifetime> {
    let millis = || prop_oneof![1..50_u64, 50..5_000_u64, 5_000..10_000_000_u64];
    (millis(), millis()).prop_map(|(idle, absolute)| Lifetime::from_millis(idle, absolute))
}

fn step() -> impl Strategy<Value = Step> {
    let at = || any::<usize>();
    prop_oneof![
        4 => lifetime().prop_map(|lifetime| Step::Insert { lifetime }),
        3 => at().prop_map(Step::Load),
        1 => at().prop_map(Step::Commit),
        1 => (at(), lifetime()).prop_map(|(at, lifetime)| Step::SetLifetime(at, lifetime)),
        2 => at().prop_map(Step::Destroy),
        2 => prop_oneof![0..20_u64, 20..5_000_u64, 5_000..5_000_000_u64]
            .prop_map(|millis| Step::Wait(Duration::from_millis(millis))),
        1 => (0..20_usize).prop_map(Step::Sweep),
    ]
}

/// A session; all times are in milliseconds.
struct Modelled {
    lifetime: Lifetime,
    idle_until: u64,
    absolute_until: u64,
}

impl Modelled {
    fn new(lifetime: Lifetime, now: u64) -> Self {
        let (idle, absolute) = (lifetime.idle_millis(), lifetime.absolute_millis());
        Self {
            lifetime,
            idle_until: now + idle,
            absolute_until: now + absolute,
        }
    }

    fn is_alive(&self, now: u64) -> bool {
        now < self.idle_until.min(self.absolute_until)
    }
}

fn run(steps: &[Step]) {
    let (store, clock) = store(1_000);
    let mut ids = vec![id(0)];
    let mut model: BTreeMap<SessionId, Modelled> = BTreeMap::new();
    let mut now = 0;
    for step in steps {
        let alive = |model: &BTreeMap<SessionId, Modelled>, id| {
            (model.get(id)).is_some_and(|session| session.is_alive(now))
        };
        match step {
            Step::Insert { lifetime } => {
                let id = id(ids.len() as u64);
                let lifetime = *lifetime;
                let new = NewRecord {
                    lifetime,
                    ..record(Untyped::default())
                };
                assert_eq!(insert_record(&store, id, &new).ok(), Some(Vec::new()));
                ids.push(id);
                model.insert(id, Modelled::new(lifetime, now));
            }
            Step::Load(at) => {
                let id = &ids[at % ids.len()];
                assert_eq!(load(&store, *id), alive(&model, id));
                if let Some(session) = model.get_mut(id).filter(|session| session.is_alive(now)) {
                    let idle = session.lifetime.idle_millis();
                    if now + idle - session.idle_until >= (idle / 10).max(1) {
                        session.idle_until = now + idle;
                    }
                }
            }
            Step::Commit(at) | Step::SetLifetime(at, _) => {
                let id = &ids[at % ids.len()];
                let lifetime = match step {
                    Step::SetLifetime(_, lifetime) => Some(*lifetime),
                    _ => None,
                };
                let change = Change {
                    commit_id: CommitId::random(),
                    epoch: 0,
                    generation: 0,
                    data: None,
                    identity: None,
                    lifetime,
                    label: None,
                    format: DataFormat::FIRST,
                };
                let committed = block_on(store.commit(key(*id), &change));
                let applied = matches!(committed, Ok(CommitOutcome::Applied { .. }));
                assert_eq!(applied, alive(&model, id));
                if let Some(session) = model.get_mut(id).filter(|session| session.is_alive(now)) {
                    match lifetime {
                        Some(lifetime) => *session = Modelled::new(lifetime, now),
                        None => session.idle_until = now + session.lifetime.idle_millis(),
                    }
                }
            }
            Step::Destroy(at) => {
                let id = &ids[at % ids.len()];
                let was_alive = alive(&model, id);
                assert_eq!(block_on(store.destroy(key(*id))).ok(), Some(was_alive));
                model.remove(id);
            }
            Step::Wait(time) => {
                clock.advance(*time);
                now += u64::try_from(time.as_millis()).expect("a short time");
            }
            Step::Sweep(limit) => {
                assert!(block_on(store.sweep(*limit)).expect("sweep failed") <= *limit);
            }
        }
        check_schedule(&store);
        model.retain(|_, session| session.is_alive(now));
        let found = |id: &&SessionId| {
            (store.records.get(key(**id))).is_some_and(|entry| entry.is_alive(now))
        };
        let found: Vec<_> = ids.iter().filter(found).collect();
        assert_eq!(found.len(), model.len());
        assert!(found.iter().all(|id| model.contains_key(id)));
    }
    let _ = block_on(store.sweep(usize::MAX));
    assert_eq!(count(&store), model.len() as u64);
    let schedule = store.records.schedule();
    let places = schedule.wheel.places();
    assert!(
        places.iter().all(|(bucket, _)| *bucket > now),
        "{now}: {places:?}"
    );
    assert!(places.len() <= 2 * model.len(), "{}", places.len());
    let evictable = store.records.counts.evictable();
    assert!(schedule.unpresented.len() <= 2 * evictable);
}

#[test]
fn logins_and_logouts_leave_little_behind() {
    let (store, clock) = store(1_000_000);
    let kept: Vec<_> = (0..100).map(id).collect();
    for id in &kept {
        insert(&store, *id);
        assert!(load(&store, *id));
    }
    for at in 0..20_000 {
        let id = id(at);
        insert(&store, id);
        assert!(at % 2 == 0 || load(&store, id));
        assert!(block_on(store.destroy(key(id))).expect("destroy failed"));
        clock.advance(Duration::from_micros(100));
        let schedule = store.records.schedule();
        let (wheel, unpresented) = (schedule.wheel.len(), schedule.unpresented.len());
        // Twice as many as there are sessions, and those that are added while a check finds only
        // valid places.
        assert!(wheel <= 3 * 101, "{wheel}");
        assert!(unpresented <= 3, "{unpresented}");
    }
    check_schedule(&store);
    assert!(kept.iter().all(|id| load(&store, *id)));
}

#[test]
fn a_session_in_use_is_looked_at_once_in_an_idle_time() {
    let (store, clock) = store(10);
    let used = id(1);
    insert(&store, used);
    let mut buckets = std::collections::BTreeSet::new();
    for _ in 0..300 {
        clock.advance(minute(1));
        assert!(load(&store, used));
        let places = store.records.schedule().wheel.places();
        assert_eq!(places.len(), 1);
        buckets.extend(places.into_iter().map(|(bucket, _)| bucket));
    }
    assert!(buckets.len() <= 12, "{buckets:?}");
}

#[test]
fn a_creation_in_a_full_store_looks_at_a_bounded_number_of_sessions() {
    let (store, clock) = store(2_000);
    let ids: Vec<_> = (0..2_000).map(id).collect();
    for id in &ids {
        insert(&store, *id);
        assert!(load(&store, *id));
    }
    // All are due, and all are alive.
    clock.advance(minute(29));
    assert!(ids.iter().all(|id| load(&store, *id)));
    clock.advance(minute(1));
    let due = |store: &MemoryStore<Untyped>, now: u64| {
        let places = store.records.schedule().wheel.places();
        places.iter().filter(|(bucket, _)| *bucket <= now).count()
    };
    let now = store.records.clock.millis();
    let before = due(&store, now);
    assert!(before > 1_900, "{before}");
    let refused = insert_record(&store, id(9_999), &record(Untyped::default()));
    assert!(matches!(refused, Err(crate::store::StoreError::Full)));
    let looked_at = before - due(&store, now);
    assert!((1..=100).contains(&looked_at), "{looked_at}");
    for _ in 0..40 {
        let _ = insert_record(&store, id(9_999), &record(Untyped::default()));
    }
    assert_eq!(due(&store, now), 0, "each creation continues");
}
