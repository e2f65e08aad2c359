//! The script of a login on terms, and the variables that it uses.
//!
//! The first statement locks the subject. The next one is the first that reads, so its snapshot is from after the wait; it
//! judges the terms. It is a `SELECT … INTO` because `SET` would lock the sessions that it reads. The session is written if
//! the verdict allows it, and the others are ended if it was written. The script commits in any case: without a session,
//! it has written nothing but the lock.
//!
//! After an error, the server skips the rest of a script. So nothing follows the commit: if a statement reports an error,
//! nothing has been committed, as far as the server knows.

use std::fmt::Write as _;

use super::MySqlBackend;
use crate::args::Place;
use crate::convert::to_i64;
use crate::operations::{Dialect, Members, NoLogin, Terms};

/// The condition of the statement that writes the session.
pub(super) const IS_ADMITTED: &str = "@connect_session_verdict = 0";

/// The commit that the variables belong to. A proxy that lends connections to the server could send a script on another
/// one than its variables.
const COMMIT_ID: &str = "@connect_session_commit_id";
/// 0, or the number of a [`NoLogin`].
const VERDICT: &str = "@connect_session_verdict";
/// The session that logged in last of those that have to end: the time of its login, and its id; or null.
const LAST_AT: &str = "@connect_session_last_at";
const LAST_ID: &str = "@connect_session_last_id";
/// The version of the record that was written, or the number of a [`NoLogin`].
const VERSION: &str = "@connect_session_version";

/// The variable of the argument with this number, which begins with 1.
fn variable(number: usize) -> String {
    format!("@connect_session_{number}")
}

/// The variables of one login.
pub(super) struct Variables {
    /// Those that have an argument.
    arguments: Vec<String>,
}

impl Variables {
    pub(super) fn of(places: &[Place]) -> Self {
        let arguments = places.iter().filter(|place| place.is_argument());
        Self {
            arguments: arguments
                .zip(1..)
                .map(|(_, number)| variable(number))
                .collect(),
        }
    }

    /// The statement that sets them. The first of its arguments is the id of the commit.
    pub(super) fn set(&self) -> String {
        let mut text = format!("SET {COMMIT_ID} = ?");
        for name in &self.arguments {
            let _ = write!(text, ", {name} = ?");
        }
        text
    }

    /// Forgets the values, which would stay in the memory of the server as long as the connection.
    pub(super) fn clear(&self) -> String {
        let mut text = format!("SET {COMMIT_ID} = NULL");
        let own = [VERDICT, LAST_AT, LAST_ID, VERSION];
        for name in (self.arguments.iter().map(|name| &**name)).chain(own) {
            let _ = write!(text, ", {name} = NULL");
        }
        text
    }
}

/// The text of a statement with what stands in place of each `?`.
///
/// A variable that is null would be a text, and so would be `COALESCE(@idle, idle)`. So there is a variable only for a
/// value that is not null. The servers take the character set of a variable from the connection, hence the conversions.
pub(super) fn filled(text: &str, places: &[Place]) -> String {
    let mut parts = text.split('?');
    let mut filled = parts.next().unwrap_or_default().to_owned();
    let mut variables = (1..).map(variable);
    let mut next = || variables.next().unwrap_or_default();
    for (place, part) in places.iter().zip(parts) {
        let value = match place {
            Place::Null => "NULL".to_owned(),
            Place::Number(number) => number.to_string(),
            Place::Flag(true) => "TRUE".to_owned(),
            Place::Flag(false) => "FALSE".to_owned(),
            Place::Id(id) => MySqlBackend::id_literal(id),
            Place::Bytes => format!("CAST({} AS BINARY)", next()),
            Place::Text => format!("CONVERT({} USING utf8mb4) COLLATE utf8mb4_bin", next()),
        };
        filled.push_str(&value);
        filled.push_str(part);
    }
    filled
}

/// The script of a login. `write` is the statement that writes the session if [`IS_ADMITTED`]. The first row has what it
/// wrote, and the others are the sessions that ended.
pub(super) fn script(
    members: &Members<MySqlBackend>,
    terms: &Terms,
    write: &str,
    variables: &Variables,
) -> String {
    // The row of an insertion has the version 1, and `LAST_INSERT_ID()` remains as it was.
    let version = format!(
        "SELECT CAST(IF(ROW_COUNT() > 0, GREATEST(LAST_INSERT_ID(), 1), {VERDICT}) AS SIGNED) INTO {VERSION}"
    );
    let id = MySqlBackend::id_literal(terms.id.as_bytes());
    let statements = [
        MySqlBackend::BEGIN.to_owned(),
        members.lock(),
        judge(members, terms),
        write.to_owned(),
        version,
        format!("SELECT {VERSION}, {id}"),
    ];
    let end = [variables.clear(), "COMMIT".to_owned()];
    let statements = statements
        .into_iter()
        .chain(ends(members, terms))
        .chain(end);
    statements.collect::<Vec<_>>().join("; ")
}

/// Judges the terms, in the newest version of the subject's row.
fn judge(members: &Members<MySqlBackend>, terms: &Terms) -> String {
    let (subjects, key) = (&members.subjects, &members.key);
    let commit_id = MySqlBackend::bytes_literal(&terms.commit_id.to_bytes());
    let mut verdict = format!(
        "CASE WHEN NOT ({COMMIT_ID} <=> {commit_id}) THEN {}",
        NoLogin::Unjudged as i64
    );
    if let Some(fence) = terms.fence {
        let (fence, revoked) = (to_i64(fence.number()), NoLogin::Revoked as i64);
        let _ = write!(verdict, " WHEN mark NOT IN (0, {fence}) THEN {revoked}");
    }
    if terms.refuses() {
        let too_many = NoLogin::TooManySessions as i64;
        let _ = write!(verdict, " WHEN beyond.id IS NOT NULL THEN {too_many}");
    }
    verdict.push_str(" ELSE 0 END");
    match terms.limit {
        Some(limit) => format!(
            "SELECT {verdict}, beyond.login_at, beyond.id FROM {subjects} LEFT JOIN ({}) beyond ON TRUE
                WHERE subject_key = {key} INTO {VERDICT}, {LAST_AT}, {LAST_ID}",
            members.last_beyond(terms.id, limit.max.get())
        ),
        None => format!("SELECT {verdict} FROM {subjects} WHERE subject_key = {key} INTO {VERDICT}"),
    }
}

/// Ends the sessions beyond the limit, if the session was written.
fn ends(members: &Members<MySqlBackend>, terms: &Terms) -> Option<String> {
    (terms.limit.is_some() && !terms.refuses()).then(|| {
        let until = Members::<MySqlBackend>::until(terms.id, LAST_AT, LAST_ID);
        members.replace(&format!("{VERSION} > 0 AND {until}"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_text_and_bytes_become_variables() {
        let places = [
            Place::Number(-5),
            Place::Bytes,
            Place::Null,
            Place::Flag(true),
            Place::Text,
            Place::Id([0xab; 16]),
        ];
        let id = "ab".repeat(16);
        let expected = format!(
            "a -5, CAST(@connect_session_1 AS BINARY), NULL, TRUE, \
            CONVERT(@connect_session_2 USING utf8mb4) COLLATE utf8mb4_bin, x'{id}' z"
        );
        assert_eq!(filled("a ?, ?, ?, ?, ?, ? z", &places), expected);
        let variables = Variables::of(&places);
        assert_eq!(
            variables.set(),
            "SET @connect_session_commit_id = ?, @connect_session_1 = ?, @connect_session_2 = ?"
        );
        let (set, clear) = (variables.set(), variables.clear());
        for name in set.split([' ', ',']).filter(|word| word.starts_with('@')) {
            assert!(clear.contains(&format!("{name} = NULL")), "{name}");
        }
    }
}
