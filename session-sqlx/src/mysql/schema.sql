-- Sessions of connect-session, format 2. Call `MySqlStore::migrate`, or run this SQL yourself.
--
-- `namespace` is the first eight bytes of the SHA-256 of the config's namespace. Times are milliseconds
-- since 1970 by the clock of this server. In `subject`, `\` is escaped as `\\` and NUL as `\0`. `fields` is a
-- JSON object in UTF-8: `CONVERT(fields USING utf8mb4)` shows it.
--
-- `due` is when the sweep visits the row next, at most its deadline. A request that moves the deadline
-- does not change `due`, so it changes no index.
--
-- `data_version` is NULL for version 1 of a config's data. `subject_key` is the SHA-256 of the config's
-- namespace, a zero byte and the subject. `first_use_until` is not NULL for a session that ends early unless a
-- request presents it: `idle_until` is then no later, and the first load sets it to NULL. `extra` is for later
-- versions of this library. This one leaves it alone, and while it is NULL it takes no space.
--
-- `end_reason` is 1 in the tombstone of a session that ended because its user may have no more: a row without a
-- user and fields, whose idle deadline has passed. Until `due`, a load with one of its secrets returns the reason.
--
-- A row of `connect_sessions_subjects` is written by logins that depend on the other sessions of the subject, as a
-- lock, and by the end of all sessions of a subject, which raises `mark`. The sweep removes it after
-- `kept_until`.
CREATE TABLE IF NOT EXISTS connect_sessions (
    namespace BIGINT NOT NULL,
    id BINARY(16) NOT NULL,
    version BIGINT NOT NULL,
    epoch BIGINT NOT NULL,
    generation BIGINT NOT NULL,
    idle BIGINT NOT NULL,
    absolute BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    secret_since BIGINT NOT NULL,
    idle_until BIGINT NOT NULL,
    absolute_until BIGINT NOT NULL,
    due BIGINT NOT NULL,
    format SMALLINT NOT NULL,
    transport SMALLINT NOT NULL,
    commit_id BINARY(16) NOT NULL,
    secret BINARY(32) NOT NULL,
    offered_secret BINARY(32),
    offered_at BIGINT,
    offered_grace BIGINT,
    previous_secret BINARY(32),
    previous_until BIGINT,
    subject LONGTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
    data_version INTEGER,
    subject_key BINARY(32),
    login_at BIGINT,
    authenticated_at BIGINT,
    level SMALLINT,
    label TEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
    first_use_until BIGINT,
    end_reason SMALLINT,
    extra LONGBLOB,
    fields LONGBLOB NOT NULL,
    PRIMARY KEY (namespace, id),
    KEY connect_sessions_due (format, due),
    KEY connect_sessions_subject (subject_key, login_at, id)
) ENGINE = InnoDB;

CREATE TABLE IF NOT EXISTS connect_sessions_subjects (
    subject_key BINARY(32) NOT NULL PRIMARY KEY,
    mark BIGINT NOT NULL,
    kept_until BIGINT NOT NULL
) ENGINE = InnoDB;
