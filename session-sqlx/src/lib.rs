//! Stores on SQL servers, and in a file of SQLite: one row a session.
//!
//! A row has the fields of the data as opaque JSON texts, each with a revision. No server parses
//! the texts, and none of what a user wrote is part of a statement: names and texts are bound.

#![cfg_attr(docsrs, feature(doc_cfg))]

mod bound;
mod connect;
#[cfg(any(feature = "postgres", feature = "sqlite"))]
mod container;
mod fault;
mod number;
mod patience;
#[cfg(any(feature = "mysql", feature = "sqlite"))]
mod row;
#[cfg(any(feature = "mysql", feature = "postgres"))]
mod server;
mod sweeper;
mod table;
mod text;
mod time;

#[cfg(feature = "mysql")]
mod mysql;
#[cfg(feature = "postgres")]
mod postgres;
#[cfg(feature = "sqlite")]
mod sqlite;

pub use self::connect::ConnectBuilder;
#[cfg(feature = "mysql")]
pub use self::mysql::MySqlStore;
#[cfg(feature = "postgres")]
pub use self::postgres::PostgresStore;
#[cfg(feature = "sqlite")]
pub use self::sqlite::SqliteStore;

/// How a row is laid out. A row of another format was written by another version of this library,
/// and is refused, whatever is in it.
const FORMAT: i16 = 1;
