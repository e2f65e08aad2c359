//! The index of subjects: it contains what lives, and keeps nothing else for long.

use super::tools::{block_on, id, insert_record, key, minute, record, store};
use crate::record::{NewLogin, NewRecord, RevocationMark, SubjectKey};
use crate::store::{Store as _, SubjectIndex as _};
use crate::untyped::Untyped;

use super::tools::NAMESPACE;

fn logged_in(subject: &str) -> NewRecord<Untyped> {
    NewRecord {
        login: Some(NewLogin::new(subject)),
        ..record(Untyped::default())
    }
}

#[test]
fn the_index_forgets_sessions_that_are_swept_destroyed_or_replaced() {
    let (store, clock) = store(100);
    let ids: Vec<_> = (0..50).map(id).collect();
    for id in &ids {
        insert_record(&store, *id, &logged_in(&id.to_string())).expect("insert failed");
    }
    assert_eq!(store.records.subjects.len(), (50, 50));
    assert!(block_on(store.destroy(key(ids[0]))).expect("destroy failed"));
    assert_eq!(store.records.subjects.len(), (49, 49));
    clock.advance(minute(31));
    insert_record(&store, ids[1], &logged_in("1")).expect("the id of an ended session");
    block_on(store.sweep(usize::MAX)).expect("sweep failed");
    assert_eq!(store.records.subjects.len(), (1, 1));
}

#[test]
fn a_mark_is_forgotten_when_no_attempt_can_need_it() {
    let (store, clock) = store(100);
    let subject = |at: usize| SubjectKey::new(NAMESPACE, &at.to_string());
    let end = |at| block_on(store.end_all(subject(at), None)).expect("end_all failed");
    for at in 0..1_000 {
        assert_eq!(end(at), []);
    }
    assert_eq!(store.records.subjects.len(), (0, 1_000));
    clock.advance(std::time::Duration::from_millis(
        RevocationMark::KEPT_MILLIS,
    ));
    for at in 1_000..2_000 {
        end(at);
    }
    let (_, subjects) = store.records.subjects.len();
    assert!(subjects < 1_100, "{subjects}");
}
