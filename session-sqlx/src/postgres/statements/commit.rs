//! The statement of a commit.

use super::{NOW, RECORD};

/// $1 namespace, $2 id, $3 commit id, $4 generation, $5 epoch, $6 the revision that each changed
/// field must have or null, $7 whether all fields are replaced, $8 the fields to write or null if the
/// data do not change, $9 the names of the fields to remove, $10 the new secret or null, $11 whether
/// the generation is raised, $12 whether $13 replaces the subject, $14 idle and $15 absolute lifetime
/// or null, $16 whether the change contains data. Returns the columns of [`RECORD`], the fields if
/// they are needed, the format, the time, the verdict, and the new version.
///
/// The row is locked before anything is compared, so that the comparison sees its latest version.
///
/// `plain_fields` are the fields, decompressed once. From the column itself, each comparison of a field
/// would decompress all of them again.
pub(super) fn commit(table: &str) -> String {
    let verdicts = [
        ("unknown_format", Verdict::UnknownFormat),
        ("ended", Verdict::Ended),
        ("already_applied", Verdict::AlreadyApplied),
        ("conflict", Verdict::Conflict),
        ("applied", Verdict::Applied),
    ];
    let mut text = format!(
        "WITH locked AS MATERIALIZED (
            SELECT *, CASE WHEN $6::text IS NOT NULL THEN fields || '{{}}'::jsonb END AS plain_fields
            FROM {table} WHERE namespace = $1::text AND id = $2::text::uuid
            FOR NO KEY UPDATE
        ),
        checked AS MATERIALIZED (
            SELECT r.*,
                CASE WHEN r.format <> 1 THEN :unknown_format
                WHEN r.now >= least(r.idle_until, r.absolute_until) THEN :ended
                WHEN r.commit_id = $3::bytea THEN :already_applied
                WHEN r.generation <> $4::bigint THEN :ended
                WHEN $10::bytea IS NOT NULL AND r.epoch <> $5::bigint THEN :conflict
                WHEN EXISTS (
                    SELECT FROM jsonb_each_text($6::text::jsonb) AS base (name, revision)
                    WHERE (r.plain_fields -> base.name ->> 0) IS DISTINCT FROM base.revision
                ) THEN :conflict
                ELSE :applied END AS verdict,
                r.version + CASE WHEN $8::text IS NULL THEN 0 ELSE 1 END AS new_version,
                r.now + coalesce($14::bigint, r.idle) AS new_idle_until,
                CASE WHEN $11::bool OR $15::bigint IS NOT NULL
                    THEN r.now + coalesce($15::bigint, r.absolute)
                    ELSE r.absolute_until END AS new_absolute_until
            FROM (SELECT r.*, {NOW} AS now FROM locked AS r) AS r
        ),
        updated AS (
            UPDATE {table} AS t SET
                commit_id = $3::bytea,
                version = r.new_version,
                fields = CASE WHEN $8::text IS NULL THEN r.fields ELSE
                    CASE WHEN $7::bool THEN '{{}}'::jsonb ELSE r.fields - $9::text[] END
                    || coalesce((
                        SELECT jsonb_object_agg(name, jsonb_build_array(r.new_version, json))
                        FROM jsonb_each_text($8::text::jsonb) AS field (name, json)
                    ), '{{}}'::jsonb) END,
                idle = coalesce($14::bigint, r.idle),
                absolute = coalesce($15::bigint, r.absolute),
                idle_until = r.new_idle_until,
                absolute_until = r.new_absolute_until,
                due = least(r.due, r.new_idle_until, r.new_absolute_until),
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
            FROM checked AS r
            WHERE t.namespace = $1::text AND t.id = $2::text::uuid AND r.verdict = :applied
        )
        SELECT {RECORD}, CASE WHEN r.verdict = :conflict OR (r.verdict = :already_applied AND $16::bool)
                THEN r.fields::text END,
            r.format, r.now, r.verdict, r.new_version
        FROM checked AS r"
    );
    for (name, verdict) in verdicts {
        text = text.replace(&format!(":{name}"), &format!("{}", verdict as i32));
    }
    text
}

/// The result of checking a change.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Verdict {
    UnknownFormat = 0,
    Ended = 1,
    AlreadyApplied = 2,
    Conflict = 3,
    Applied = 4,
}

impl Verdict {
    pub(crate) fn from_code(code: i32) -> Self {
        match code {
            1 => Self::Ended,
            2 => Self::AlreadyApplied,
            3 => Self::Conflict,
            4 => Self::Applied,
            _ => Self::UnknownFormat,
        }
    }
}
