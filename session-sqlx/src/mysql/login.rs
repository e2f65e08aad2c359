//! The login that depends on the other sessions of its subject, in two round trips.
//!
//! Which sessions have to end is only known once the subject is locked, and a statement does not see what was committed
//! while it waited. So the login is a script, in which each step is a statement of its own (see `login_script.rs`). A script
//! has no arguments, and its text must not contain the data of a user, because drivers and servers log it. So a prepared
//! statement first puts all texts and bytes into variables of the connection. Numbers, ids, and the hash of the subject are
//! in the text of the script.

use sqlx::MySql;
use sqlx::mysql::{MySqlConnection, MySqlRow};

use connect_session_runtime::sid::SessionId;

use super::login_script::{self, Variables};
use super::{Inner, MySqlBackend};
use crate::args::Args;
use crate::error::{ContextError, StatementError};
use crate::operations::{
    Answer, Dialect as _, Driver as _, LogIn, LoggedIn, LoginStatement, Members, Statement, Terms,
    Work, Wrote, living,
};

impl LogIn for MySqlBackend {
    fn login_on_terms(_: &str, _: &str, login: impl FnOnce(&str) -> String) -> String {
        login(login_script::IS_ADMITTED)
    }

    async fn log_in<T: Answer<MySql> + Wrote>(
        inner: &Inner,
        terms: &Terms,
        statement: &LoginStatement,
        args: impl Fn(Args<MySql>) -> Args<MySql> + Send + Sync,
    ) -> Result<LoggedIn<T>, StatementError> {
        let members = Members::new(inner, &terms.subject);
        let work = |has_pooler| {
            let login = Args::for_script().bind(terms.commit_id.to_bytes().to_vec());
            let (arguments, parameters) = args(login).finish_script()?;
            let variables = Variables::of(&parameters);
            let write = login_script::with_values(&statement.on_terms, &parameters);
            Ok(Login {
                set: Statement {
                    text: variables.set().into(),
                    arguments,
                    has_pooler,
                    is_in_transaction: false,
                },
                script: login_script::script(&members, terms, &write, &variables),
                undo: format!("ROLLBACK; {}", variables.clear()),
            })
        };
        let (number, ended) = inner.perform(work).await?;
        LoggedIn::of_number(number, ended).ok_or_else(|| {
            let lost = "the variables of a login are not those that were set; configure the proxy before the server \
                        to send all statements of a connection on one connection";
            StatementError::NotApplied(ContextError::new(lost).into())
        })
    }
}

struct Login {
    /// Sets the variables.
    set: Statement<MySql>,
    script: String,
    /// Rolls back, and forgets the variables.
    undo: String,
}

impl Work<MySql> for Login {
    /// The version or a [`NoLogin`](crate::operations::NoLogin), and the sessions that ended.
    type Answer = (i64, Vec<SessionId>);
    const IS_READ: bool = false;
    const MAY_CHANGE_SERVER: bool = true;

    async fn run(
        self,
        connection: &mut MySqlConnection,
    ) -> Result<(i64, Vec<SessionId>), sqlx::Error> {
        let done = log_in(connection, self.set, self.script).await;
        if done.is_err() {
            // If this fails, the connection is closed.
            MySql::script(connection, self.undo).await?;
        }
        done
    }
}

async fn log_in(
    connection: &mut MySqlConnection,
    set: Statement<MySql>,
    script: String,
) -> Result<(i64, Vec<SessionId>), sqlx::Error> {
    MySql::write(connection, set).await?;
    read(&MySql::script(connection, script).await?)
}

/// Reads the rows of the script: what it wrote, and then what it ended.
fn read(rows: &[MySqlRow]) -> Result<(i64, Vec<SessionId>), sqlx::Error> {
    let (first, ended) = rows.split_first().ok_or(sqlx::Error::RowNotFound)?;
    let (number, _) = MySqlBackend::read_pair(first)?;
    Ok((number, living::<MySqlBackend>(ended)?))
}
