//! The script of a login on terms, and the variables that it uses.
//!
//! The first statement locks the subject. The second one checks the terms. It is the first one that reads, so its snapshot
//! is taken after the wait for the lock. It is a `SELECT … INTO` because a `SET` would lock the sessions that it reads. The
//! next statements write the session if the terms are met, and end the others if the session was written. The script always
//! commits: if it did not write the session, it has only written the row of the lock.
//!
//! After an error, the server skips the rest of a script. The commit is the last statement, so a script with an error was
//! not committed.

use std::fmt::Write as _;

use super::MySqlBackend;
use crate::args::Parameter;
use crate::convert::to_i64;
use crate::operations::{Dialect, Members, NoLogin, Terms};

/// The condition of the statement that writes the session.
pub(super) const IS_ADMITTED: &str = "@connect_session_verdict = 0";

/// The id of the change that the variables belong to. Some proxies use one connection to the server for several clients,
/// and could send the script on another connection than the variables.
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
    pub(super) fn of(parameters: &[Parameter]) -> Self {
        let variables = parameters.iter().filter(|it| it.is_variable());
        Self {
            arguments: (1..=variables.count()).map(variable).collect(),
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

    /// The statement that sets them to null. The server would keep the values for as long as the connection.
    pub(super) fn clear(&self) -> String {
        let mut text = format!("SET {COMMIT_ID} = NULL");
        let own = [VERDICT, LAST_AT, LAST_ID, VERSION];
        for name in (self.arguments.iter().map(|name| &**name)).chain(own) {
            let _ = write!(text, ", {name} = NULL");
        }
        text
    }
}

/// The text of a statement with a value in place of each `?`.
///
/// A variable that is null has the type of a text, and so has `COALESCE(@idle, idle)`. So only values that are not null are
/// in variables. The servers take the character set of a variable from the connection, hence the conversions.
pub(super) fn with_values(text: &str, parameters: &[Parameter]) -> String {
    let mut parts = text.split('?');
    let mut filled = parts.next().unwrap_or_default().to_owned();
    let mut variables = (1..).map(variable);
    let mut next = || variables.next().unwrap_or_default();
    for (parameter, part) in parameters.iter().zip(parts) {
        let value = match parameter {
            Parameter::Null => "NULL".to_owned(),
            Parameter::Number(number) => number.to_string(),
            Parameter::Flag(true) => "TRUE".to_owned(),
            Parameter::Flag(false) => "FALSE".to_owned(),
            Parameter::Id(id) => MySqlBackend::id_literal(id),
            Parameter::Bytes => format!("CAST({} AS BINARY)", next()),
            Parameter::Text => format!("CONVERT({} USING utf8mb4) COLLATE utf8mb4_bin", next()),
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
    // `LAST_INSERT_ID()` is the version after an update. After an insertion it may be any number, and only whether a row
    // was written is used.
    let version = format!(
        "SELECT CAST(IF(ROW_COUNT() > 0, GREATEST(LAST_INSERT_ID(), 1), {VERDICT}) AS SIGNED) INTO {VERSION}"
    );
    let id = MySqlBackend::id_literal(terms.id.as_bytes());
    let statements = [
        MySqlBackend::BEGIN.to_owned(),
        members.lock(),
        check_terms(members, terms),
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

/// Checks the terms, with the newest version of the subject's row.
fn check_terms(members: &Members<MySqlBackend>, terms: &Terms) -> String {
    let (subjects, key) = (&members.subjects, &members.key);
    let commit_id = MySqlBackend::bytes_literal(&terms.commit_id.to_bytes());
    let mut verdict = format!(
        "CASE WHEN NOT ({COMMIT_ID} <=> {commit_id}) THEN {}",
        NoLogin::Unknown as i64
    );
    if let Some(fence) = terms.fence {
        let (fence, revoked) = (to_i64(fence.number()), NoLogin::Revoked as i64);
        // As `RevocationMark::accepts`.
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
        let parameters = [
            Parameter::Number(-5),
            Parameter::Bytes,
            Parameter::Null,
            Parameter::Flag(true),
            Parameter::Text,
            Parameter::Id([0xab; 16]),
        ];
        let id = "ab".repeat(16);
        let expected = format!(
            "a -5, CAST(@connect_session_1 AS BINARY), NULL, TRUE, \
            CONVERT(@connect_session_2 USING utf8mb4) COLLATE utf8mb4_bin, x'{id}' z"
        );
        assert_eq!(with_values("a ?, ?, ?, ?, ?, ? z", &parameters), expected);
        let variables = Variables::of(&parameters);
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
