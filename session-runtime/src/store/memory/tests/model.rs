//! Compares the store with a simple model: after each of many random operations both hold the same
//! sessions, and the store's indexes agree with them.

use std::collections::BTreeMap;
use std::time::Duration;

use super::tools::{block_on, count, id, insert_record, key, load, record, sizes, store};
use super::wheel::check_schedule;
use crate::data::DataFormat;
use crate::record::{Change, CommitId, Lifetime, NewRecord};
use crate::sid::SessionId;
use crate::store::{CommitOutcome, Store, StoreError};
use crate::untyped::Untyped;

const CAPACITY: usize = 12;

/// A session; all times are in seconds.
struct Modelled {
    idle: u64,
    idle_until: u64,
    absolute_until: u64,
    touched: u64,
    presented: bool,
}

impl Modelled {
    fn is_alive(&self, now: u64) -> bool {
        now < self.idle_until.min(self.absolute_until)
    }

    fn touch(&mut self, now: u64) {
        self.idle_until = now + self.idle;
        self.touched = now;
    }
}

/// A deterministic pseudorandom number generator (Marsaglia's xorshift).
struct Rng(u64);

impl Rng {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % limit
    }
}

fn lifetime(idle: u64, absolute: u64) -> Lifetime {
    Lifetime::new(Duration::from_secs(idle), Duration::from_secs(absolute))
}

#[test]
fn the_store_behaves_like_a_simple_model() {
    for seed in 1..=40 {
        run(seed);
    }
}

#[allow(clippy::too_many_lines, reason = "one arm per operation")]
fn run(seed: u64) {
    let mut rng = Rng(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15));
    let (store, clock) = store(CAPACITY);
    let mut model: BTreeMap<SessionId, Modelled> = BTreeMap::new();
    let mut ids = vec![id(0)];
    let mut time = 0;
    for step in 0..400_u64 {
        let any = ids[usize::try_from(rng.below(ids.len() as u64)).expect("an index")];
        let (idle, absolute) = (50 + rng.below(200), 100 + rng.below(400));
        match rng.below(8) {
            0..3 => {
                let id = id(step + 1);
                ids.push(id);
                let new = NewRecord {
                    lifetime: lifetime(idle, absolute),
                    ..record(Untyped::default())
                };
                model.retain(|_, session| session.is_alive(time));
                let expected = (model.len() == CAPACITY).then(|| {
                    (model.iter().find(|(_, session)| !session.presented)).map(|(id, _)| *id)
                });
                match (insert_record(&store, id, &new), expected) {
                    (Err(StoreError::Full), Some(None)) => continue,
                    (Ok(evicted), expected) => {
                        let expected: Vec<_> = expected.flatten().into_iter().collect();
                        assert_eq!(evicted, expected, "seed {seed}, step {step}");
                        model.retain(|id, _| !evicted.contains(id));
                    }
                    (error, _) => panic!("seed {seed}, step {step}: {error:?}"),
                }
                let session = Modelled {
                    idle,
                    idle_until: time + idle,
                    absolute_until: time + absolute,
                    touched: time,
                    presented: false,
                };
                model.insert(id, session);
            }
            3 | 4 => {
                let session = model.get_mut(&any).filter(|session| session.is_alive(time));
                assert_eq!(
                    load(&store, any),
                    session.is_some(),
                    "seed {seed}, step {step}"
                );
                if let Some(session) = session {
                    session.presented = true;
                    // Scaled by ten, since the idle time may not be a multiple of ten.
                    if (time - session.touched) * 10 >= session.idle {
                        session.touch(time);
                    }
                }
            }
            5 => {
                let change = Change {
                    commit_id: CommitId::random(),
                    epoch: 0,
                    generation: 0,
                    data: None,
                    identity: None,
                    lifetime: (rng.below(2) == 0).then(|| lifetime(idle, absolute)),
                    label: None,
                    format: DataFormat::FIRST,
                };
                let committed = block_on(store.commit(key(any), &change)).expect("commit failed");
                let session = model.get_mut(&any).filter(|session| session.is_alive(time));
                assert_eq!(
                    !matches!(committed, CommitOutcome::Ended),
                    session.is_some()
                );
                if let Some(session) = session {
                    if change.lifetime.is_some() {
                        session.idle = idle;
                        session.absolute_until = time + absolute;
                    }
                    session.touch(time);
                }
            }
            6 => {
                let was_alive = model
                    .remove(&any)
                    .is_some_and(|session| session.is_alive(time));
                assert_eq!(
                    block_on(store.destroy(key(any))).expect("destroy failed"),
                    was_alive
                );
            }
            _ => {
                let seconds = rng.below(60);
                clock.advance(Duration::from_secs(seconds));
                time += seconds;
                let _ = block_on(store.sweep(3));
            }
        }
        assert!(sizes(&store).sessions <= CAPACITY);
        check_schedule(&store);
        if step % 10 == 0 {
            model.retain(|_, session| session.is_alive(time));
            for id in &ids {
                let found = store
                    .records
                    .get(key(*id))
                    .is_some_and(|e| e.is_alive(time * 1_000));
                assert_eq!(found, model.contains_key(id), "seed {seed}, step {step}");
            }
            assert_eq!(
                count(&store),
                model.len() as u64,
                "seed {seed}, step {step}"
            );
            let unpresented_of_model = model.values().filter(|session| !session.presented).count();
            assert_eq!(
                sizes(&store).evictable,
                unpresented_of_model,
                "seed {seed}, step {step}"
            );
        }
    }
}
