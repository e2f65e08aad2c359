//! A change as arguments of a statement.

use connect_session_runtime::data::DataFormat;
use connect_session_runtime::record::{Change, CommitId, Key, LoginChange, NewRecord, SubjectKey};

use super::millis::to_millis;
use super::terms::Terms;
use super::values::Values;
use crate::args::Args;
use crate::convert::to_i64;
use crate::escape::escaped;

/// The version that the data of a change is based on, if it has a base.
pub(super) fn base_version<D>(change: &Change<D>) -> Option<i64> {
    let base = change.data.as_ref()?.base.as_ref()?;
    Some(to_i64(base.version))
}

/// A change that writes data and nothing else.
pub(super) struct DataOnly<'a> {
    commit_id: [u8; 16],
    generation: i64,
    version: i64,
    fields: &'a [u8],
    format: DataFormat,
}

impl<'a> DataOnly<'a> {
    /// The change, if it is such a one.
    pub(super) fn new<D>(change: &Change<D>, fields: Option<&'a [u8]>) -> Option<Self> {
        let is_only_data =
            change.identity.is_none() && change.lifetime.is_none() && change.label.is_none();
        Some(Self {
            commit_id: change.commit_id.to_bytes(),
            generation: to_i64(change.generation),
            version: base_version(change).filter(|_| is_only_data)?,
            fields: fields?,
            format: change.format,
        })
    }

    /// The version after the change.
    pub(super) fn version_after(&self) -> i64 {
        self.version.saturating_add(1)
    }

    pub(super) fn args<DB: Values>(&self, first: Args<DB>, key: Key) -> Args<DB> {
        first
            .bytes(&self.commit_id)
            .maybe_number(noted_version(self.format.written))
            .bytes(self.fields)
            .key(key)
            .number(self.generation)
            .number(self.version)
            .number(self.format.current.into())
    }
}

/// A change of the login or the label, as columns.
pub(super) struct LoginColumns<'a> {
    change: &'a LoginChange,
    subject: Option<String>,
    subject_key: Option<[u8; 32]>,
    /// The new label; an empty one is none.
    label: Option<String>,
}

impl<'a> LoginColumns<'a> {
    /// The change, if it has such a part.
    pub(super) fn new<D>(key: Key, change: &'a Change<D>) -> Option<Self> {
        let identity = change.identity.as_ref();
        let login = identity.map_or(&LoginChange::Keep, |identity| &identity.login);
        if *login == LoginChange::Keep && change.label.is_none() {
            return None;
        }
        let subject = match login {
            LoginChange::Set(login) => Some(&*login.subject),
            LoginChange::Keep | LoginChange::Clear | LoginChange::Authenticate { .. } => None,
        };
        let subject_key = subject.map(|subject| SubjectKey::new(key.namespace, subject).hash);
        Some(Self {
            change: login,
            subject: escaped(subject),
            subject_key,
            label: escaped(change.label.as_deref()),
        })
    }

    /// What the login depends on, if it depends on something.
    pub(super) fn terms(&self, key: Key, commit_id: CommitId) -> Option<Terms> {
        match self.change {
            LoginChange::Set(login) => Terms::new(key, login, commit_id),
            LoginChange::Keep | LoginChange::Clear | LoginChange::Authenticate { .. } => None,
        }
    }

    /// The bytes of its texts.
    pub(super) fn size(&self) -> usize {
        let texts = [&self.subject, &self.label].into_iter().flatten();
        texts.map(String::len).sum()
    }

    fn args<DB: Values>(&self, first: Args<DB>) -> Args<DB> {
        let is_cleared = *self.change == LoginChange::Clear;
        let (is_new, level) = match self.change {
            LoginChange::Set(login) => (true, Some(login.level)),
            LoginChange::Keep | LoginChange::Clear | LoginChange::Authenticate { .. } => {
                (false, None)
            }
        };
        let (is_authenticated, proven) = match self.change {
            LoginChange::Authenticate { level } => (true, *level),
            LoginChange::Set(_) | LoginChange::Keep | LoginChange::Clear => (false, None),
        };
        let is_replaced = is_new || is_cleared;
        let label = self.label.as_deref().filter(|label| !label.is_empty());
        first
            .flag(is_new)
            .flag(is_cleared)
            .flag(is_new)
            .flag(is_cleared)
            .flag(is_authenticated)
            .flag(is_replaced)
            .maybe_number(level.map(i64::from))
            .maybe_number(proven.map(i64::from))
            .flag(is_cleared || self.label.is_some())
            .maybe_text(label)
            .flag(is_replaced)
            .maybe_text(self.subject.as_deref())
            .flag(is_replaced)
            .maybe_bytes(self.subject_key.as_ref().map(|key| &key[..]))
    }
}

/// The login and the label of a new record, as columns.
pub(super) struct NewLoginColumns {
    subject: Option<String>,
    subject_key: Option<[u8; 32]>,
    level: Option<u8>,
    label: Option<String>,
}

impl NewLoginColumns {
    /// The columns, if the record has a login or a label.
    pub(super) fn new<D>(key: Key, record: &NewRecord<D>) -> Option<Self> {
        let login = record.login.as_ref();
        if login.is_none() && record.label.is_none() {
            return None;
        }
        Some(Self {
            subject: escaped(login.map(|login| &*login.subject)),
            subject_key: login.map(|login| SubjectKey::new(key.namespace, &login.subject).hash),
            level: login.map(|login| login.level),
            label: escaped(record.label.as_deref()),
        })
    }

    /// The bytes of its texts.
    pub(super) fn size(&self) -> usize {
        let texts = [&self.subject, &self.label].into_iter().flatten();
        texts.map(String::len).sum()
    }

    pub(super) fn args<DB: Values>(&self, first: Args<DB>) -> Args<DB> {
        let has_login = self.subject.is_some();
        first
            .maybe_text(self.subject.as_deref())
            .maybe_bytes(self.subject_key.as_ref().map(|key| &key[..]))
            .flag(has_login)
            .flag(has_login)
            .maybe_number(self.level.map(i64::from))
            .maybe_text(self.label.as_deref())
    }
}

/// The arguments of the statement that commits any change.
pub(super) fn change_args<DB: Values, D>(
    first: Args<DB>,
    key: Key,
    change: &Change<D>,
    fields: Option<&[u8]>,
    login: Option<&LoginColumns<'_>>,
) -> Args<DB> {
    let identity = change.identity.as_ref();
    let has_secret = identity.is_some();
    let new_generation = identity.is_some_and(|identity| identity.new_generation);
    let idle = change.lifetime.map(|lifetime| to_millis(lifetime.idle()));
    let absolute = (change.lifetime).map(|lifetime| to_millis(lifetime.absolute()));
    let restarts = change.lifetime.is_some() || new_generation;
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
    let args = args
        .maybe_bytes(identity.map(|identity| &identity.secret.as_bytes()[..]))
        .number(i64::from(has_secret))
        .number(i64::from(new_generation));
    let args = match login {
        Some(login) => login.args(args),
        None => args,
    };
    args.bytes(&commit_id)
        .flag(fields.is_some())
        .maybe_number(noted_version(change.format.written))
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
        .number(change.format.current.into())
}

/// The version of data as it is stored: the first is not noted.
pub(super) fn noted_version(version: u32) -> Option<i64> {
    (version > 1).then_some(version.into())
}
