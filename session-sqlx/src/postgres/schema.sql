-- Sessions of connect-session, format 1. `PostgresStore::migrate` runs this, or you do.
--
-- Times are milliseconds since 1970 by this server's clock. A text has `\` doubled and NUL as `\0`.
-- `fields` maps the name of each field to its revision and its JSON text.
--
-- `due` is when the sweep looks at a row next, and no later than its deadline. The sweep moves it; a
-- request that slides the deadline leaves it, so that no index knows of such an update, and the old
-- row gives its place free within its page (HOT). For that a page is filled to four fifths only.
CREATE TABLE IF NOT EXISTS connect_sessions (
    namespace text COLLATE "C" NOT NULL,
    id uuid NOT NULL,
    format smallint NOT NULL,
    version bigint NOT NULL,
    epoch bigint NOT NULL,
    generation bigint NOT NULL,
    commit_id bytea NOT NULL,
    transport smallint NOT NULL,
    secret bytea NOT NULL,
    secret_since bigint NOT NULL,
    offered_secret bytea,
    offered_at bigint,
    offered_grace bigint,
    previous_secret bytea,
    previous_until bigint,
    idle bigint NOT NULL,
    absolute bigint NOT NULL,
    created_at bigint NOT NULL,
    idle_until bigint NOT NULL,
    absolute_until bigint NOT NULL,
    due bigint NOT NULL,
    subject text COLLATE "C",
    fields jsonb NOT NULL,
    PRIMARY KEY (namespace, id)
) WITH (fillfactor = 80);

CREATE INDEX IF NOT EXISTS connect_sessions_due ON connect_sessions (due) WHERE format = 1;
