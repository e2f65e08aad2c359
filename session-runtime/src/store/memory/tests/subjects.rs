//! The index of subjects: it contains what lives, and keeps nothing else for long.

use super::tools::{block_on, id, insert_record, key, minute, record, store};
use crate::record::{NewLogin, NewRecord, RevocationMark, SubjectKey};
use crate::store::{MemoryStore, Store as _, SubjectIndex as _};
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

/// Ends the sessions of users who have none, so that each part of the index forgets what is due.
fn visit_all(store: &MemoryStore<Untyped>) {
    for at in 0..5_000 {
        let subject = SubjectKey::new(NAMESPACE, &format!("nobody {at}"));
        block_on(store.end_all(subject, None)).expect("end_all failed");
    }
}

#[test]
fn a_mark_that_is_raised_again_is_kept_again() {
    let (store, clock) = store(100);
    let ada = SubjectKey::new(NAMESPACE, "ada");
    let mark = || block_on(store.revocation_mark(ada)).expect("no mark");
    for _ in 0..3 {
        block_on(store.end_all(ada, None)).expect("end_all failed");
    }
    assert_eq!(store.records.subjects.marks(), 1);
    clock.advance(minute(20));
    block_on(store.end_all(ada, None)).expect("end_all failed");
    let raised = mark();
    clock.advance(minute(15));
    visit_all(&store);
    assert_eq!(mark(), raised);
    clock.advance(minute(14));
    visit_all(&store);
    assert_eq!(mark(), raised);
    clock.advance(minute(1));
    visit_all(&store);
    assert_eq!(mark(), RevocationMark::default());
}

#[test]
fn a_subject_with_a_session_outlives_its_mark() {
    let (store, clock) = store(100);
    let ada = SubjectKey::new(NAMESPACE, "ada");
    block_on(store.end_all(ada, None)).expect("end_all failed");
    clock.advance(minute(20));
    let session = id(1);
    insert_record(&store, session, &logged_in("ada")).expect("insert failed");
    clock.advance(minute(10));
    visit_all(&store);
    let mark = block_on(store.revocation_mark(ada)).expect("no mark");
    assert_eq!(mark, RevocationMark::default());
    assert_eq!(block_on(store.count_of(ada)).expect("no count"), 1);
    assert!(block_on(store.end(ada, session)).expect("end failed"));
    let (members, _) = store.records.subjects.len();
    assert_eq!(members, 0);
}

#[test]
fn the_index_returns_its_memory() {
    let (store, clock) = store(100);
    for at in 0..40_000 {
        let subject = SubjectKey::new(NAMESPACE, &at.to_string());
        block_on(store.end_all(subject, None)).expect("end_all failed");
    }
    let before = store.records.subjects.room();
    clock.advance(minute(30));
    visit_all(&store);
    let after = store.records.subjects.room();
    for (after, before) in after.into_iter().zip(before) {
        assert!(before >= 40_000, "{before}");
        assert!(after < before / 2, "{after} of {before}");
    }
    let (_, subjects) = store.records.subjects.len();
    assert_eq!((subjects, store.records.subjects.marks()), (5_000, 5_000));
}
