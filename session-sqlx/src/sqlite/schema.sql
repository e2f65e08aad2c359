-- Sessions of connect-session, format 2. `SqliteStore::open` runs this SQL. For a store on a pool, call
-- `SqliteStore::migrate`, or run it yourself.
--
-- Times are milliseconds since 1970. In texts, `\` is escaped as `\\` and NUL as `\0`. `fields` maps the
-- name of each field to its revision and its JSON text. `due` is when the sweep visits the row next, at
-- most its deadline.
CREATE TABLE IF NOT EXISTS connect_sessions (
    namespace TEXT NOT NULL,
    id BLOB NOT NULL,
    format INTEGER NOT NULL,
    version INTEGER NOT NULL,
    epoch INTEGER NOT NULL,
    generation INTEGER NOT NULL,
    commit_id BLOB NOT NULL,
    transport INTEGER NOT NULL,
    secret BLOB NOT NULL,
    secret_since INTEGER NOT NULL,
    offered_secret BLOB,
    offered_at INTEGER,
    offered_grace INTEGER,
    previous_secret BLOB,
    previous_until INTEGER,
    idle INTEGER NOT NULL,
    absolute INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    idle_until INTEGER NOT NULL,
    absolute_until INTEGER NOT NULL,
    due INTEGER NOT NULL,
    subject TEXT,
    fields TEXT NOT NULL,
    PRIMARY KEY (namespace, id)
);

CREATE INDEX IF NOT EXISTS connect_sessions_due ON connect_sessions (due) WHERE format = 2;
