//! A row, as the stores read it.

use sqlx::{ColumnIndex, Decode, Type};

use std::sync::Arc;

use connect_session_runtime::record::{CommitId, Deadlines, FIRST_LEVEL, Login, Transport};
use connect_session_runtime::sid::{SecretHash, SessionId};
use connect_session_runtime::store::state::{
    CommitStamp, CurrentSecret, Expiry, OfferedSecret, OtherSecrets, PreviousSecret, RecordState,
};
use connect_session_runtime::store::{Inspected, Listed, StoreError};
use connect_session_runtime::timestamp::Timestamp;

use crate::FORMAT;
use crate::columns::COLUMNS;
use crate::convert::{lifetime, to_u64, transport_code};
use crate::error::{bad_column, unknown_format};
use crate::escape::unescape;
use crate::fields;

/// The `end_reason` of a tombstone of a session that ended because its user may have no more.
pub(crate) const REPLACED: i16 = 1;

/// A record as it is stored. Times are milliseconds since 1970.
pub(crate) struct Stored {
    pub(crate) state: RecordState,
    /// The time when the record was read.
    pub(crate) now: u64,
    /// The version of the data's type.
    pub(crate) data_version: u32,
    pub(crate) fields: Vec<u8>,
    /// Whether it is a tombstone: the session ended because its user may have no more.
    pub(crate) is_replaced: bool,
}

impl Stored {
    /// Reads `format` and [`COLUMNS`], followed by the time, the version of the data's type, the
    /// fields, and the reason of the end.
    pub(crate) fn read<R: sqlx::Row>(row: &R) -> Result<Self, StoreError>
    where
        usize: ColumnIndex<R>,
        for<'r> i64: Decode<'r, R::Database> + Type<R::Database>,
        for<'r> i32: Decode<'r, R::Database> + Type<R::Database>,
        for<'r> i16: Decode<'r, R::Database> + Type<R::Database>,
        for<'r> &'r [u8]: Decode<'r, R::Database> + Type<R::Database>,
        for<'r> Vec<u8>: Decode<'r, R::Database> + Type<R::Database>,
        for<'r> &'r str: Decode<'r, R::Database> + Type<R::Database>,
    {
        let signed = |at: usize| row.try_get::<i64, _>(at).map_err(bad_column);
        let number = |at: usize| signed(at).map(to_u64);
        let optional = |at: usize| {
            let number = row.try_get::<Option<i64>, _>(at).map_err(bad_column)?;
            Ok::<_, StoreError>(number.map(to_u64))
        };
        let bytes = |at: usize| row.try_get::<&[u8], _>(at).map_err(bad_column);
        let secret = |at: usize| {
            let secret: Option<&[u8]> = row.try_get(at).map_err(bad_column)?;
            secret.map(hash).transpose()
        };
        let format = row.try_get(0).map_err(bad_column)?;
        if format != FORMAT {
            return Err(unknown_format(format));
        }
        let transport: i16 = row.try_get(5).map_err(bad_column)?;
        let offered = secret(8)?.zip(optional(9)?);
        let grace = optional(10)?.unwrap_or(0);
        let previous = secret(11)?.zip(optional(12)?);
        let subject: Option<&str> = row.try_get(19).map_err(bad_column)?;
        // A session whose login has no time was written by an earlier version of this library.
        let login = match subject {
            Some(subject) => {
                let logged_in_at = optional(20)?.map_or_else(|| number(15), Ok)?;
                let level: Option<i16> = row.try_get(22).map_err(bad_column)?;
                Some(Login {
                    subject: unescape(subject).into(),
                    logged_in_at: Timestamp::from_millis(logged_in_at),
                    authenticated_at: Timestamp::from_millis(optional(21)?.unwrap_or(logged_in_at)),
                    level: level_of(level),
                })
            }
            None => None,
        };
        let state = RecordState {
            transport: transport_of(transport)?,
            secret: CurrentSecret::new(hash(bytes(6)?)?, number(7)?),
            others: OtherSecrets {
                offered: offered.map(|(hash, offered_at)| OfferedSecret {
                    hash,
                    offered_at,
                    grace,
                }),
                previous: previous.map(|(hash, valid_until)| PreviousSecret { hash, valid_until }),
            },
            expiry: Expiry {
                created_at: number(15)?,
                lifetime: lifetime(signed(13)?, signed(14)?),
                idle_until: number(16)?,
                absolute_until: number(17)?,
            },
            awaits_first_use: optional(23)?.is_some(),
            stamp: CommitStamp {
                commit_id: CommitId::from_bytes(bytes(4)?.try_into().map_err(|_| bad_length())?),
                epoch: number(2)?,
                generation: number(3)?,
            },
            version: number(1)?,
            login: login.map(Arc::new),
            // Only lists show it.
            label: None,
        };
        let after = COLUMNS.len();
        let data_version: Option<i32> = row.try_get(after + 2).map_err(bad_column)?;
        let end_reason: Option<i16> = row.try_get(after + 4).map_err(bad_column)?;
        Ok(Self {
            state,
            now: number(after + 1)?,
            data_version: data_version.map_or(1, i32::unsigned_abs),
            fields: row.try_get(after + 3).map_err(bad_column)?,
            is_replaced: end_reason == Some(REPLACED),
        })
    }
}

/// A session in a list.
pub(crate) struct Member {
    pub(crate) login_at: u64,
    pub(crate) listed: Listed,
}

impl Member {
    /// The columns that [`read`](Self::read) reads, after the id.
    pub(crate) const COLUMNS: &str = "login_at, authenticated_at, level, label, created_at, idle, \
                                      absolute, idle_until, absolute_until";

    pub(crate) fn read<R: sqlx::Row>(row: &R) -> Result<Self, StoreError>
    where
        usize: ColumnIndex<R>,
        for<'r> i64: Decode<'r, R::Database> + Type<R::Database>,
        for<'r> i16: Decode<'r, R::Database> + Type<R::Database>,
        for<'r> &'r [u8]: Decode<'r, R::Database> + Type<R::Database>,
        for<'r> &'r str: Decode<'r, R::Database> + Type<R::Database>,
    {
        let number = |at: usize| row.try_get::<i64, _>(at).map_err(bad_column);
        let time = |at: usize| Ok::<_, StoreError>(Timestamp::from_millis(to_u64(number(at)?)));
        let id: &[u8] = row.try_get(0).map_err(bad_column)?;
        let level: Option<i16> = row.try_get(3).map_err(bad_column)?;
        let label: Option<&str> = row.try_get(4).map_err(bad_column)?;
        let login = Login {
            // A list does not show it.
            subject: Arc::default(),
            logged_in_at: time(1)?,
            authenticated_at: time(2)?,
            level: level_of(level),
        };
        let deadlines = Deadlines {
            created_at: time(5)?,
            idle_until: time(8)?,
            absolute_until: time(9)?,
        };
        let listed = Listed::new(
            SessionId::from_bytes(id.try_into().map_err(|_| bad_length())?),
            &login,
            &deadlines,
            lifetime(number(6)?, number(7)?),
            label.map(unescape).as_deref(),
        );
        Ok(Self {
            login_at: login.logged_in_at.as_millis(),
            listed,
        })
    }
}

/// The columns that [`inspected`] reads: no secret is among them.
pub(crate) const INSPECTED: &str = "format, subject, login_at, authenticated_at, level, label, \
                                    created_at, idle, absolute, idle_until, absolute_until, fields";

/// Reads a session as an administrator sees it.
pub(crate) fn inspected<R: sqlx::Row>(row: &R, id: SessionId) -> Result<Inspected, StoreError>
where
    usize: ColumnIndex<R>,
    for<'r> i64: Decode<'r, R::Database> + Type<R::Database>,
    for<'r> i16: Decode<'r, R::Database> + Type<R::Database>,
    for<'r> &'r [u8]: Decode<'r, R::Database> + Type<R::Database>,
    for<'r> &'r str: Decode<'r, R::Database> + Type<R::Database>,
{
    let number = |at: usize| row.try_get::<i64, _>(at).map_err(bad_column);
    let time = |at: usize| Ok::<_, StoreError>(Timestamp::from_millis(to_u64(number(at)?)));
    let maybe_time = |at: usize| {
        let time = row.try_get::<Option<i64>, _>(at).map_err(bad_column)?;
        Ok::<_, StoreError>(time.map(|millis| Timestamp::from_millis(to_u64(millis))))
    };
    let format = row.try_get(0).map_err(bad_column)?;
    if format != FORMAT {
        return Err(unknown_format(format));
    }
    let deadlines = Deadlines {
        created_at: time(6)?,
        idle_until: time(9)?,
        absolute_until: time(10)?,
    };
    let subject: Option<&str> = row.try_get(1).map_err(bad_column)?;
    let level: Option<i16> = row.try_get(4).map_err(bad_column)?;
    let login = match subject {
        Some(subject) => {
            let logged_in_at = maybe_time(2)?.unwrap_or(deadlines.created_at);
            Some(Arc::new(Login {
                subject: unescape(subject).into(),
                logged_in_at,
                authenticated_at: maybe_time(3)?.unwrap_or(logged_in_at),
                level: level_of(level),
            }))
        }
        None => None,
    };
    let label: Option<&str> = row.try_get(5).map_err(bad_column)?;
    Ok(Inspected::new(
        id,
        login,
        &deadlines,
        lifetime(number(7)?, number(8)?),
        label.map(unescape).as_deref(),
        fields::texts(row.try_get(11).map_err(bad_column)?)?,
    ))
}

fn level_of(column: Option<i16>) -> u8 {
    column.map_or(FIRST_LEVEL, |level| {
        u8::try_from(level).unwrap_or(FIRST_LEVEL)
    })
}

/// The transport of a [`transport_code`].
fn transport_of(code: i16) -> Result<Transport, StoreError> {
    let both = [Transport::Other, Transport::Cookie];
    let transport = both.into_iter().find(|it| transport_code(*it) == code);
    transport.ok_or_else(|| StoreError::Undecodable {
        field: None,
        source: format!("the column `transport` has the unknown value {code}").into(),
    })
}

fn hash(bytes: &[u8]) -> Result<SecretHash, StoreError> {
    let bytes = bytes.try_into().map_err(|_| bad_length())?;
    Ok(SecretHash::from_bytes(bytes))
}

fn bad_length() -> StoreError {
    StoreError::Undecodable {
        field: None,
        source: "a column of bytes has the wrong length".into(),
    }
}
