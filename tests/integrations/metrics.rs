//! The metrics that a recorder gets, and the dashboard that shows them.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use ::axum::body::Body;
use ::axum::routing::{any, post};
use ::axum::{Router, extract::Path};
use connect_session::store::{AnyStore, MemoryStore};
use connect_session::testing::FailingStore;
use connect_session::{Error, Session, Untyped, describe_metrics, session, session_config};
use http::{Request, StatusCode};
use metrics::{
    Counter, CounterFn, Gauge, Histogram, HistogramFn, Key, KeyName, Metadata, Recorder,
    SharedString, Unit,
};
use serde_json::Value;
use tower::ServiceExt as _;

session_config! {
    struct Shop { max_sessions: 1 }
}

/// The sum of each series, and how often it was recorded.
#[derive(Clone, Default)]
struct Recorded(Arc<Mutex<BTreeMap<String, (f64, u64)>>>);

struct Series(Recorded, String);

impl Series {
    fn add(&self, value: f64) {
        let mut recorded = self.0.0.lock().unwrap();
        let (sum, count) = recorded.entry(self.1.clone()).or_default();
        *sum += value;
        *count += 1;
    }
}

impl CounterFn for Series {
    fn increment(&self, value: u64) {
        assert_eq!(value, 1);
        self.add(1.0);
    }

    fn absolute(&self, _: u64) {
        unreachable!("every counter is incremented");
    }
}

impl HistogramFn for Series {
    fn record(&self, value: f64) {
        self.add(value);
    }
}

impl Recorded {
    fn series(&self, key: &Key) -> Series {
        let labels = key
            .labels()
            .map(|label| format!(",{}={}", label.key(), label.value()));
        Series(
            self.clone(),
            format!("{}{}", key.name(), labels.collect::<String>()),
        )
    }

    fn count(&self, series: &str) -> u64 {
        let recorded = self.0.lock().unwrap();
        recorded
            .get(&format!("connect_session_{series}"))
            .map_or(0, |(_, count)| *count)
    }
}

impl Recorder for Recorded {
    fn describe_counter(&self, key: KeyName, _: Option<Unit>, text: SharedString) {
        assert!(key.as_str().ends_with("_total") && !text.is_empty());
    }

    fn describe_gauge(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn describe_histogram(&self, key: KeyName, unit: Option<Unit>, _: SharedString) {
        assert!(key.as_str().ends_with("_seconds"));
        assert_eq!(unit, Some(Unit::Seconds));
    }

    fn register_counter(&self, key: &Key, _: &Metadata<'_>) -> Counter {
        Counter::from_arc(Arc::new(self.series(key)))
    }

    fn register_gauge(&self, _: &Key, _: &Metadata<'_>) -> Gauge {
        unreachable!("there is no gauge");
    }

    fn register_histogram(&self, key: &Key, _: &Metadata<'_>) -> Histogram {
        Histogram::from_arc(Arc::new(self.series(key)))
    }
}

#[session(create)]
async fn login(mut session: Session<Shop>, Path(user): Path<String>) -> Result<(), Error> {
    session.login(user)
}

#[session(load)]
async fn visit(mut session: Session<Shop>) -> Result<(), Error> {
    session.insert("visited", true)
}

#[session(load)]
async fn logout(session: Session<Shop>) -> Result<(), Error> {
    session.destroy().await
}

async fn send(app: &Router, path: &str, sid: &str) -> (StatusCode, String) {
    let request = Request::post(path).header("X-User-Session", sid);
    let response = app
        .clone()
        .oneshot(request.body(Body::empty()).unwrap())
        .await
        .unwrap();
    let sid = response.headers().get("X-User-Session");
    let sid = sid.map_or_else(String::new, |sid| sid.to_str().unwrap().to_owned());
    (response.status(), sid)
}

/// A user with quotes, a line break and a long name.
const USER: &str = "ada%22%0A%27%7B%7D";

fn record() -> (Recorded, [String; 2]) {
    let recorded = Recorded::default();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    let sids = metrics::with_local_recorder(&recorded, || {
        describe_metrics();
        runtime.block_on(async {
            let store = FailingStore::new(MemoryStore::<Untyped>::new());
            let faults = store.faults();
            let app = Router::new()
                .route("/login/{user}", post(login))
                .route("/visit", any(visit))
                .route("/logout", post(logout))
                .layer(Shop::layer().with_store(AnyStore::new(store)));
            let path = format!("/login/{USER}{}", "x".repeat(5_000));
            let (_, first) = send(&app, &path, "").await;
            let (_, second) = send(&app, &path, "").await;
            assert_eq!(send(&app, "/visit", &second).await.0, 200);
            assert_eq!(send(&app, "/visit", &first).await.0, 401);
            faults.fail_loads(true);
            assert_eq!(send(&app, "/visit", &second).await.0, 503);
            faults.fail_loads(false);
            assert_eq!(send(&app, "/logout", &second).await.0, 200);
            [first, second]
        })
    });
    (recorded, sids)
}

#[test]
fn events_are_counted_and_the_store_is_timed() {
    let (recorded, sids) = record();
    for (series, expected) in [
        ("events_total,config=Shop,event=created", 2),
        ("events_total,config=Shop,event=logged_in", 2),
        ("events_total,config=Shop,event=replaced", 1),
        ("events_total,config=Shop,event=loaded", 2),
        ("events_total,config=Shop,event=unknown_sid", 1),
        ("events_total,config=Shop,event=committed", 1),
        ("events_total,config=Shop,event=store_error", 1),
        ("sessions_ended_total,config=Shop,reason=replaced", 1),
        ("sessions_ended_total,config=Shop,reason=logout", 1),
        (
            "store_duration_seconds,config=Shop,operation=insert,outcome=ok",
            2,
        ),
        (
            "store_duration_seconds,config=Shop,operation=load,outcome=ok",
            2,
        ),
        (
            "store_duration_seconds,config=Shop,operation=load,outcome=error",
            1,
        ),
        (
            "store_duration_seconds,config=Shop,operation=commit,outcome=ok",
            1,
        ),
        (
            "store_duration_seconds,config=Shop,operation=destroy,outcome=ok",
            1,
        ),
    ] {
        assert_eq!(recorded.count(series), expected, "{series}");
    }
    let all = recorded.0.lock().unwrap();
    for (series, (sum, _)) in &*all {
        assert!(*sum > 0.0, "{series}");
        assert!(series.len() < 120 && !series.contains("ada"), "{series}");
        assert!(
            sids.iter().all(|sid| !series.contains(&sid[..20])),
            "{series}"
        );
    }
}

#[test]
fn the_dashboard_shows_metrics_that_exist() {
    let (recorded, _) = record();
    let recorded = recorded.0.lock().unwrap();
    let dashboard: Value =
        serde_json::from_str(include_str!("../../docs/grafana-dashboard.json")).unwrap();
    let mut queries = Vec::new();
    for panel in dashboard["panels"].as_array().unwrap() {
        for target in panel["targets"].as_array().unwrap() {
            queries.push(target["expr"].as_str().unwrap());
        }
    }
    for variable in dashboard["templating"]["list"].as_array().unwrap() {
        queries.extend(variable["definition"].as_str());
    }
    let mut used = 0;
    for query in queries {
        let is_part = |byte: char| byte.is_ascii_alphanumeric() || byte == '_';
        for (at, _) in query.match_indices("connect_session_") {
            let name = query[at..].split(|byte| !is_part(byte)).next().unwrap();
            let name = name.trim_end_matches("_bucket").trim_end_matches("_count");
            let exists = recorded
                .keys()
                .any(|series| series.split(',').next() == Some(name));
            assert!(exists, "{name} in {query}");
            used += 1;
        }
        // The labels of `by (…)` and of the matchers.
        for label in ["event", "reason", "operation", "outcome", "config"] {
            let has = recorded
                .keys()
                .any(|series| series.contains(&format!(",{label}=")));
            assert!(has || !query.contains(label), "{label} in {query}");
        }
    }
    assert!(used >= 6, "the dashboard has few queries: {used}");
}
