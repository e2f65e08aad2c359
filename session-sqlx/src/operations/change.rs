//! A change as arguments of a statement.

use connect_session_runtime::data::DataVersions;
use connect_session_runtime::record::{Change, Key, LoginChange};

use super::millis::to_millis;
use super::values::Values;
use crate::args::Args;
use crate::convert::to_i64;
use crate::escape::escaped_subject;

/// The version that the data of a change is based on, if it has a base.
fn base_version<D>(change: &Change<D>) -> Option<i64> {
    let base = change.data.as_ref()?.base.as_ref()?;
    Some(to_i64(base.version))
}

/// A change that writes data and nothing else.
pub(super) struct DataOnly<'a> {
    commit_id: [u8; 16],
    generation: i64,
    version: i64,
    fields: &'a [u8],
    versions: DataVersions,
}

impl<'a> DataOnly<'a> {
    /// The change, if it is such a one.
    pub(super) fn new<D>(change: &Change<D>, fields: Option<&'a [u8]>) -> Option<Self> {
        let is_only_data = change.identity.is_none() && change.lifetime.is_none();
        Some(Self {
            commit_id: change.commit_id.to_bytes(),
            generation: to_i64(change.generation),
            version: base_version(change).filter(|_| is_only_data)?,
            fields: fields?,
            versions: change.versions,
        })
    }

    /// The version after the change.
    pub(super) fn version_after(&self) -> i64 {
        self.version.saturating_add(1)
    }

    pub(super) fn args<DB: Values>(&self, first: Args<DB>, key: Key) -> Args<DB> {
        first
            .bytes(&self.commit_id)
            .maybe_number(noted_version(self.versions.written))
            .bytes(self.fields)
            .key(key)
            .number(self.generation)
            .number(self.version)
            .number(self.versions.current.into())
    }
}

/// The arguments of the statement that commits any change.
pub(super) fn change_args<DB: Values, D>(
    first: Args<DB>,
    key: Key,
    change: &Change<D>,
    fields: Option<&[u8]>,
) -> Args<DB> {
    let identity = change.identity.as_ref();
    let has_secret = identity.is_some();
    let new_generation = identity.is_some_and(|identity| identity.new_generation);
    let idle = change.lifetime.map(|lifetime| to_millis(lifetime.idle()));
    let absolute = (change.lifetime).map(|lifetime| to_millis(lifetime.absolute()));
    let restarts = change.lifetime.is_some() || new_generation;
    let login = identity.map_or(&LoginChange::Keep, |identity| &identity.login);
    let new_subject = match login {
        LoginChange::Set(login) => escaped_subject(Some(&login.subject)),
        LoginChange::Keep | LoginChange::Clear | LoginChange::Authenticate { .. } => None,
    };
    let commit_id = change.commit_id.to_bytes();
    // `due`, `absolute_until`, `idle_until`, `idle`, `absolute`.
    let args = first
        .maybe_number(idle)
        .flag(restarts)
        .maybe_number(absolute)
        .flag(restarts)
        .maybe_number(absolute)
        .maybe_number(idle)
        .maybe_number(idle)
        .maybe_number(absolute);
    // The offered and the previous secret, and `secret_since`.
    let args = (0..6).fold(args, |args, _| args.flag(has_secret));
    let base = base_version(change).filter(|_| fields.is_some());
    args.maybe_bytes(identity.map(|identity| &identity.secret.as_bytes()[..]))
        .number(i64::from(has_secret))
        .number(i64::from(new_generation))
        .flag(matches!(login, LoginChange::Set(_) | LoginChange::Clear))
        .maybe_text(new_subject.as_deref())
        .bytes(&commit_id)
        .flag(fields.is_some())
        .maybe_number(noted_version(change.versions.written))
        .maybe_bytes(fields)
        .number(i64::from(fields.is_some()))
        .key(key)
        .bytes(&commit_id)
        .number(to_i64(change.generation))
        .flag(has_secret)
        .number(to_i64(change.epoch))
        .flag(base.is_some())
        .number(base.unwrap_or(0))
        .flag(fields.is_some())
        .number(change.versions.current.into())
}

/// The version of data as it is stored: the first is not noted.
pub(super) fn noted_version(version: u32) -> Option<i64> {
    (version > 1).then_some(version.into())
}
