//! Data that could not be read back is refused when it is written.

use std::sync::Mutex;

use axum::Router;
use axum::extract::Path;
use axum::routing::{get, post};
use connect_session::{Event, Session, session, session_config};
use serde::{Deserialize, Serialize};

use super::on_every_store;
use super::stores::Stores;
use super::tools::send;

/// Data with a part for each way in which a value can be lost.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Odd {
    note: String,
    ratio: f64,
    maybe_ratio: Option<f64>,
    choice: Choice,
    twice: Option<Option<u8>>,
    #[serde(skip_serializing_if = "String::is_empty")]
    coupon: String,
    #[serde(flatten)]
    shape: Option<Shape>,
}

impl Default for Odd {
    fn default() -> Self {
        Self {
            note: String::new(),
            ratio: 0.0,
            maybe_ratio: None,
            choice: Choice::Small(0),
            twice: None,
            coupon: "new customer".to_owned(),
            shape: None,
        }
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
enum Choice {
    Small(u8),
    Large(u64),
    Named {
        name: String,
        #[serde(default)]
        age: u8,
    },
    OnlyNamed {
        name: String,
    },
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
enum Shape {
    Circle {
        radius: f64,
    },
    Box {
        width: u8,
        #[serde(default)]
        depth: u8,
    },
    Line {
        width: u8,
    },
}

session_config! {
    struct Shop { data: Odd, on_event: note }
}

static EVENTS: Mutex<Vec<String>> = Mutex::new(Vec::new());

fn note(event: &Event<'_>) {
    EVENTS.lock().unwrap().push(event.to_string());
}

#[session(create)]
async fn create(session: Session<Shop>) -> String {
    session.id().to_string()
}

#[session(load)]
async fn load(session: Session<Shop>) -> String {
    format!("{:?}", session.data())
}

#[session(load)]
async fn put(mut session: Session<Shop>, Path(part): Path<String>) {
    "changed".clone_into(&mut session.note);
    change(&mut session, &part);
}

#[session(load)]
async fn update(
    mut session: Session<Shop>,
    Path(part): Path<String>,
) -> Result<(), connect_session::Error> {
    session.update(|data| change(data, &part)).await
}

fn change(data: &mut Odd, part: &str) {
    match part {
        "ratio" => data.ratio = f64::NAN,
        "maybe_ratio" => data.maybe_ratio = Some(f64::NEG_INFINITY),
        "choice" => data.choice = Choice::Large(3),
        "other_choice" => {
            let name = "Ada".to_owned();
            data.choice = Choice::OnlyNamed { name };
        }
        "twice" => data.twice = Some(None),
        "coupon" => data.coupon.clear(),
        "radius" => data.shape = Some(Shape::Circle { radius: f64::NAN }),
        "depth" => data.shape = Some(Shape::Line { width: 1 }),
        _ => {
            data.ratio = 0.1 + 0.2;
            data.choice = Choice::Named {
                name: "Ada".to_owned(),
                age: 0,
            };
            data.twice = Some(Some(1));
            data.shape = Some(Shape::Box { width: 1, depth: 0 });
        }
    }
}

async fn row_37a_what_cannot_be_read_back_is_refused(stores: &Stores) {
    let app = Router::new()
        .route("/", post(create).get(load))
        .route("/put/{part}", get(put))
        .route("/update/{part}", get(update))
        .layer(Shop::layer().with_store(stores.of::<Odd>()));
    let (status, sid, id) = send(&app, "POST", "/", "").await;
    assert_eq!(status, 200);
    let (_, _, before) = send(&app, "GET", "/", &sid).await;
    let parts = [
        ("ratio", "ratio"),
        ("maybe_ratio", "maybe_ratio"),
        ("choice", "choice"),
        ("other_choice", "choice"),
        ("twice", "twice"),
        ("coupon", "coupon"),
        ("radius", "radius"),
        ("depth", "depth"),
    ];
    for (part, field) in parts {
        for how in ["put", "update"] {
            EVENTS.lock().unwrap().retain(|event| !event.contains(&id));
            let (status, _, body) = send(&app, "GET", &format!("/{how}/{part}"), &sid).await;
            assert_eq!(status, 500, "{how} {part}: {body}");
            assert!(body.contains("#unencodable"), "{body}");
            let named = format!("the field `{field}`");
            let events = EVENTS.lock().unwrap().clone();
            let mut events = events.iter().filter(|event| event.contains(&id));
            assert!(
                events.any(|event| event.contains(&named)),
                "{how} {part}: {events:?}"
            );
            let (status, _, after) = send(&app, "GET", "/", &sid).await;
            assert_eq!((status, &after), (200, &before), "{how} {part}");
        }
    }
    for how in ["put", "update"] {
        let (status, _, body) = send(&app, "GET", &format!("/{how}/fine"), &sid).await;
        assert_eq!(status, 200, "{body}");
    }
}

on_every_store! { row_37a_what_cannot_be_read_back_is_refused }
