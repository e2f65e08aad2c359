-- Sessions of connect-session, format 1. Call `PostgresStore::migrate`, or run this SQL yourself.
--
-- Times are milliseconds since 1970 by the clock of this server. In texts, `\` is escaped as `\\` and NUL
-- as `\0`. `fields` maps the name of each field to its revision and its JSON text.
--
-- `due` is when the sweep visits the row next, at most its deadline. A request that moves the deadline
-- does not change `due`, so it changes no indexed column and PostgreSQL can update the row within its
-- page (HOT). The fill factor leaves room for that.
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
