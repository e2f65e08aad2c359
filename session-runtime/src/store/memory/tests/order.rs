//! Tests that the indexes of a large shard stay in order while sessions are added and removed.

use std::collections::BTreeMap;

use super::tools::{NAMESPACE, id, key, record};
use crate::record::{Lifetime, NewRecord};
use crate::sid::SessionId;
use crate::store::memory::entry::Entry;
use crate::store::memory::shard::Shard;
use crate::untyped::Untyped;

fn put(shard: &mut Shard<Untyped>, id: SessionId, millis: u64) {
    let record = NewRecord {
        lifetime: lifetime(millis),
        ..record(Untyped::default())
    };
    assert!(shard.put(NAMESPACE, Entry::new(id, &record, 0)));
}

fn lifetime(millis: u64) -> Lifetime {
    let millis = std::time::Duration::from_millis(millis);
    Lifetime::new(millis, millis)
}

#[test]
fn sessions_end_in_order_of_deadlines_and_are_evicted_in_order_of_ids() {
    let mut shard = Shard::default();
    let mut model = BTreeMap::new();
    for at in 0..1_500_u64 {
        let id = id((at * 7_919) % 1_500);
        let deadline = 1_000 + (at * 104_729) % 10_007;
        put(&mut shard, id, deadline);
        model.insert(id, deadline);
    }
    let ids: Vec<_> = model.keys().copied().collect();
    for (at, id) in ids.iter().enumerate() {
        match at % 4 {
            0 => {
                assert!(shard.remove(id).is_some());
                model.remove(id);
            }
            1 => {
                let deadline = 500 + (at as u64 * 31) % 700;
                model.insert(*id, deadline.min(model[id]));
                let shorter = lifetime(model[id]);
                let changed = shard.change(key(*id), 0, |entry| entry.set_lifetime(shorter, 0));
                assert!(changed.is_some());
            }
            _ => {}
        }
        assert_eq!(shard.oldest_unpresented(), model.keys().next().copied());
        assert_eq!(shard.next_due(), model.values().min().copied());
    }
    let mut now = 0;
    while let Some(next) = shard.next_due() {
        assert!(next > now);
        now = next + 300;
        let mut ended = Vec::new();
        shard.sweep(usize::MAX, now, &mut ended);
        let before = model.len();
        model.retain(|_, deadline| *deadline > now);
        assert_eq!(ended.len(), before - model.len());
        assert_eq!(shard.oldest_unpresented(), model.keys().next().copied());
        for id in &ids {
            assert_eq!(shard.get(key(*id)).is_some(), model.contains_key(id));
        }
    }
    assert!(model.is_empty());
    assert_eq!(
        shard.sizes(),
        [0; 4],
        "an empty shard that was large keeps no memory"
    );
}
