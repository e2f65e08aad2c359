-- Sessions of connect-session, format 1. Call `MySqlStore::migrate`, or run this SQL yourself.
--
-- Times are milliseconds since 1970 by the clock of this server. In subjects, `\` is escaped as `\\` and
-- NUL as `\0`. `revisions` and `fields` are JSON objects that map the name of each field to its revision
-- and to its JSON text. In the names, each byte other than an ASCII letter or digit is `_` and two
-- hexadecimal digits.
--
-- `due` is when the sweep visits the row next, at most its deadline. A request that moves the deadline
-- does not change `due`, so it changes no index.
CREATE TABLE IF NOT EXISTS connect_sessions (
    namespace VARBINARY(255) NOT NULL,
    id BINARY(16) NOT NULL,
    format SMALLINT NOT NULL,
    version BIGINT NOT NULL,
    epoch BIGINT NOT NULL,
    generation BIGINT NOT NULL,
    commit_id BINARY(16) NOT NULL,
    transport SMALLINT NOT NULL,
    secret BINARY(32) NOT NULL,
    secret_since BIGINT NOT NULL,
    offered_secret BINARY(32),
    offered_at BIGINT,
    offered_grace BIGINT,
    previous_secret BINARY(32),
    previous_until BIGINT,
    idle BIGINT NOT NULL,
    absolute BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    idle_until BIGINT NOT NULL,
    absolute_until BIGINT NOT NULL,
    due BIGINT NOT NULL,
    subject LONGTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
    revisions LONGTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
    fields LONGTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
    PRIMARY KEY (namespace, id),
    KEY connect_sessions_due (format, due)
) ENGINE = InnoDB;
