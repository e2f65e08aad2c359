//! Session stores on SQL databases: [`PostgresStore`], [`MySqlStore`] and [`SqliteStore`]. Each
//! session is one row.
//!
//! Applications use them through the features `postgres`, `mysql` and `sqlite` of `connect-session`.
//!
//! A row holds the fields of the session data as opaque JSON, which no database parses. Field names and
//! values, subjects and labels are always bound as arguments, never part of a statement.

#![cfg_attr(docsrs, feature(doc_cfg))]
// Without a feature there is no store, and nothing uses the rest.
#![cfg_attr(
    not(any(feature = "mysql", feature = "postgres", feature = "sqlite")),
    allow(dead_code, unused_imports, unused_macros)
)]

#[cfg(all(
    feature = "axum-session",
    any(feature = "mysql", feature = "postgres", feature = "sqlite")
))]
mod adopt;
mod args;
mod backend;
mod columns;
mod connect;
mod convert;
mod error;
mod escape;
mod fields;
mod finish;
mod operations;
mod row;
#[cfg(any(feature = "mysql", feature = "postgres"))]
mod server;
mod store_methods;
mod sweeper;
mod table;
mod timeout;

#[cfg(feature = "mysql")]
mod mysql;
#[cfg(feature = "postgres")]
mod postgres;
#[cfg(feature = "sqlite")]
mod sqlite;

#[cfg(all(
    feature = "axum-session",
    any(feature = "mysql", feature = "postgres", feature = "sqlite")
))]
pub use self::adopt::SqlRecords;
pub use self::connect::ConnectBuilder;
#[cfg(feature = "mysql")]
pub use self::mysql::MySqlStore;
#[cfg(feature = "postgres")]
pub use self::postgres::PostgresStore;
#[cfg(feature = "sqlite")]
pub use self::sqlite::SqliteStore;

/// The version of the row layout. A row of any other format was written by another version of this
/// library and is refused.
const FORMAT: i16 = 2;
