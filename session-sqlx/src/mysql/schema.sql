-- Sessions of connect-session, format 1. `MySqlStore::migrate` runs this, or you do.
--
-- Times are milliseconds since 1970 by this server's clock. In a subject `\` is doubled, and NUL is `\0`.
-- `revisions` and `fields` are JSON: they map the name of each field, where everything but letters and
-- digits is `_` and two hexadecimal digits a byte, to its revision and to its JSON text.
--
-- `due` is when the sweep looks at a row next, and no later than its deadline. The sweep moves it; a
-- request that slides the deadline leaves it, and so no index has to be written.
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
