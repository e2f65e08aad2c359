//! What a subscriber gets.
#![cfg(all(feature = "testing", feature = "_layer"))]

use std::borrow::Cow;
use std::fmt::{Debug, Write as _};
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use http::HeaderName;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Dispatch, Metadata, Subscriber};

use crate::config::DefaultConfig;
use crate::data::EncodeError;
use crate::engine::{self, RequestScope};
use crate::event::EventKind;
use crate::guard::Inherit;
use crate::loader::{HeadSource, RequestHead};
use crate::sid::Sid;
use crate::store::{AnyStore, MemoryStore};
use crate::testing::FailingStore;
use crate::untyped::Untyped;

/// Keeps every event and every span as a line of text.
#[derive(Clone, Default)]
struct Recorder(Arc<Mutex<Vec<String>>>);

struct Line(String);

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        write!(self.0, " {}={value:?}", field.name()).expect("a string");
    }
}

impl Recorder {
    fn push(&self, metadata: &Metadata<'_>, record: impl FnOnce(&mut Line)) {
        let name = if metadata.is_span() {
            metadata.name()
        } else {
            "event"
        };
        let start = format!("{} {} {name}:", metadata.level(), metadata.target());
        let mut line = Line(start);
        record(&mut line);
        let mut lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        lines.push(line.0);
    }

    fn lines(&self) -> Vec<String> {
        let lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        lines
            .iter()
            .filter(|line| line.contains(" connect_session "))
            .cloned()
            .collect()
    }
}

impl Subscriber for Recorder {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, span: &Attributes<'_>) -> Id {
        self.push(span.metadata(), |line| span.record(line));
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &tracing::Event<'_>) {
        self.push(event.metadata(), |line| event.record(line));
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

/// While there is a single subscriber, `tracing` asks only that of the thread which reaches an event first, here
/// often one of another test that has none, and drops the event on all threads if it has no interest.
static SECOND: LazyLock<Dispatch> = LazyLock::new(|| Dispatch::new(Recorder::default()));

/// What is recorded while some work runs on this thread.
fn lines_of(work: impl FnOnce()) -> Vec<String> {
    LazyLock::force(&SECOND);
    let recorder = Recorder::default();
    tracing::subscriber::with_default(recorder.clone(), work);
    recorder.lines()
}

#[test]
fn an_event_that_another_thread_reached_first_is_recorded() {
    fn emit() {
        tracing::info!(target: "connect_session", "reached");
    }
    let lines = lines_of(|| {
        let other = std::thread::spawn(emit);
        other.join().expect("it does not panic");
        emit();
    });
    assert_eq!(lines, ["INFO connect_session event: message=reached"]);
}

/// A request that carries a sid.
struct Head(String);

impl HeadSource for Head {
    fn method(&self) -> &'static str {
        "GET"
    }

    fn path(&self) -> &'static str {
        "/"
    }

    fn query(&self) -> Option<&str> {
        None
    }

    fn header_and_more(&self, name: &HeaderName) -> Option<(&[u8], bool)> {
        (name == "x-user-session").then_some((self.0.as_bytes(), false))
    }

    fn visit<'a>(&'a self, name: &HeaderName, visit: &mut dyn FnMut(&'a [u8])) {
        self.header(name).into_iter().for_each(visit);
    }

    fn visit_all(&self, visit: &mut dyn FnMut(&str, &[u8])) {
        visit("x-user-session", self.0.as_bytes());
    }

    fn path_param(&self, _: &str) -> Option<Cow<'_, str>> {
        None
    }
}

/// What is recorded of a view's load of a session that does not exist.
fn recorded(fail: bool) -> (Sid, Vec<String>) {
    let store = FailingStore::new(MemoryStore::<Untyped>::new());
    store.faults().fail_loads(fail);
    let sid = Sid::mint();
    let head = Head(sid.expose());
    let layer = Arc::new(RequestScope::new(Some(AnyStore::new(store))));
    let context = engine::extract::<DefaultConfig, Inherit>(RequestHead::new(&head), Some(layer));
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .expect("a runtime");
    let lines = lines_of(|| {
        let loaded = runtime.block_on(engine::view(&context));
        assert_eq!(loaded.is_err(), fail);
    });
    (sid, lines)
}

#[test]
fn a_store_error_is_recorded_with_its_fields_and_without_the_secret() {
    let (sid, lines) = recorded(true);
    let [span, error] = &lines[..] else {
        panic!("a span and an event: {lines:?}");
    };
    let id = sid.id();
    assert_eq!(
        *span,
        format!(r#"DEBUG connect_session session_load: config="DefaultConfig" id={id}"#)
    );
    let (event, elapsed) = error.split_once(" elapsed_ms=").expect("a timed call");
    assert_eq!(
        event,
        format!(
            "ERROR connect_session event: message=session store failed config=\"DefaultConfig\" id={id} \
             operation=\"load\" error=\"the session store is not available: this failure is injected by a test\""
        )
    );
    assert!(elapsed.parse::<f64>().is_ok(), "{elapsed}");
    let all = lines.concat();
    assert!(!all.contains(&sid.expose()), "{all}");
}

#[test]
fn a_routine_event_is_recorded_at_the_level_debug() {
    let (_, lines) = recorded(false);
    let event = lines.last().expect("an event");
    let start = "DEBUG connect_session event: message=session unknown or expired config=";
    assert!(event.starts_with(start), "{event}");
}

#[test]
fn names_from_data_are_one_line_and_limits_are_no_errors() {
    let lines = lines_of(|| {
        let fields = ["cart\nERROR forged".to_owned()];
        let error = EncodeError::TooDeep {
            field: fields[0].clone(),
            limit: 126,
        };
        for kind in [
            EventKind::Overwritten { fields: &fields },
            EventKind::DataRefused { error: &error },
        ] {
            super::super::emit(None, "Shop", None, kind, None);
        }
    });
    let [overwritten, refused] = &lines[..] else {
        panic!("two events: {lines:?}");
    };
    assert!(overwritten.starts_with("WARN ") && refused.starts_with("DEBUG "));
    for line in [overwritten, refused] {
        // The recorder shows a text as its `Debug`, which escapes once more.
        let shown = r"cart\\nERROR forged";
        assert!(!line.contains('\n') && line.contains(shown), "{line}");
    }
}
