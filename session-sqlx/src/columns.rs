//! The columns of the table.

/// The columns of everything but the key, the format and the data, in the order in which they are read
/// and written. `format` comes before them, and the data after them.
pub(crate) const COLUMNS: [&str; 23] = [
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
    "login_at",
    "authenticated_at",
    "level",
    "first_use_until",
];
