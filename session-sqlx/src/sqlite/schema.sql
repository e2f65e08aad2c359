-- Sessions of connect-session, format 2. `SqliteStore::open` runs this SQL. For a store on a pool, call
-- `SqliteStore::migrate`, or run it yourself.
--
-- `namespace` is the first eight bytes of the SHA-256 of the config's namespace. Times are milliseconds
-- since 1970. In `subject`, `\` is escaped as `\\` and NUL as `\0`. `fields` is a JSON object in UTF-8:
-- `CAST(fields AS TEXT)` shows it.
--
-- `due` is when the sweep visits the row next, at most its deadline. A request that moves the deadline
-- does not change `due`, so it changes no index.
--
-- `data_version` is NULL for version 1 of a config's data. `subject_key` is the SHA-256 of the config's
-- namespace, a zero byte and the subject. `first_use_until` is not NULL for a session that ends early unless a
-- request presents it: `idle_until` is then no later, and the first load sets it to NULL. `extra` is for later
-- versions of this library. This one leaves it alone, and while it is NULL it takes one byte.
--
-- `end_reason` is 1 in the tombstone of a session that ended because its user may have no more: a row without a
-- user and fields, whose idle deadline has passed. Until `due`, a load with one of its secrets returns the reason.
--
-- A row of `connect_sessions_subjects` is written by logins that depend on the other sessions of the subject, as a
-- lock, and by the end of all sessions of a subject, which raises `mark`. The sweep removes it after
-- `kept_until`.
CREATE TABLE IF NOT EXISTS connect_sessions (
    namespace INTEGER NOT NULL,
    id BLOB NOT NULL,
    version INTEGER NOT NULL,
    epoch INTEGER NOT NULL,
    generation INTEGER NOT NULL,
    idle INTEGER NOT NULL,
    absolute INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    secret_since INTEGER NOT NULL,
    idle_until INTEGER NOT NULL,
    absolute_until INTEGER NOT NULL,
    due INTEGER NOT NULL,
    format INTEGER NOT NULL,
    transport INTEGER NOT NULL,
    commit_id BLOB NOT NULL,
    secret BLOB NOT NULL,
    offered_secret BLOB,
    offered_at INTEGER,
    offered_grace INTEGER,
    previous_secret BLOB,
    previous_until INTEGER,
    subject TEXT,
    data_version INTEGER,
    subject_key BLOB,
    login_at INTEGER,
    authenticated_at INTEGER,
    level INTEGER,
    label TEXT,
    first_use_until INTEGER,
    end_reason INTEGER,
    extra BLOB,
    fields BLOB NOT NULL,
    PRIMARY KEY (namespace, id)
);

CREATE INDEX IF NOT EXISTS connect_sessions_due ON connect_sessions (due) WHERE format = 2;

CREATE INDEX IF NOT EXISTS connect_sessions_subject ON connect_sessions (subject_key, login_at, id)
    WHERE subject_key IS NOT NULL;

CREATE TABLE IF NOT EXISTS connect_sessions_subjects (
    subject_key BLOB NOT NULL PRIMARY KEY,
    mark INTEGER NOT NULL,
    kept_until INTEGER NOT NULL
) WITHOUT ROWID;
