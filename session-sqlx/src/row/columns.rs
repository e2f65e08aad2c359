//! The columns of a row.

use sqlx::{ColumnIndex, Decode, Type};

use super::{Offer, Row};
use crate::error::{ContextError, bad_column, unknown_format};
use crate::{FORMAT, escape};
use connect_session_runtime::record::CommitId;
use connect_session_runtime::sid::SecretHash;
use connect_session_runtime::store::StoreError;

/// The columns of a [`Row`], in the order in which they are read and written; `format` is before
/// them, and what holds the data after them.
pub(crate) const COLUMNS: [&str; 19] = [
    "version",
    "epoch",
    "generation",
    "commit_id",
    "transport",
    "secret",
    "secret_since",
    "offered_secret",
    "offered_at",
    "offered_grace",
    "previous_secret",
    "previous_until",
    "idle",
    "absolute",
    "created_at",
    "idle_until",
    "absolute_until",
    "due",
    "subject",
];

impl Row {
    /// Reads `format` and [`COLUMNS`].
    pub(crate) fn read<R: sqlx::Row>(row: &R) -> Result<Self, StoreError>
    where
        usize: ColumnIndex<R>,
        for<'r> i64: Decode<'r, R::Database> + Type<R::Database>,
        for<'r> i16: Decode<'r, R::Database> + Type<R::Database>,
        for<'r> Vec<u8>: Decode<'r, R::Database> + Type<R::Database>,
        for<'r> String: Decode<'r, R::Database> + Type<R::Database>,
    {
        let number = |at: usize| row.try_get::<i64, _>(at).map_err(bad_column);
        let maybe = |at: usize| row.try_get::<Option<i64>, _>(at).map_err(bad_column);
        let bytes = |at: usize| row.try_get::<Vec<u8>, _>(at).map_err(bad_column);
        let secret = |at: usize| {
            let secret: Option<Vec<u8>> = row.try_get(at).map_err(bad_column)?;
            secret.map(hash).transpose()
        };
        let format = row.try_get(0).map_err(bad_column)?;
        if format != FORMAT {
            return Err(unknown_format(format));
        }
        let subject: Option<String> = row.try_get(19).map_err(bad_column)?;
        let offer = (secret(8)?.zip(maybe(9)?)).map(|(secret, at)| (secret, at, maybe(10)));
        let offer = match offer {
            Some((secret, at, grace)) => Some(Offer {
                secret,
                at,
                grace: grace?.unwrap_or(0),
            }),
            None => None,
        };
        Ok(Self {
            version: number(1)?,
            epoch: number(2)?,
            generation: number(3)?,
            commit_id: CommitId::from_bytes(bytes(4)?.try_into().map_err(|_| misshapen())?),
            transport: row.try_get(5).map_err(bad_column)?,
            secret: hash(bytes(6)?)?,
            secret_since: number(7)?,
            offer,
            previous: secret(11)?.zip(maybe(12)?),
            idle: number(13)?,
            absolute: number(14)?,
            created_at: number(15)?,
            idle_until: number(16)?,
            absolute_until: number(17)?,
            due: number(18)?,
            subject: subject.map(|subject| escape::unescape(&subject).into()),
        })
    }
}

fn hash(bytes: Vec<u8>) -> Result<SecretHash, StoreError> {
    let bytes = bytes.try_into().map_err(|_| misshapen())?;
    Ok(SecretHash::from_bytes(bytes))
}

fn misshapen() -> StoreError {
    StoreError::Undecodable {
        field: None,
        source: ContextError::new("a column has not the to_millis that this library writes").into(),
    }
}
