//! The metrics that a recorder gets, and the dashboard that shows them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use connect_session::describe_metrics;
use metrics::{
    Counter, CounterFn, Gauge, Histogram, HistogramFn, Key, KeyName, Metadata, Recorder,
    SharedString, Unit,
};
use serde_json::{Value, json};

use crate::long_user::{act, app};

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

/// What these users do.
fn record(users: usize) -> (Recorded, Vec<String>) {
    let recorded = Recorded::default();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    let sids = metrics::with_local_recorder(&recorded, || {
        describe_metrics();
        runtime.block_on(async {
            let (app, faults) = app();
            let mut sids = Vec::new();
            for user in 0..users {
                sids.extend(act(&app, &faults, user).await);
            }
            sids
        })
    });
    (recorded, sids)
}

#[test]
fn events_are_counted_and_the_store_is_timed() {
    let (recorded, sids) = record(1);
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
    let docs = include_str!("../../src/monitoring.md");
    for series in all.keys() {
        let mut parts = series.split(',');
        let name = parts.next().unwrap();
        let row = docs
            .lines()
            .find(|line| line.contains(&format!("| `{name}` |")));
        for label in parts {
            let (label, _) = label.split_once('=').unwrap();
            let is_documented = row.is_some_and(|row| row.contains(&format!("`{label}`")));
            assert!(is_documented, "{label} of {name}");
        }
    }
    assert_eq!(sids.len(), 2);
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
fn a_further_user_makes_no_further_series() {
    let series = |users| {
        let (recorded, _) = record(users);
        let recorded = recorded.0.lock().unwrap();
        recorded.keys().cloned().collect::<Vec<_>>()
    };
    assert_eq!(series(3), series(1));
}

fn dashboard() -> Value {
    serde_json::from_str(include_str!("../../docs/grafana-dashboard.json")).unwrap()
}

fn list<'a>(value: &'a Value, key: &str) -> &'a [Value] {
    value[key].as_array().unwrap()
}

/// Grafana's classic JSON model of a dashboard.
#[test]
fn the_dashboard_is_one_that_grafana_can_import() {
    let dashboard = dashboard();
    // References to data sources are objects since 36.
    assert!(dashboard["schemaVersion"].as_u64().unwrap() >= 36);
    assert!(dashboard["id"].is_null() && dashboard["version"].is_u64());
    assert!(dashboard["uid"].as_str().unwrap().len() <= 40);
    assert!(!dashboard["title"].as_str().unwrap().is_empty());
    for text in [&dashboard["time"]["from"], &dashboard["time"]["to"]] {
        assert!(text.as_str().unwrap().starts_with("now"));
    }
    let variables = list(&dashboard["templating"], "list");
    let source = json!({ "type": "prometheus", "uid": "${datasource}" });
    let [first, second] = variables else {
        panic!("two variables: {variables:?}");
    };
    assert_eq!(
        (&first["name"], &first["type"], &first["query"]),
        (
            &json!("datasource"),
            &json!("datasource"),
            &json!("prometheus")
        )
    );
    assert_eq!(
        (&second["name"], &second["type"], &second["datasource"]),
        (&json!("config"), &json!("query"), &source)
    );
    assert_eq!(second["query"]["query"], second["definition"]);

    let (mut ids, mut cells) = (BTreeSet::new(), BTreeSet::new());
    for panel in list(&dashboard, "panels") {
        assert!(ids.insert(panel["id"].as_u64().unwrap()), "{panel}");
        assert_eq!(panel["type"], "timeseries");
        assert_eq!(panel["datasource"], source);
        assert!(!panel["title"].as_str().unwrap().is_empty());
        assert!(list(&panel["fieldConfig"], "overrides").is_empty());
        let place = |key: &str| panel["gridPos"][key].as_u64().unwrap();
        let (right, bottom) = (place("x") + place("w"), place("y") + place("h"));
        assert!(right <= 24, "{panel}");
        for x in place("x")..right {
            for y in place("y")..bottom {
                assert!(cells.insert((x, y)), "panels overlap: {panel}");
            }
        }
        let mut names = BTreeSet::new();
        for target in list(panel, "targets") {
            assert!(names.insert(target["refId"].as_str().unwrap()), "{panel}");
            assert_query(target);
        }
        assert!(!names.is_empty());
    }
}

/// A query of the config that is chosen, whose legend shows labels that it keeps.
fn assert_query(target: &Value) {
    let query = target["expr"].as_str().unwrap();
    for (open, close) in [('(', ')'), ('{', '}'), ('[', ']')] {
        assert_eq!(query.matches(open).count(), query.matches(close).count());
    }
    assert!(query.contains(r#"config=~"$config""#), "{query}");
    if let Some((_, events)) = query.split_once("event=~\"") {
        let (events, _) = events.split_once('"').unwrap();
        let names = include_str!("../../session-runtime/src/event.rs");
        for event in events.split('|') {
            assert!(names.contains(&format!("=> \"{event}\",")), "{event}");
        }
    }
    for (at, _) in query.match_indices('$') {
        let known = ["$config", "$__rate_interval"];
        assert!(known.iter().any(|name| query[at..].starts_with(name)));
    }
    let (_, kept) = query.split_once(" by (").unwrap();
    let (kept, _) = kept.split_once(')').unwrap();
    for part in target["legendFormat"].as_str().unwrap().split("{{").skip(1) {
        let (label, _) = part.split_once("}}").unwrap();
        assert!(kept.split(", ").any(|name| name == label), "{query}");
    }
}

#[test]
fn the_dashboard_shows_metrics_that_exist() {
    let (recorded, _) = record(1);
    let recorded = recorded.0.lock().unwrap();
    let dashboard = dashboard();
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
