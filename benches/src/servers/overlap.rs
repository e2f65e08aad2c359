//! The results of overlapping requests of one session (W10).
//!
//! Every handler waits, after it has loaded its session, for all others that overlap with it.

use std::process::ExitCode;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};
use std::time::Duration;

use axum::http::{HeaderValue, StatusCode};
use tokio::sync::Barrier;

use super::client::Client;
use super::overlap_ours;
#[cfg(feature = "servers-peers")]
use super::overlap_peers;
use super::place::Place;

const REQUESTS: usize = 64;
/// The maximum time that a request waits for the others.
const AT_MOST: Duration = Duration::from_secs(20);

static GATE: LazyLock<Mutex<Arc<Barrier>>> = LazyLock::new(|| new_gate(1));

fn new_gate(parties: usize) -> Mutex<Arc<Barrier>> {
    Mutex::new(Arc::new(Barrier::new(parties)))
}

fn set_gate(parties: usize) -> Arc<Barrier> {
    let gate = Arc::new(Barrier::new(parties));
    *GATE.lock().unwrap_or_else(PoisonError::into_inner) = gate.clone();
    gate
}

/// Awaited by handlers after they have loaded their session.
pub async fn all_have_loaded() {
    let gate = GATE.lock().unwrap_or_else(PoisonError::into_inner).clone();
    let all = tokio::time::timeout(AT_MOST, gate.wait()).await;
    all.expect("all requests overlap");
}

/// A library under test.
pub struct Library {
    pub name: String,
    /// Sessions with arbitrary keys, and a client with another store, whose sids are unknown here.
    pub keys: Client,
    pub stranger: Client,
    /// Sessions with a counter, and whether the library has `update` in addition to `+= 1`.
    pub counter: Client,
    pub updates: bool,
}

pub async fn print() -> ExitCode {
    println!("## {REQUESTS} overlapping requests of one session (W10)\n");
    println!(
        "| library | a key each | `update` | `+= 1` | destroyed, then written | disconnected | made-up sid |"
    );
    println!("| --- | ---: | ---: | ---: | --- | --- | --- |");
    let mut lost = row(&overlap_ours::in_memory()).await;
    let (tell, told) = std::sync::mpsc::channel();
    super::at_every_place(move |place: Place| {
        let tell = tell.clone();
        async move {
            let ours = overlap_ours::at(&place).await;
            tell.send(row(&ours).await).expect("the receiver exists");
        }
    })
    .await;
    lost |= told.iter().any(|lost| lost);
    #[cfg(feature = "servers-peers")]
    for peer in overlap_peers::all().await {
        row(&peer).await;
    }
    println!();
    if lost {
        eprintln!("a session lost a change");
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}

/// Prints a row; returns whether anything was lost.
async fn row(library: &Library) -> bool {
    let keys = own_keys(&library.keys).await;
    let updated = match library.updates {
        true => Some(counted(&library.counter, "/update").await),
        false => None,
    };
    let added = counted(&library.counter, "/add").await;
    let ended = destroyed(&library.counter).await;
    let hung_up = hung_up(&library.counter).await;
    let made_up = made_up(&library.keys, &library.stranger).await;
    println!(
        "| {} | {keys} | {} | {added} | {ended} | {hung_up} | {made_up} |",
        library.name,
        updated
            .as_ref()
            .map_or("—".to_owned(), |seen| seen.to_string()),
    );
    let seen = [Some(keys), updated, Some(added)];
    seen.iter().flatten().any(Seen::lost)
        || ended.is_back
        || hung_up == "written"
        || made_up == "adopted"
}

/// The changes that remain, and the successful responses.
struct Seen {
    kept: usize,
    succeeded: usize,
}

impl Seen {
    fn lost(&self) -> bool {
        self.kept != self.succeeded
    }
}

impl std::fmt::Display for Seen {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.kept)?;
        if self.succeeded < REQUESTS {
            write!(f, " ({} rejected)", REQUESTS - self.succeeded)?;
        }
        Ok(())
    }
}

/// Sends all requests concurrently, each to its own path; returns the number of 200s.
async fn overlapping(client: &Client, sid: &HeaderValue, path: impl Fn(usize) -> String) -> usize {
    set_gate(REQUESTS);
    let requests: Vec<_> = (0..REQUESTS)
        .map(|number| {
            let (client, sid, path) = (client.clone(), sid.clone(), path(number));
            tokio::spawn(async move { client.ask(&path, Some(&sid)).await.status })
        })
        .collect();
    let mut succeeded = 0;
    for request in requests {
        let status = request.await.expect("a response");
        succeeded += usize::from(status == StatusCode::OK);
    }
    succeeded
}

/// (a) Each request writes its own key: the number of keys afterwards.
async fn own_keys(client: &Client) -> Seen {
    let sid = client.seeded().await;
    let succeeded = overlapping(client, &sid, |number| format!("/key/{number}")).await;
    let mut kept = 0;
    for number in 0..REQUESTS {
        let reply = client.ask(&format!("/has/{number}"), Some(&sid)).await;
        assert_eq!(reply.status, StatusCode::OK, "{}", reply.body);
        kept += usize::from(reply.body == "true");
    }
    client.ask("/destroy", Some(&sid)).await;
    Seen { kept, succeeded }
}

/// (b) and (c) One counter: its increments afterwards.
async fn counted(client: &Client, path: &'static str) -> Seen {
    let sid = client.seeded().await;
    let succeeded = overlapping(client, &sid, |_| path.to_owned()).await;
    let visits = client.ask("/read", Some(&sid)).await.body;
    let visits: usize = visits.parse().expect("the response is a number");
    client.ask("/destroy", Some(&sid)).await;
    Seen {
        kept: visits - 41,
        succeeded,
    }
}

/// The result for a session that was destroyed while another request was about to change it.
struct Ended {
    is_back: bool,
    writer: StatusCode,
}

impl std::fmt::Display for Ended {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let is = if self.is_back { "back" } else { "gone" };
        write!(f, "{is}, the writer got {}", self.writer.as_u16())
    }
}

/// (d) A session is destroyed while another request is about to write.
async fn destroyed(client: &Client) -> Ended {
    let sid = client.seeded().await;
    // The writer waits twice for this function: after its load and before its change.
    let gate = set_gate(2);
    let writer = tokio::spawn({
        let (client, sid) = (client.clone(), sid.clone());
        async move { client.ask("/add-after-two", Some(&sid)).await.status }
    });
    gate.wait().await;
    client.expect("/destroy", Some(&sid), "0").await;
    gate.wait().await;
    let writer = writer.await.expect("a response");
    let reply = client.ask("/read", Some(&sid)).await;
    let is_back = reply.status == StatusCode::OK && reply.body != "0";
    client.ask("/destroy", Some(&sid)).await;
    Ended { is_back, writer }
}

/// (e) The client disconnects after the handler has changed the data, before it returns.
async fn hung_up(client: &Client) -> &'static str {
    let sid = client.seeded().await;
    let gate = set_gate(2);
    let request = tokio::spawn({
        let (client, sid) = (client.clone(), sid.clone());
        async move { client.ask("/add-and-wait", Some(&sid)).await.status }
    });
    gate.wait().await;
    request.abort();
    assert!(
        request.await.is_err_and(|end| end.is_cancelled()),
        "the request had already finished"
    );
    // Waits for a late write.
    tokio::time::sleep(Duration::from_millis(100)).await;
    let visits = client.ask("/read", Some(&sid)).await.body;
    client.ask("/destroy", Some(&sid)).await;
    match &*visits {
        "41" => "nothing written",
        "42" => "written",
        other => panic!("{other} is neither the old number nor the new one"),
    }
}

/// (f) A well-formed sid that was not issued here: whether a session with this sid is created.
async fn made_up(client: &Client, stranger: &Client) -> &'static str {
    let sid = stranger.seeded().await;
    set_gate(1);
    client.ask("/key/1", Some(&sid)).await;
    client.ask("/seed", Some(&sid)).await;
    let found = client.ask("/read", Some(&sid)).await;
    let is_adopted = found.status == StatusCode::OK && found.body != "0";
    client.ask("/destroy", Some(&sid)).await;
    if is_adopted { "adopted" } else { "not adopted" }
}
