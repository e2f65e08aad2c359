//! Several processes of one program on one store: no update is lost, and a session that one process
//! ends has ended for all of them.

use std::collections::BTreeSet;
use std::path::PathBuf;

use serde_json::json;

use crate::program::Program;
use crate::servers;
use crate::{add, at_once, open, with};

/// As many writers as the concurrency tests in `tests/behaviour` use.
const WRITERS: usize = 64;

fn shops(count: usize, store: &str) -> Vec<Program> {
    let start = |_| Program::start_with("rest_api", &[("STORE", store)]);
    (0..count).map(start).collect()
}

fn no_update_is_lost(shops: &[Program]) {
    let sid = open(&shops[0]);
    let at = |number: usize| &shops[number % shops.len()];
    let visits = at_once(WRITERS, |number| {
        let reply = add(at(number), &sid, &number.to_string());
        assert_eq!(reply.status, 200, "{reply:?}");
        // Use the next process, so that each process writes a session that another one has just
        // written.
        let reply = at(number + 1).post("/visits", &with(&sid), "");
        assert_eq!(reply.status, 200, "{reply:?}");
        let counted = at(number + 2).post("/views", &with(&sid), "");
        assert_eq!(counted.status, 204, "{counted:?}");
        reply.json()["visits"].as_u64().expect("a number")
    });
    let visits: BTreeSet<u64> = visits.into_iter().collect();
    assert_eq!(
        visits,
        (1..=WRITERS as u64).collect(),
        "no two counts are equal"
    );
    for shop in shops {
        let cart = shop.get("/cart", &with(&sid)).json();
        let items = cart["items"].as_array().expect("a list").iter();
        let mut items: Vec<usize> = items
            .map(|item| item.as_str().expect("a text").parse().expect("a number"))
            .collect();
        items.sort_unstable();
        assert_eq!(items, (0..WRITERS).collect::<Vec<_>>());
        let current = shop.get("/sessions/current", &with(&sid)).json();
        assert_eq!(current["visits"], WRITERS);
        assert_eq!(current["views"], WRITERS);
    }
}

fn ended_sessions_are_ended_in_all_processes(shops: &[Program]) {
    let is_alive = |shop: &Program, sid: &str| {
        let reply = shop.get("/sessions/current", &with(sid));
        assert!([200, 401].contains(&reply.status), "{reply:?}");
        reply.status == 200
    };
    for at in 0..shops.len() {
        let sid = open(&shops[0]);
        assert!(shops.iter().all(|shop| is_alive(shop, &sid)));
        let headers = [
            ("X-User-Session", &*sid),
            ("Content-Type", "application/json"),
        ];
        let login = shops[at]
            .post("/login", &headers, r#"{"user":"ada"}"#)
            .json();
        let new = login["sid"].as_str().expect("a sid");
        for shop in shops {
            assert!(!is_alive(shop, &sid), "the sid from before the login");
            assert_eq!(
                shop.get("/sessions/current", &with(new)).json()["user"],
                json!("ada")
            );
        }
        let logout = shops[at].delete("/sessions/current", &with(new));
        assert_eq!(logout.status, 204);
        for shop in shops {
            assert!(!is_alive(shop, new), "the session that was logged out");
            assert_eq!(add(shop, new, "late").status, 401);
        }
    }
}

fn on_one_store(store: &str) {
    for count in [2, 4] {
        let shops = shops(count, store);
        no_update_is_lost(&shops);
        ended_sessions_are_ended_in_all_processes(&shops);
    }
}

#[test]
#[ignore = "needs Redis; scripts/test starts one"]
fn processes_on_redis() {
    on_one_store(&servers::url("TEST_REDIS_URL"));
}

#[test]
#[ignore = "needs PostgreSQL; scripts/test starts one"]
fn processes_on_postgres() {
    on_one_store(&servers::url("TEST_POSTGRES_URL"));
}

#[test]
#[ignore = "needs MariaDB; scripts/test starts one"]
fn processes_on_mysql() {
    on_one_store(&servers::url("TEST_MYSQL_URL"));
}

/// A temporary folder, removed on drop.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        let path = std::env::temp_dir().join(servers::unique("connect-session-examples"));
        std::fs::create_dir(&path).expect("a new folder");
        Self(path)
    }

    fn store(&self) -> String {
        format!("sqlite://{}/sessions.db", self.0.display())
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

#[test]
fn processes_on_sqlite_file() {
    let folder = Folder::new();
    on_one_store(&folder.store());
}

#[test]
fn sessions_survive_a_killed_process() {
    let folder = Folder::new();
    let shop = Program::start_with("rest_api", &[("STORE", &folder.store())]);
    let sid = open(&shop);
    assert_eq!(add(&shop, &sid, "tea").status, 200);
    // Kills the process without a graceful shutdown.
    drop(shop);
    let shop = Program::start_with("rest_api", &[("STORE", &folder.store())]);
    let cart = shop.get("/cart", &with(&sid)).json();
    assert_eq!(cart, json!({ "items": ["tea"], "session": true }));
}
