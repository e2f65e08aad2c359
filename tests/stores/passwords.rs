//! No error and no log line contains a part of a URL that may be a password.

use std::fmt::{Debug, Write as _};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use connect_session::Untyped;
use connect_session::store::{MySqlStore, PostgresStore, RedisStore, SqliteStore, connect};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

use crate::fixture::error_chain;

/// Stands in the place of a password, or of a part of it.
const MARKER: &str = "kretwort";

/// The number of URLs.
const URLS: u64 = 10_000;

/// Numbers that look random, and are the same in each run.
struct Numbers(u64);

impl Numbers {
    fn next(&mut self, below: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        usize::try_from(self.0 >> 33).unwrap() % below
    }

    fn pick<'a>(&mut self, of: &[&'a str]) -> &'a str {
        of[self.next(of.len())]
    }

    /// A password with a few odd characters around the marker.
    fn password(&mut self) -> String {
        let odd = [
            "",
            "",
            "12",
            "1",
            "/",
            "?",
            "#",
            "@",
            ":",
            "%",
            "%2F",
            "%40",
            "%3A",
            "%zz",
            "\\",
            "[",
            "]",
            ",",
            "&",
            "=",
            " ",
            "\t",
            "é",
            "\"",
            "'",
            "`",
            "sslmode=",
            "//",
            "password=",
        ];
        let around = |numbers: &mut Self| {
            let count = numbers.next(3);
            (0..=count).map(|_| numbers.pick(&odd)).collect::<String>()
        };
        format!("{}{MARKER}{}", around(self), around(self))
    }

    /// Nothing listens at any of these hosts.
    fn url(&mut self) -> String {
        let scheme = self.pick(&[
            "postgres",
            "postgresql",
            "mysql",
            "mariadb",
            "sqlite",
            "redis",
            "rediss",
            "valkey",
            "redis+sentinel",
            "rediss+sentinel",
            "redis-sentinel",
            "redis-cluster",
            "rediss+cluster",
            "redis+unix",
            "unix",
            "mongodb",
        ]);
        let password = self.password();
        let host = self.pick(&[
            "127.0.0.1:1",
            "[::1]:1",
            "127.0.0.1:1,127.0.0.1:2",
            "%2Fnowhere",
        ]);
        let path = self.pick(&["/shop", "/shop/0", "", "/"]);
        match self.next(10) {
            0 => format!("{scheme}:///u:{password}@{host}{path}"),
            1 => format!("{scheme}://{host}{path}?password={password}"),
            2 => format!("{scheme}://{host}{path}?pasword={password}&sslmode={password}"),
            3 => format!("{scheme}:u:{password}@{host}{path}"),
            4 => format!("{scheme}:///nowhere/socket?pass={password}"),
            5 => format!("u:{password}@{host}{path}"),
            6 => format!("{scheme}://:{password}@{host}{path}"),
            7 => format!("{scheme}://u%3A{password}@{host}{path}"),
            _ => format!("{scheme}://u:{password}@{host}{path}"),
        }
    }
}

/// Keeps every log line of its thread.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<String>>);

impl Visit for Lines {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        writeln!(self.0.lock().unwrap(), "{field}: {value:?}").unwrap();
    }
}

impl Subscriber for Lines {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, span: &Attributes<'_>) -> Id {
        span.record(&mut self.clone());
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, values: &Record<'_>) {
        values.record(&mut self.clone());
    }

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        event.record(&mut self.clone());
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

/// The texts of an error, as an application may log them.
fn texts<T>(connected: Result<T, impl std::error::Error>) -> String {
    connected.map_or_else(
        |error| format!("{} {error:?}", error_chain(&error)),
        |_| String::new(),
    )
}

/// Everything that connecting shows.
async fn shown(url: &str) -> String {
    let soon = Duration::from_secs(5);
    let scheme = url.split(':').next().unwrap();
    match scheme {
        "postgres" | "postgresql" => {
            let connecting = PostgresStore::connect(url).acquire_timeout(soon);
            let shown = format!("{connecting:?}");
            shown + &texts(connecting.await)
        }
        "mysql" | "mariadb" => {
            let connecting = MySqlStore::connect(url).acquire_timeout(soon);
            let shown = format!("{connecting:?}");
            shown + &texts(connecting.await)
        }
        "sqlite" => texts(SqliteStore::connect(url).await),
        _ => texts(RedisStore::connect(url).await),
    }
}

#[tokio::test]
async fn no_password_of_a_url_is_shown() {
    let lines = Lines::default();
    let _collecting = tracing::subscriber::set_default(lines.clone());
    let mut numbers = Numbers(1);
    for at in 0..URLS {
        let url = numbers.url();
        let mut text = shown(&url).await;
        if at % 10 == 0
            && let Err(error) = connect::<Untyped>(&url).await
        {
            writeln!(text, "{} {error:?}", error_chain(&*error)).unwrap();
        }
        text.push_str(&std::mem::take(&mut *lines.0.lock().unwrap()));
        assert!(!text.to_lowercase().contains(MARKER), "{url}\n{text}");
    }
}
