//! The store of a URL.

use super::AnyStore;
use crate::data::SessionData;
use crate::store::{BoxError, MemoryStore};

impl<D: SessionData> AnyStore<D> {
    /// The store of a URL, for a program that reads it from its environment: `memory`,
    /// `redis://…` (`rediss://…` and so on), `postgres://…`, `mysql://…`, or `sqlite:` and a file.
    /// Each needs the feature of its name, and has its own settings at their defaults; a table is
    /// created where it is missing.
    ///
    /// ```
    /// # use connect_session::session_config;
    /// use connect_session::Untyped;
    /// use connect_session::store::AnyStore;
    ///
    /// session_config! {
    ///     struct Shop {
    ///         store: AnyStore<Untyped> =
    ///             AnyStore::connect(&std::env::var("STORE").unwrap_or("memory".to_owned())).await?,
    ///     }
    /// }
    /// ```
    ///
    /// # Errors
    /// When the URL names no store, or one whose feature is not enabled, and when the store cannot
    /// be reached.
    pub async fn connect(url: &str) -> Result<Self, BoxError> {
        match url.split_once(':').map_or(url, |(scheme, _)| scheme) {
            "memory" => Ok(Self::new(MemoryStore::new())),
            #[cfg(feature = "postgres")]
            "postgres" | "postgresql" => {
                let store = crate::store::PostgresStore::connect(url).await?;
                Ok(Self::new(store.migrate().await?))
            }
            #[cfg(feature = "mysql")]
            "mysql" | "mariadb" => {
                let store = crate::store::MySqlStore::connect(url).await?;
                Ok(Self::new(store.migrate().await?))
            }
            #[cfg(feature = "sqlite")]
            "sqlite" => {
                let store = crate::store::SqliteStore::connect(url).await?;
                Ok(Self::new(store.migrate().await?))
            }
            #[cfg(feature = "redis")]
            scheme if is_redis(scheme) => {
                Ok(Self::new(crate::store::RedisStore::connect(url).await?))
            }
            scheme => Err(unknown(scheme)),
        }
    }
}

/// `redis`, `rediss`, `valkey` and what is built of them, such as `redis+unix`.
fn is_redis(scheme: &str) -> bool {
    scheme.starts_with("redis") || scheme.starts_with("valkey")
}

/// The scheme is all of the URL that may be shown: the rest may have a password in it.
fn unknown(scheme: &str) -> BoxError {
    let feature = match scheme {
        "postgres" | "postgresql" => "postgres",
        "mysql" | "mariadb" => "mysql",
        "sqlite" => "sqlite",
        _ if is_redis(scheme) => "redis",
        _ => {
            return "the URL names no session store: it begins with `memory`, `redis:`, `postgres:`, \
                    `mysql:` or `sqlite:`"
                .into();
        }
    };
    format!("a store on `{scheme}:` needs the feature `{feature}` of connect-session").into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::untyped::Untyped;

    #[test]
    fn what_is_no_store_is_told_without_its_password() {
        for (url, expected) in [
            ("mongodb://ada:secret@db/shop", "names no session store"),
            ("ada:secret@db", "names no session store"),
            ("", "names no session store"),
        ] {
            let mut connecting = std::pin::pin!(AnyStore::<Untyped>::connect(url));
            let waker = std::task::Waker::noop();
            let mut context = std::task::Context::from_waker(waker);
            let std::task::Poll::Ready(Err(error)) = connecting.as_mut().poll(&mut context) else {
                panic!("`{url}` is a store");
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
