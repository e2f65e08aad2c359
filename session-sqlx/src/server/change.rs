//! A change as arguments of a statement.

use connect_session_runtime::record::{Change, SubjectChange};

use super::to_millis;
use crate::verbs::escaped_subject;

/// The part of a change that is not data, as arguments of a statement.
pub(crate) struct ChangeArgs {
    pub(crate) secret: Option<Vec<u8>>,
    pub(crate) new_generation: bool,
    /// Whether `subject` replaces the stored one.
    pub(crate) sets_subject: bool,
    pub(crate) subject: Option<String>,
    pub(crate) idle: Option<i64>,
    pub(crate) absolute: Option<i64>,
}

impl ChangeArgs {
    pub(crate) fn new<D>(change: &Change<D>) -> Self {
        let identity = change.identity.as_ref();
        let subject = identity.map_or(&SubjectChange::Keep, |identity| &identity.subject);
        Self {
            secret: identity.map(|identity| identity.secret.as_bytes().to_vec()),
            new_generation: identity.is_some_and(|identity| identity.new_generation),
            sets_subject: *subject != SubjectChange::Keep,
            subject: match subject {
                SubjectChange::Set(subject) => escaped_subject(Some(subject)),
                SubjectChange::Keep | SubjectChange::Clear => None,
            },
            idle: change.lifetime.map(|lifetime| to_millis(lifetime.idle())),
            absolute: (change.lifetime).map(|lifetime| to_millis(lifetime.absolute())),
        }
    }
}
