//! The login that depends on the other sessions of its subject, as one statement.
//!
//! Every such login, and every end of all sessions of a subject, writes the row of the subject. This statement reads that
//! row and the sessions in its snapshot, and then updates the row only if it still is the one of the snapshot. If another
//! transaction is writing the row, PostgreSQL waits for it, and evaluates the condition of `ON CONFLICT` for the version
//! that it leaves. So if the row was updated, no other login or end was committed between the snapshot and the commit of
//! this statement, and the sessions are those of the snapshot, apart from some that have ended. Otherwise the statement
//! writes nothing, and the caller locks the subject in a transaction, whose next statement has a snapshot from after the
//! wait.
//!
//! A new row has no version to compare. It was inserted because there was none: no other was committed since the
//! snapshot, or the sweep has removed its row. The second would take minutes, because a row stays for minutes after the
//! login that wrote it. So a statement that has taken more than one minute is rolled back: its last column divides by
//! zero, because a statement cannot raise an error otherwise. A slow transaction keeps the row for longer instead.
//!
//! A session that ends or changes meanwhile does no harm. One that is to be ended is judged again in its newest version;
//! if another has ended, one may be ended that could have stayed, as if the login had come before.

use sqlx::Postgres;

use connect_session_runtime::sid::SessionId;

use super::{Inner, PostgresBackend, send};
use crate::args::Args;
use crate::convert::to_i64;
use crate::error::StatementError;
use crate::operations::{
    Answer, Dialect, Driver as _, LOCK_KEPT_MILLIS, LogIn, LoggedIn, LoginStatement, NoLogin,
    Terms, WrittenRow, Wrote, is_alive, numbered, tombstone,
};

/// The longest time that the statement may take.
const MOST_MILLIS: u64 = LOCK_KEPT_MILLIS / 5;

/// The arguments that come before those of the login.
const TERMS: usize = 5;

impl LogIn for PostgresBackend {
    const KEEPS_LOCK: bool = true;

    fn login_on_terms(table: &str, subjects: &str, login: impl FnOnce(&str) -> String) -> String {
        on_terms(table, subjects, login)
    }

    /// Runs the statement, or a transaction if the statement is outdated.
    async fn log_in<T: Answer<Postgres> + Wrote>(
        inner: &Inner,
        terms: &Terms,
        statement: &LoginStatement,
        args: impl Fn(Args<Postgres>) -> Args<Postgres> + Send + Sync,
    ) -> Result<LoggedIn<T>, StatementError> {
        let all_args = || args(terms_args(terms));
        match Self::run::<WrittenRow<_>>(inner, &statement.on_terms, all_args).await {
            Ok(WrittenRow(row)) => {
                let row = row.as_ref().map(Self::read_pair).transpose();
                // It has been committed.
                let row = row.map_err(|error| StatementError::Unknown(error.into()))?;
                let done = row.and_then(|(number, ids)| {
                    let (ids, _) = ids.as_chunks();
                    let ended = ids.iter().copied().map(SessionId::from_bytes).collect();
                    LoggedIn::of_number(number, ended)
                });
                if let Some(done) = done {
                    return Ok(done);
                }
            }
            // With a stricter isolation level, the database reports what makes a statement outdated as an error.
            Err(failure) if failure.not_applied().is_some_and(send::is_rolled_back) => {}
            Err(failure) => return Err(failure),
        }
        (inner.log_in_by_transaction(terms, &statement.always, args)).await
    }
}

/// The arguments of [`on_terms`] before those of the login.
fn terms_args(terms: &Terms) -> Args<Postgres> {
    let fence = terms.fence.map(|fence| to_i64(fence.number()));
    let others = terms.limit.map(|limit| i64::from(limit.max.get()) - 1);
    Args::new()
        .bytes(&terms.subject.hash)
        .bind(Postgres::id(*terms.id.as_bytes()))
        .maybe_number(fence)
        .maybe_number(others)
        .flag(terms.refuses())
}

/// $1 subject key, $2 id, $3 fence or null, $4 the most other sessions or null, $5 whether the login is refused if there
/// are more; then those of the login.
///
/// Each step depends on what the one before it returned, so they run in this order. The last column comes after them.
fn on_terms(table: &str, subjects: &str, login: impl FnOnce(&str) -> String) -> String {
    let (now, started) = (PostgresBackend::NOW, PostgresBackend::STARTED);
    let is_in_time = format!("{now} < {started} + {MOST_MILLIS}");
    let living = format!(
        "subject_key = $1 AND id <> $2 AND {}",
        is_alive::<PostgresBackend>(now)
    );
    let login = login("(SELECT verdict FROM terms) IS NULL");
    format!(
        "WITH subject AS (
            INSERT INTO {subjects} AS stored (subject_key, mark, kept_until)
            VALUES ($1, 0, {now} + {LOCK_KEPT_MILLIS})
            ON CONFLICT (subject_key) DO UPDATE
                SET kept_until = greatest(stored.kept_until, excluded.kept_until)
                WHERE $4 IS NULL OR stored.xmin = (SELECT xmin FROM {subjects} WHERE subject_key = $1)
            RETURNING mark
        ), last AS (
            SELECT login_at, id FROM {table} WHERE $4 IS NOT NULL AND {living}
            ORDER BY login_at DESC, id DESC LIMIT 1 OFFSET $4
        ), terms AS (
            SELECT CASE
                WHEN NOT EXISTS (SELECT FROM subject) THEN {outdated}
                WHEN (SELECT mark FROM subject) NOT IN (0, $3) THEN {revoked}
                WHEN $5 AND EXISTS (SELECT FROM last) THEN {too_many}
            END AS verdict
        ), login AS (
            {login} RETURNING version
        ), ended AS (
            UPDATE {table} SET {tombstone} WHERE EXISTS (SELECT FROM login) AND {living}
                AND (login_at, id) <= (SELECT login_at, id FROM last)
            RETURNING id
        )
        SELECT coalesce((SELECT version FROM login), (SELECT verdict FROM terms), {unwritten})::bigint,
            coalesce((SELECT string_agg(uuid_send(id), '') FROM ended), ''),
            1 / ({is_in_time})::int",
        login = numbered(&login, TERMS + 1),
        tombstone = tombstone::<PostgresBackend>(now),
        outdated = NoLogin::Unknown as i64,
        revoked = NoLogin::Revoked as i64,
        too_many = NoLogin::TooManySessions as i64,
        unwritten = NoLogin::Unwritten as i64,
    )
}
