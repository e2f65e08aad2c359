//! The statement of a load.

use super::{NOW, RECORD};

/// Selects the rows of a table or query, and computes what a load does to each. $3 secret, $4
/// transport, $5 minimum time between touches or null, $6 minimum time between renewals or null.
fn checked(source: &str) -> String {
    format!(
        "SELECT r.*, r.admitted AND (r.touches OR r.promotes OR r.offers) AS must_write FROM (
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

/// $1 to $6 as in [`checked`], except that $1 is the namespace and $2 the id; $7 grace period or null,
/// $8 candidate secret. Returns the columns of [`RECORD`], the fields, the format, the time, and whether
/// the candidate was offered.
///
/// Usually the load has nothing to write and only reads the row. Otherwise the row is locked and
/// checked again, because another load may have written the same in the meantime.
pub(super) fn load(table: &str) -> String {
    let unlocked = checked(&format!(
        "{table} AS r WHERE r.namespace = $1::text AND r.id = $2::text::uuid"
    ));
    let rechecked = checked("locked AS r");
    format!(
        "WITH unlocked AS MATERIALIZED ({unlocked}),
        locked AS MATERIALIZED (
            SELECT * FROM {table} WHERE namespace = $1::text AND id = $2::text::uuid
                AND EXISTS (SELECT FROM unlocked WHERE must_write)
            FOR NO KEY UPDATE
        ),
        rechecked AS MATERIALIZED (
            SELECT r.*, CASE WHEN r.must_write AND r.touches THEN r.now + r.idle ELSE r.idle_until END
                AS new_idle_until
            FROM ({rechecked}) AS r
        ),
        updated AS (
            UPDATE {table} AS t SET
                idle_until = r.new_idle_until,
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
            FROM rechecked AS r
            WHERE t.namespace = $1::text AND t.id = $2::text::uuid AND r.must_write
        )
        SELECT {RECORD}, r.fields::text, r.format, r.now, false
        FROM unlocked AS r WHERE (r.admitted OR r.format <> 1) AND NOT r.must_write
        UNION ALL
        SELECT {locked_record}, r.fields::text, r.format, r.now, r.must_write AND r.offers
        FROM rechecked AS r WHERE r.admitted OR r.format <> 1",
        locked_record = RECORD.replace("r.idle_until", "r.new_idle_until"),
    )
}
