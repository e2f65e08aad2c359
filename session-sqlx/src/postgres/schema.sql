-- Sessions of connect-session, format 2. Call `PostgresStore::migrate`, or run this SQL yourself.
--
-- `namespace` is the first eight bytes of the SHA-256 of the config's namespace. Times are milliseconds
-- since 1970 by the clock of this server. In `subject`, `\` is escaped as `\\` and NUL as `\0`. `fields` is a
-- JSON object in UTF-8: `convert_from(fields, 'UTF8')` shows it.
--
-- `due` is when the sweep visits the row next, at most its deadline. A request that moves the deadline
-- does not change `due`, so it changes no indexed column and PostgreSQL can update the row within its
-- page (HOT). The fill factor leaves room for that.
--
-- `data_version` is NULL for version 1 of a config's data. `subject_key` is the SHA-256 of the config's
-- namespace, a zero byte and the subject. `first_use_until` is not NULL for a session that ends early unless a
-- request presents it: `idle_until` is then no later, and the first load sets it to NULL. `extra` is for later
-- versions of this library. This one leaves it alone, and while it is NULL it takes no space. Wide columns come first,
-- so that no space is lost to alignment.
--
-- `end_reason` is 1 in the tombstone of a session that ended because its user may have no more: a row without a
-- user and fields, whose idle deadline has passed. Until `due`, a load with one of its secrets returns the reason.
--
-- A row of `connect_sessions_subjects` is written by logins that depend on the other sessions of the subject, as a
-- lock, and by the end of all sessions of a subject, which raises `mark`. The sweep removes it after
-- `kept_until`.
CREATE TABLE IF NOT EXISTS connect_sessions (
    namespace bigint NOT NULL,
    id uuid NOT NULL,
    version bigint NOT NULL,
    epoch bigint NOT NULL,
    generation bigint NOT NULL,
    idle bigint NOT NULL,
    absolute bigint NOT NULL,
    created_at bigint NOT NULL,
    secret_since bigint NOT NULL,
    idle_until bigint NOT NULL,
    absolute_until bigint NOT NULL,
    due bigint NOT NULL,
    format smallint NOT NULL,
    transport smallint NOT NULL,
    commit_id bytea NOT NULL,
    secret bytea NOT NULL,
    offered_secret bytea,
    offered_at bigint,
    offered_grace bigint,
    previous_secret bytea,
    previous_until bigint,
    subject text COLLATE "C",
    data_version integer,
    subject_key bytea,
    login_at bigint,
    authenticated_at bigint,
    level smallint,
    label text COLLATE "C",
    first_use_until bigint,
    end_reason smallint,
    extra bytea,
    fields bytea NOT NULL,
    PRIMARY KEY (namespace, id)
) WITH (fillfactor = 90);

CREATE INDEX IF NOT EXISTS connect_sessions_due ON connect_sessions (due) WHERE format = 2;

CREATE INDEX IF NOT EXISTS connect_sessions_subject ON connect_sessions (subject_key, login_at, id)
    WHERE subject_key IS NOT NULL;

CREATE TABLE IF NOT EXISTS connect_sessions_subjects (
    subject_key bytea NOT NULL PRIMARY KEY,
    mark bigint NOT NULL,
    kept_until bigint NOT NULL
) WITH (fillfactor = 50);
