//! The statements, each of which is a whole verb.

use std::sync::Arc;

use crate::table::Table;

/// The time of the server at this very moment; `now()` is when the transaction began, which may be
/// long before a lock was had.
const NOW: &str = "(extract(epoch FROM clock_timestamp()) * 1000)::bigint";

/// What a record is read from, of a row `r`.
const RECORD: &str = "r.version, r.epoch, r.generation, r.commit_id, r.created_at, r.idle_until, \
                      r.absolute_until, r.idle, r.absolute, r.subject";

/// Every column that an insertion over an ended record writes anew.
const COLUMNS: [&str; 20] = [
    "version",
    "epoch",
    "generation",
    "commit_id",
    "transport",
    "secret",
    "secret_since",
    "offered_secret",
    "offered_at",
    "offered_grace",
    "previous_secret",
    "previous_until",
    "idle",
    "absolute",
    "created_at",
    "idle_until",
    "absolute_until",
    "due",
    "subject",
    "fields",
];

/// Texts that every use shares.
#[derive(Debug)]
pub(super) struct Statements {
    pub(super) ready: Arc<str>,
    pub(super) columns: Arc<str>,
    pub(super) insert: Arc<str>,
    pub(super) load: Arc<str>,
    pub(super) commit: Arc<str>,
    pub(super) destroy: Arc<str>,
    pub(super) count: Arc<str>,
    pub(super) sweep: Arc<str>,
}

impl Statements {
    pub(super) fn new(table: &Table) -> Self {
        let table = &*table.quoted('"');
        Self {
            ready: ready(table).into(),
            columns: columns(table).into(),
            insert: insert(table).into(),
            load: load(table).into(),
            commit: commit(table).into(),
            destroy: destroy(table).into(),
            count: count(table).into(),
            sweep: sweep(table).into(),
        }
    }
}

/// What kind of server it is, and what may be done there.
fn ready(table: &str) -> String {
    format!(
        "SELECT version(), current_setting('server_version_num')::int, pg_is_in_recovery(), {NOW},
            to_regclass('{table}') IS NOT NULL,
            coalesce(has_table_privilege(to_regclass('{table}'), 'SELECT')
                AND has_table_privilege(to_regclass('{table}'), 'INSERT')
                AND has_table_privilege(to_regclass('{table}'), 'UPDATE')
                AND has_table_privilege(to_regclass('{table}'), 'DELETE'), false)"
    )
}

/// Fails unless the table has every column.
fn columns(table: &str) -> String {
    let columns = COLUMNS.join(", ");
    format!("SELECT namespace, id, format, {columns} FROM {table} LIMIT 0")
}

/// $1 namespace, $2 id, $3 commit id, $4 transport, $5 secret, $6 idle, $7 absolute, $8 subject,
/// $9 fields. A row if it was done.
fn insert(table: &str) -> String {
    let columns = COLUMNS.join(", ");
    let excluded = COLUMNS
        .map(|column| format!("excluded.{column}"))
        .join(", ");
    format!(
        "WITH clock AS MATERIALIZED (SELECT {NOW} AS now)
        INSERT INTO {table} AS r (namespace, id, format, {columns})
        SELECT $1::text, $2::text::uuid, 1, 1, 0, 0, $3::bytea, $4::smallint, $5::bytea, now,
            NULL, NULL, NULL, NULL, NULL, $6::bigint, $7::bigint, now, now + $6::bigint,
            now + $7::bigint, now + least($6::bigint, $7::bigint), $8::text, $9::text::jsonb
        FROM clock
        ON CONFLICT (namespace, id) DO UPDATE SET ({columns}) = ROW({excluded})
        WHERE r.format = 1 AND least(r.idle_until, r.absolute_until) <= {NOW}
        RETURNING r.created_at"
    )
}

/// What a load may do to the rows of a table or query. $3 secret, $4 transport, $5 touch every or
/// null, $6 renew every or null.
fn judged(source: &str) -> String {
    format!(
        "SELECT r.*, r.admitted AND (r.touches OR r.promotes OR r.offers) AS due_now FROM (
            SELECT r.*,
                r.format = 1 AND r.transport = $4::smallint
                    AND r.now < least(r.idle_until, r.absolute_until)
                    AND (r.is_current OR r.promotes
                        OR coalesce(r.previous_secret = $3::bytea AND r.now < r.previous_until, false))
                    AS admitted,
                r.is_current AND coalesce(r.secret_since + $6::bigint <= r.now
                    AND (r.offered_at IS NULL OR r.offered_at + $6::bigint <= r.now), false)
                    AS offers,
                r.now - (r.idle_until - r.idle) >= greatest(1,
                    CASE WHEN $5::bigint < r.idle THEN $5::bigint ELSE r.idle / 10 END)
                    AS touches
            FROM (
                SELECT r.*, r.secret = $3::bytea AS is_current,
                    r.secret <> $3::bytea AND coalesce(r.offered_secret = $3::bytea, false)
                        AS promotes
                FROM (SELECT r.*, {NOW} AS now FROM {source}) AS r
            ) AS r
        ) AS r"
    )
}

/// As [`judged`], and $1 namespace, $2 id, $7 grace or null, $8 candidate. The record as columns of
/// [`RECORD`], its fields, its format, the time, and whether the candidate was taken.
///
/// In the usual case nothing is due, and only the row is read. If something is, the row is locked,
/// and judged again as it is then: another load may have done it already.
fn load(table: &str) -> String {
    let seen = judged(&format!(
        "{table} AS r WHERE r.namespace = $1::text AND r.id = $2::text::uuid"
    ));
    let again = judged("locked AS r");
    format!(
        "WITH seen AS MATERIALIZED ({seen}),
        locked AS MATERIALIZED (
            SELECT * FROM {table} WHERE namespace = $1::text AND id = $2::text::uuid
                AND EXISTS (SELECT FROM seen WHERE due_now)
            FOR NO KEY UPDATE
        ),
        again AS MATERIALIZED (
            SELECT r.*, CASE WHEN r.due_now AND r.touches THEN r.now + r.idle ELSE r.idle_until END
                AS slid
            FROM ({again}) AS r
        ),
        written AS (
            UPDATE {table} AS t SET
                idle_until = r.slid,
                secret = CASE WHEN r.promotes THEN r.offered_secret ELSE r.secret END,
                secret_since = CASE WHEN r.promotes THEN r.now ELSE r.secret_since END,
                previous_secret = CASE WHEN r.promotes THEN r.secret ELSE r.previous_secret END,
                previous_until = CASE WHEN r.promotes
                    THEN r.now + coalesce($7::bigint, r.offered_grace, 0) ELSE r.previous_until END,
                offered_secret = CASE WHEN r.promotes THEN NULL
                    WHEN r.offers THEN $8::bytea ELSE r.offered_secret END,
                offered_at = CASE WHEN r.promotes THEN NULL
                    WHEN r.offers THEN r.now ELSE r.offered_at END,
                offered_grace = CASE WHEN r.promotes THEN NULL
                    WHEN r.offers THEN $7::bigint ELSE r.offered_grace END
            FROM again AS r
            WHERE t.namespace = $1::text AND t.id = $2::text::uuid AND r.due_now
        )
        SELECT {RECORD}, r.fields::text, r.format, r.now, false
        FROM seen AS r WHERE (r.admitted OR r.format <> 1) AND NOT r.due_now
        UNION ALL
        SELECT {again_record}, r.fields::text, r.format, r.now, r.due_now AND r.offers
        FROM again AS r WHERE r.admitted OR r.format <> 1",
        again_record = RECORD.replace("r.idle_until", "r.slid"),
    )
}

/// $1 namespace, $2 id, $3 commit id, $4 generation, $5 epoch, $6 the revision that each changed
/// field must have, $7 whether everything is replaced, $8 the texts to be written or null if no
/// data are, $9 the names to be removed, $10 the new secret or null, $11 whether the generation
/// rises, $12 whether $13 is the subject, $14 idle and $15 absolute or null, $16 whether data are
/// asked for. The verdict, the version, the time, the format, and the record where it is shown.
///
/// The row is locked before anything is compared: only then is it the newest.
fn commit(table: &str) -> String {
    let verdicts = [
        ("foreign", Verdict::Foreign),
        ("ended", Verdict::Ended),
        ("repeated", Verdict::Repeated),
        ("conflict", Verdict::Conflict),
        ("applied", Verdict::Applied),
    ];
    let mut text = format!(
        "WITH locked AS MATERIALIZED (
            SELECT * FROM {table} WHERE namespace = $1::text AND id = $2::text::uuid
            FOR NO KEY UPDATE
        ),
        judged AS MATERIALIZED (
            SELECT r.*,
                CASE WHEN r.format <> 1 THEN :foreign
                WHEN r.now >= least(r.idle_until, r.absolute_until) THEN :ended
                WHEN r.commit_id = $3::bytea THEN :repeated
                WHEN r.generation <> $4::bigint THEN :ended
                WHEN $10::bytea IS NOT NULL AND r.epoch <> $5::bigint THEN :conflict
                WHEN EXISTS (
                    SELECT FROM jsonb_each_text($6::text::jsonb) AS base (name, revision)
                    WHERE (r.fields -> base.name ->> 0) IS DISTINCT FROM base.revision
                ) THEN :conflict
                ELSE :applied END AS verdict,
                r.version + CASE WHEN $8::text IS NULL THEN 0 ELSE 1 END AS next,
                r.now + coalesce($14::bigint, r.idle) AS slid,
                CASE WHEN $11::bool OR $15::bigint IS NOT NULL
                    THEN r.now + coalesce($15::bigint, r.absolute)
                    ELSE r.absolute_until END AS ends
            FROM (SELECT r.*, {NOW} AS now FROM locked AS r) AS r
        ),
        written AS (
            UPDATE {table} AS t SET
                commit_id = $3::bytea,
                version = r.next,
                fields = CASE WHEN $8::text IS NULL THEN r.fields ELSE
                    CASE WHEN $7::bool THEN '{{}}'::jsonb ELSE r.fields - $9::text[] END
                    || coalesce((
                        SELECT jsonb_object_agg(name, jsonb_build_array(r.next, json))
                        FROM jsonb_each_text($8::text::jsonb) AS field (name, json)
                    ), '{{}}'::jsonb) END,
                idle = coalesce($14::bigint, r.idle),
                absolute = coalesce($15::bigint, r.absolute),
                idle_until = r.slid,
                absolute_until = r.ends,
                due = least(r.due, r.slid, r.ends),
                secret = coalesce($10::bytea, r.secret),
                secret_since = CASE WHEN $10::bytea IS NULL THEN r.secret_since ELSE r.now END,
                epoch = r.epoch + CASE WHEN $10::bytea IS NULL THEN 0 ELSE 1 END,
                generation = r.generation + CASE WHEN $11::bool THEN 1 ELSE 0 END,
                subject = CASE WHEN $12::bool THEN $13::text ELSE r.subject END,
                offered_secret = CASE WHEN $10::bytea IS NULL THEN r.offered_secret END,
                offered_at = CASE WHEN $10::bytea IS NULL THEN r.offered_at END,
                offered_grace = CASE WHEN $10::bytea IS NULL THEN r.offered_grace END,
                previous_secret = CASE WHEN $10::bytea IS NULL THEN r.previous_secret END,
                previous_until = CASE WHEN $10::bytea IS NULL THEN r.previous_until END
            FROM judged AS r
            WHERE t.namespace = $1::text AND t.id = $2::text::uuid AND r.verdict = :applied
        )
        SELECT {RECORD}, CASE WHEN r.verdict = :conflict OR (r.verdict = :repeated AND $16::bool)
                THEN r.fields::text END,
            r.format, r.now, r.verdict, r.next
        FROM judged AS r"
    );
    for (name, verdict) in verdicts {
        text = text.replace(&format!(":{name}"), &format!("{}", verdict as i32));
    }
    text
}

/// What became of a change.
#[derive(Debug, Clone, Copy)]
pub(super) enum Verdict {
    Foreign = 0,
    Ended = 1,
    Repeated = 2,
    Conflict = 3,
    Applied = 4,
}

impl Verdict {
    pub(super) fn of(number: i32) -> Self {
        match number {
            1 => Self::Ended,
            2 => Self::Repeated,
            3 => Self::Conflict,
            4 => Self::Applied,
            _ => Self::Foreign,
        }
    }
}

/// $1 namespace, $2 id. Whether the record was alive, if there was one.
fn destroy(table: &str) -> String {
    format!(
        "DELETE FROM {table} WHERE namespace = $1::text AND id = $2::text::uuid
        RETURNING {NOW} < least(idle_until, absolute_until)"
    )
}

/// $1 namespace.
fn count(table: &str) -> String {
    format!(
        "SELECT count(*) FROM {table} WHERE namespace = $1::text AND format = 1
            AND least(idle_until, absolute_until) > (SELECT {NOW})"
    )
}

/// $1 how many rows at most. How many were looked at, and how many of those were removed; the
/// others had their deadline moved since they were filed, and are filed anew.
///
/// What another process holds is left to a later turn, so that no request waits, and no two sweeps
/// do. The rows are found again by where they lie, which no planner can take for a scan of all.
fn sweep(table: &str) -> String {
    format!(
        "WITH clock AS MATERIALIZED (SELECT {NOW} AS now),
        found AS MATERIALIZED (
            SELECT ctid AS place, least(idle_until, absolute_until) AS deadline FROM {table}
            WHERE format = 1 AND due <= (SELECT now FROM clock)
            ORDER BY due LIMIT $1::bigint FOR UPDATE SKIP LOCKED
        ),
        removed AS (
            DELETE FROM {table} WHERE ctid = ANY (ARRAY (
                SELECT place FROM found WHERE deadline <= (SELECT now FROM clock)
            )) RETURNING 1
        ),
        filed AS (
            UPDATE {table} SET due = least(idle_until, absolute_until) WHERE ctid = ANY (ARRAY (
                SELECT place FROM found WHERE deadline > (SELECT now FROM clock)
            ))
        )
        SELECT (SELECT count(*) FROM found), (SELECT count(*) FROM removed)"
    )
}
