//! `data_version`, `migrate` and `write_version`: two versions of a program on the same sessions.

use axum::routing::post;
use axum::{Json, Router};
use connect_session::store::BoxError;
use connect_session::{Error, Fields, Session, session, session_config};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::on_every_store;
use super::stores::{Place, Stores};
use super::tools::{send, send_json};

/// Version 1.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Old {
    name: String,
    n: u8,
    total: u8,
}

/// Version 2: a field has another name, and one another type.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct New {
    full_name: String,
    n: u8,
    total: Value,
}

/// A type that reads both, and writes version 1.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Between {
    #[serde(rename = "name", alias = "full_name")]
    full_name: String,
    n: u8,
    total: u8,
}

fn migrate(from: u32, fields: &mut Fields) -> Result<(), BoxError> {
    assert_eq!(from, 1);
    if fields.get::<String>("name")?.as_deref() == Some("unlucky") {
        return Err("unlucky".into());
    }
    fields.rename("name", "full_name");
    Ok(())
}

#[allow(clippy::unnecessary_wraps, reason = "the type of `migrate`")]
fn keep(_: u32, _: &mut Fields) -> Result<(), BoxError> {
    Ok(())
}

session_config! {
    struct First { data: Old, namespace: "versions" }
}

session_config! {
    struct Replacing { data: Old, namespace: "versions", on_undecodable: replace }
}

session_config! {
    struct Reading { data: Between, namespace: "versions", data_version: 2, write_version: 1, migrate: keep }
}

session_config! {
    struct Second { data: New, namespace: "versions", data_version: 2, migrate: migrate }
}

macro_rules! program {
    ($config:ident, $data:ident, $module:ident, $name:ident) => {
        mod $module {
            use super::*;

            #[session(create)]
            async fn create(mut session: Session<$config>, Json($name): Json<String>) {
                session.$name = $name;
            }

            #[session(load)]
            async fn show(session: Session<$config>) -> Json<Value> {
                let data = session.data();
                Json(json!([data.$name, data.n, data.total]))
            }

            #[session(load)]
            async fn count(mut session: Session<$config>) {
                session.n += 1;
            }

            #[session(load)]
            async fn total(mut session: Session<$config>) {
                session.total = serde_json::from_value(json!("5 ct")).unwrap_or_default();
            }

            #[session(load)]
            async fn login(mut session: Session<$config>) -> Result<(), Error> {
                session.login("ada")
            }

            #[session(load)]
            async fn rotate(mut session: Session<$config>) -> Result<(), Error> {
                session.rotate()
            }

            #[session(load)]
            async fn reset(mut session: Session<$config>) -> Result<(), Error> {
                session.reset()
            }

            #[session(load)]
            async fn logout(session: Session<$config>) -> Result<(), Error> {
                session.destroy().await
            }

            pub fn router(stores: &Stores) -> Router {
                Router::new()
                    .route("/create", post(create))
                    .route("/show", post(show))
                    .route("/count", post(count))
                    .route("/total", post(total))
                    .route("/login", post(login))
                    .route("/rotate", post(rotate))
                    .route("/reset", post(reset))
                    .route("/logout", post(logout))
                    .layer($config::layer().with_store(stores.of::<$data>()))
            }
        }
    };
}

program!(First, Old, first, name);
program!(Replacing, Old, replacing, name);
program!(Reading, Between, reading, full_name);
program!(Second, New, second, full_name);

/// The programs, and the sid of one session.
struct Client {
    app: Router,
    sid: String,
}

impl Client {
    async fn new(stores: &Stores, program: &str, name: &str) -> Self {
        let app = Router::new()
            .nest("/first", first::router(stores))
            .nest("/replacing", replacing::router(stores))
            .nest("/reading", reading::router(stores))
            .nest("/second", second::router(stores));
        let path = format!("/{program}/create");
        let body = json!(name).to_string();
        let (status, sid, body) = send_json(&app, &path, "", body).await;
        assert_eq!(status, 200, "{body}");
        Self { app, sid }
    }

    /// The status of a request, and its body.
    async fn send(&mut self, path: &str) -> (u16, String) {
        let (status, sid, body) = send(&self.app, "POST", path, &self.sid).await;
        if !sid.is_empty() {
            self.sid = sid;
        }
        (status, body)
    }

    async fn ok(&mut self, path: &str) -> String {
        let (status, body) = self.send(path).await;
        assert_eq!(status, 200, "{path}: {body}");
        body
    }

    async fn newer_data(&mut self, path: &str) {
        let (status, body) = self.send(path).await;
        assert_eq!(status, 503, "{path}: {body}");
        assert!(body.contains("#newer-data"), "{path}: {body}");
    }
}

async fn row_37f_a_migration_reads_old_data_and_writes_all_of_it(stores: &Stores) {
    if !stores.keep_versions() {
        return;
    }
    let mut client = Client::new(stores, "first", "Ada").await;
    client.ok("/first/count").await;
    assert_eq!(client.ok("/second/show").await, r#"["Ada",1,0]"#);
    // A load writes nothing.
    client.ok("/first/count").await;
    assert_eq!(client.ok("/first/show").await, r#"["Ada",2,0]"#);
    client.ok("/second/count").await;
    assert_eq!(client.ok("/second/show").await, r#"["Ada",3,0]"#);
    // The old name is gone, and is not migrated again.
    assert_eq!(client.ok("/first/show").await, r#"["",3,0]"#);
    client.ok("/second/count").await;
    assert_eq!(client.ok("/second/show").await, r#"["Ada",4,0]"#);
    let mut unlucky = Client::new(stores, "first", "unlucky").await;
    let (status, body) = unlucky.send("/second/show").await;
    assert_eq!(status, 500);
    assert!(body.contains("#undecodable"), "{body}");
    unlucky.ok("/first/count").await;
}

async fn row_37g_newer_data_is_never_written(stores: &Stores) {
    if !stores.keep_versions() {
        return;
    }
    let mut client = Client::new(stores, "first", "Ada").await;
    client.ok("/second/count").await;
    assert_eq!(client.ok("/first/show").await, r#"["",1,0]"#);
    client.newer_data("/first/count").await;
    client.newer_data("/first/reset").await;
    assert_eq!(client.ok("/second/show").await, r#"["Ada",1,0]"#);
    client.ok("/second/total").await;
    // What this version cannot read is not replaced either.
    for program in ["first", "replacing"] {
        client.newer_data(&format!("/{program}/show")).await;
    }
    assert_eq!(client.ok("/second/show").await, r#"["Ada",1,"5 ct"]"#);
}

async fn row_37h_newer_data_can_be_rotated_and_ended(stores: &Stores) {
    if !stores.keep_versions() {
        return;
    }
    let mut client = Client::new(stores, "first", "Ada").await;
    client.ok("/second/count").await;
    for path in ["/first/rotate", "/first/login", "/first/rotate"] {
        let before = client.sid.clone();
        client.ok(path).await;
        assert_ne!(client.sid, before, "{path}");
        assert_eq!(client.ok("/second/show").await, r#"["Ada",1,0]"#);
    }
    client.newer_data("/first/count").await;
    client.ok("/first/logout").await;
    assert_eq!(client.send("/second/show").await.0, 401);
}

async fn row_37i_a_release_can_read_a_version_before_it_writes_it(stores: &Stores) {
    if !stores.keep_versions() {
        return;
    }
    let mut client = Client::new(stores, "reading", "Ada").await;
    client.ok("/first/count").await;
    client.ok("/reading/count").await;
    assert_eq!(client.ok("/first/show").await, r#"["Ada",2,0]"#);
    client.ok("/second/count").await;
    client.newer_data("/first/count").await;
    assert_eq!(client.ok("/reading/show").await, r#"["Ada",3,0]"#);
    client.ok("/reading/count").await;
    client.ok("/first/count").await;
    assert_eq!(client.ok("/second/show").await, r#"["Ada",5,0]"#);
}

on_every_store! {
    row_37f_a_migration_reads_old_data_and_writes_all_of_it
    row_37g_newer_data_is_never_written
    row_37h_newer_data_can_be_rotated_and_ended
    row_37i_a_release_can_read_a_version_before_it_writes_it
}

/// A store that cannot note the version is refused, instead of writing data that nobody can tell apart.
#[tokio::test]
async fn row_37j_a_store_without_versions_is_refused() {
    use connect_session::store::TowerStore;
    use tower_sessions_memory_store::MemoryStore;

    session_config! {
        struct Versioned {
            data: New,
            data_version: 2,
            migrate: migrate,
            store: TowerStore<MemoryStore> = TowerStore::new(MemoryStore::default()),
        }
    }

    let error = Versioned::start().await.unwrap_err().to_string();
    assert!(error.contains("`data_version`"), "{error}");
    // Also one that a layer provides.
    let stores = Stores::open(Place::Tower).await;
    let app = second::router(&stores);
    let (status, ..) = send_json(&app, "/create", "", json!("Ada").to_string()).await;
    assert_eq!(status, 503);
}
