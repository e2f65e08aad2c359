//! What `tracing` and a listener get, also of texts that are long or odd.

use std::cell::RefCell;
use std::fmt::{Debug, Write as _};
use std::sync::Once;

use connect_session::{SessionConfig, session_config};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::subscriber::Interest;
use tracing::{Metadata, Subscriber};

use crate::long_user::{HEARD, act, app, send};

/// Keeps what the threads record that ask for it. There is one for the program: `tracing` may ask any thread
/// once whether anybody wants an event, and a thread without a subscriber would answer no for all.
struct Recorder;

thread_local! {
    static LINES: RefCell<Option<Vec<Line>>> = const { RefCell::new(None) };
}

/// A span or an event: its level, its name or message, and its other fields.
struct Line {
    head: String,
    fields: Vec<&'static str>,
    text: String,
}

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        if field.name() == "message" {
            write!(self.head, " {value:?}").unwrap();
        } else {
            self.fields.push(field.name());
            write!(self.text, " {value:?}").unwrap();
        }
    }
}

fn push(metadata: &Metadata<'_>, record: impl FnOnce(&mut Line)) {
    LINES.with_borrow_mut(|lines| {
        let Some(lines) = lines else { return };
        let name = if metadata.is_span() {
            format!(" span {}", metadata.name())
        } else {
            String::new()
        };
        let mut line = Line {
            head: format!("{}{name}", metadata.level()),
            fields: Vec::new(),
            text: String::new(),
        };
        record(&mut line);
        lines.push(line);
    });
}

impl Subscriber for Recorder {
    fn register_callsite(&self, _: &'static Metadata<'static>) -> Interest {
        Interest::sometimes()
    }

    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target() == "connect_session" && LINES.with_borrow(Option::is_some)
    }

    fn new_span(&self, span: &Attributes<'_>) -> Id {
        push(span.metadata(), |line| span.record(line));
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &tracing::Event<'_>) {
        push(event.metadata(), |line| event.record(line));
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

/// Returns what was recorded, and the sids.
fn record() -> (Vec<Line>, [String; 2]) {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| tracing::subscriber::set_global_default(Recorder).unwrap());
    LINES.set(Some(Vec::new()));
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    let sids = runtime.block_on(async {
        let (app, faults) = app();
        let sids = act(&app, &faults, 0).await;
        assert_eq!(send(&app, "/visit", "", "").await.0, 401);
        sids
    });
    (LINES.take().unwrap(), sids)
}

#[test]
fn every_call_of_the_store_is_a_span_and_every_event_has_its_fields() {
    let (lines, _) = record();
    let seen: Vec<_> = (lines.iter())
        .map(|line| format!("{}: {}", line.head, line.fields.join(" ")))
        .collect();
    let login = [
        "DEBUG span session_commit: config id",
        "DEBUG session created: config id elapsed_ms",
        "DEBUG user logged in: config id",
    ];
    let expected = [
        &login[..],
        &login[..],
        &[
            "DEBUG session ended by a login elsewhere: config id",
            "DEBUG span session_load: config id",
            "DEBUG session loaded: config id elapsed_ms",
            "DEBUG span session_commit: config id",
            "DEBUG session change stored: config id elapsed_ms",
            "DEBUG span session_load: config id",
            "DEBUG session unknown or expired: config id elapsed_ms",
            "DEBUG span session_load: config id",
            "ERROR session store failed: config id operation error elapsed_ms",
            "DEBUG span session_load: config id",
            "DEBUG session loaded: config id elapsed_ms",
            "DEBUG span session_destroy: config id",
            "DEBUG session destroyed: config id elapsed_ms",
            "DEBUG required session not sent: config",
        ],
    ];
    assert_eq!(seen, expected.concat(), "{seen:#?}");
    let docs = include_str!("../../src/monitoring.md");
    for line in &lines {
        if let Some((level, span)) = line.head.split_once(" span ") {
            let row = format!("| `{span}` | {} | `config`, `id` |", level.to_lowercase());
            assert!(docs.contains(&row), "{row}");
        }
        for field in &line.fields {
            assert!(docs.contains(&format!("`{field}`")), "{field}");
        }
    }
}

#[test]
fn no_trace_of_a_user_a_label_or_a_sid() {
    let (lines, sids) = record();
    let traced = lines
        .iter()
        .map(|line| format!("{}{}", line.head, line.text));
    let heard = std::mem::take(&mut *HEARD.lock().unwrap());
    assert!(heard.iter().any(|line| line.contains("logged_in")));
    for line in traced.chain(heard) {
        assert!(line.len() < 1_000, "{} bytes", line.len());
        assert!(!line.contains("forged") && !line.contains('\n'), "{line}");
        assert!(sids.iter().all(|sid| !line.contains(sid)), "{line}");
    }
}

session_config! {
    struct SessionsOfTheShopAndOfTheWarehouseAndOfEverybodyWhoEverWorkedThereOrMayWorkThereSomeDay {
        namespace: "long"
    }
}

type Long = SessionsOfTheShopAndOfTheWarehouseAndOfEverybodyWhoEverWorkedThereOrMayWorkThereSomeDay;

/// Metrics and logs have the same name.
#[test]
fn a_long_name_of_a_config_is_shortened() {
    let shown = "SessionsOfTheShopAndOfTheWarehouseAndOfEverybodyWhoEverWorkedThe…";
    assert_eq!(<Long as SessionConfig>::NAME, shown);
    let policy = Long::policy();
    let title = format!("# Sessions of {shown}\n");
    assert!(policy.to_string().starts_with(&title), "{policy}");
    let json: serde_json::Value = serde_json::from_str(&policy.to_json()).unwrap();
    assert_eq!(json["config"], shown);
}
