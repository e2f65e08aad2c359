//! A full store of a million sessions that a sweep has to look at, all at the same time.

use std::time::{Duration, Instant};

use connect_session::SessionId;
use connect_session::store::{MemoryStore, StoreError};
use cpu_time::ThreadTime;

use super::{insert, is_alive, new_id, record, runtime, try_insert};
use crate::data::Data;

const SESSIONS: usize = 1_000_000;
/// Longer than it takes to create and to load all of them.
const IDLE: Duration = Duration::from_secs(30);
const REQUESTS: usize = 2_000;
/// No request should work for longer.
const TENTH: Duration = Duration::from_micros(100);

pub fn print() {
    println!("| the sessions | a request | takes | on average | longest | over 0.1 ms |");
    println!("| --- | --- | --- | ---: | ---: | ---: |");
    let store = MemoryStore::builder().capacity(SESSIONS).build();
    runtime().block_on(async {
        let ids: Vec<SessionId> = (0..SESSIONS).map(new_id).collect();
        for id in &ids {
            insert(&store, *id, IDLE).await;
        }
        let created = Instant::now();
        // Loads move a deadline after a tenth of the idle time.
        sleep_until(created + IDLE / 10);
        for id in &ids {
            assert!(is_alive(&store, *id).await);
        }
        let touched = Instant::now();
        assert!(touched < created + IDLE, "the machine is too slow");
        sleep_until(created + IDLE);
        creations(&store, "are all due and alive", false).await;
        reads(&store, "are all due and alive", &ids).await;
        sleep_until(touched + IDLE);
        creations(&store, "have all ended", true).await;
    });
}

fn sleep_until(time: Instant) {
    std::thread::sleep(time.saturating_duration_since(Instant::now()));
}

async fn creations(store: &MemoryStore<Data>, sessions: &str, has_room: bool) {
    let mut took = Vec::new();
    for number in 0..REQUESTS {
        let (id, record) = (new_id(SESSIONS + number), record(IDLE));
        let started = ThreadTime::now();
        let inserted = try_insert(store, id, &record).await;
        took.push(started.elapsed());
        if has_room {
            assert!(inserted.is_ok_and(|evicted| evicted.is_empty()));
        } else {
            assert!(matches!(inserted, Err(StoreError::Full)));
        }
    }
    let result = if has_room { "stored" } else { "refused" };
    row(sessions, &format!("a creation | {result}"), took);
}

async fn reads(store: &MemoryStore<Data>, sessions: &str, ids: &[SessionId]) {
    let mut took = Vec::new();
    for id in ids.iter().step_by(SESSIONS / REQUESTS) {
        let started = ThreadTime::now();
        let is_alive = is_alive(store, *id).await;
        took.push(started.elapsed());
        assert!(is_alive);
    }
    row(sessions, "a read | the session", took);
}

fn row(sessions: &str, request: &str, took: Vec<Duration>) {
    let number = u32::try_from(took.len()).expect("fits into u32");
    println!(
        "| {sessions} | {request} | {:.1?} | {:.1?} | {} of {number} |",
        took.iter().sum::<Duration>() / number,
        took.iter().max().expect("a request"),
        took.iter().filter(|took| **took > TENTH).count(),
    );
}
