//! Connects to the store that a URL names.

use connect_session_runtime::data::SessionData;
use connect_session_runtime::store::{AnyStore, BoxError, MemoryStore};

/// Connects to the store that a URL names, for a program that reads the URL from its environment.
///
/// The URL is `memory`, `redis://…` (also `rediss://…`, `valkey://…` and so on), `postgres://…`,
/// `mysql://…`, or `sqlite:` followed by a file. Each server needs the feature of its name. The store
/// has its default settings; an SQL store creates its table if it is missing.
///
/// ```
/// # use connect_session::session_config;
/// use connect_session::Untyped;
/// use connect_session::store::{self, AnyStore};
///
/// session_config! {
///     struct Shop {
///         store: AnyStore<Untyped> =
///             store::connect(&std::env::var("STORE").unwrap_or("memory".to_owned())).await?,
///     }
/// }
/// ```
///
/// # Errors
/// If the URL names no store, if it names one whose feature is not enabled, or if the store cannot be
/// reached.
pub async fn connect<D: SessionData>(url: &str) -> Result<AnyStore<D>, BoxError> {
    match url.split_once(':').map_or(url, |(scheme, _)| scheme) {
        "memory" => Ok(AnyStore::new(MemoryStore::new())),
        #[cfg(feature = "postgres")]
        "postgres" | "postgresql" => {
            let store = crate::store::PostgresStore::connect(url).await?;
            Ok(AnyStore::new(store.migrate().await?))
        }
        #[cfg(feature = "mysql")]
        "mysql" | "mariadb" => {
            let store = crate::store::MySqlStore::connect(url).await?;
            Ok(AnyStore::new(store.migrate().await?))
        }
        #[cfg(feature = "sqlite")]
        "sqlite" => {
            let store = crate::store::SqliteStore::connect(url).await?;
            Ok(AnyStore::new(store.migrate().await?))
        }
        #[cfg(feature = "redis")]
        scheme if is_redis(scheme) => {
            Ok(AnyStore::new(crate::store::RedisStore::connect(url).await?))
        }
        scheme => Err(unknown(scheme)),
    }
}

/// Whether a scheme is `redis`, `rediss`, `valkey`, or one built on them, such as `redis+unix`.
fn is_redis(scheme: &str) -> bool {
    scheme.starts_with("redis") || scheme.starts_with("valkey")
}

/// The error for a scheme that names no enabled store. No part of the URL is shown: without a `:` behind a
/// scheme, even that may be a password.
fn unknown(scheme: &str) -> BoxError {
    let feature = match scheme {
        "postgres" | "postgresql" => "postgres",
        "mysql" | "mariadb" => "mysql",
        "sqlite" => "sqlite",
        _ if is_redis(scheme) => "redis",
        _ => {
            return "the URL does not name a session store: begin it with `memory`, `redis:`, \
                    `postgres:`, `mysql:` or `sqlite:`"
                .into();
        }
    };
    format!("the store of this URL needs the feature `{feature}` of connect-session").into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use connect_session_runtime::untyped::Untyped;

    #[test]
    fn an_unknown_url_is_refused_without_showing_its_password() {
        for (url, expected) in [
            (
                "mongodb://ada:secret@db/shop",
                "does not name a session store",
            ),
            ("ada:secret@db", "does not name a session store"),
            ("", "does not name a session store"),
        ] {
            let mut connecting = std::pin::pin!(connect::<Untyped>(url));
            let waker = std::task::Waker::noop();
            let mut context = std::task::Context::from_waker(waker);
            let std::task::Poll::Ready(Err(error)) = connecting.as_mut().poll(&mut context) else {
                panic!("`{url}` was accepted");
            };
            let text = error.to_string();
            assert!(
                text.contains(expected) && !text.contains("secret"),
                "{text}"
            );
        }
        let text = unknown("rediss").to_string();
        assert!(text.contains("needs the feature `redis`"), "{text}");
    }
}
