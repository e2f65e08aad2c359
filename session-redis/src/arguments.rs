//! The arguments of the scripts, in the order in which each script reads them.

use std::time::Duration;

use connect_session_runtime::record::{Change, LoadRequest, LoginChange};
use connect_session_runtime::timestamp::millis;

use super::stored::{
    counter_bytes, data_version_bytes, flags_of, lifetime_bytes, login_section, six_bytes,
    stored_lifetime,
};

/// The arguments of `load.lua`.
pub(super) struct LoadArguments([Vec<u8>; 6]);

impl LoadArguments {
    pub(super) fn new(request: &LoadRequest) -> Self {
        let touch_every = request.touch_every.map(at_least_a_millisecond);
        let (every, grace, candidate) = match &request.renewal {
            Some(renewal) => (
                text(millis(renewal.every)),
                text(millis(renewal.grace)),
                renewal.candidate.as_bytes().to_vec(),
            ),
            None => Default::default(),
        };
        Self([
            request.secret.as_bytes().to_vec(),
            text(flags_of(request.transport).into()),
            touch_every.map(text).unwrap_or_default(),
            every,
            grace,
            candidate,
        ])
    }

    pub(super) fn as_slices(&self) -> [&[u8]; 6] {
        self.0.each_ref().map(Vec::as_slice)
    }
}

/// A time of zero would be one that is not given.
fn at_least_a_millisecond(duration: Duration) -> u64 {
    millis(duration).max(1)
}

/// A number as Lua reads it: exact up to 2^53.
fn text(number: u64) -> Vec<u8> {
    number.min(1 << 47).to_string().into_bytes()
}

/// The arguments of `commit.lua`.
pub(super) struct CommitArguments<'a> {
    commit_id: [u8; 16],
    generation: [u8; 4],
    epoch: Option<[u8; 4]>,
    version: Option<[u8; 6]>,
    fields: Option<&'a [u8]>,
    secret: Option<&'a [u8; 32]>,
    begins_generation: bool,
    login: Option<Vec<u8>>,
    lifetime: Option<[u8; 12]>,
    /// The version of new data, and the latest one into whose records it may be written; neither is sent
    /// if both are 1.
    versions: Option<([u8; 4], Vec<u8>)>,
}

impl<'a> CommitArguments<'a> {
    /// `fields` are all encoded fields after the change, if it changes one.
    pub(super) fn new<D>(change: &'a Change<D>, fields: Option<&'a [u8]>) -> Self {
        let versions = change.versions;
        let identity = change.identity.as_ref();
        let base = change.data.as_ref().and_then(|data| data.base.as_ref());
        let login = identity.map_or(&LoginChange::Keep, |identity| &identity.login);
        Self {
            commit_id: change.commit_id.to_bytes(),
            generation: counter_bytes(change.generation),
            epoch: identity.map(|_| counter_bytes(change.epoch)),
            version: base.map(|base| six_bytes(base.version)),
            fields,
            secret: identity.map(|identity| identity.secret.as_bytes()),
            begins_generation: identity.is_some_and(|identity| identity.new_generation),
            login: match login {
                LoginChange::Keep | LoginChange::Authenticate { .. } => None,
                LoginChange::Set(login) => Some(login_section(Some(&login.subject))),
                LoginChange::Clear => Some(login_section(None)),
            },
            lifetime: (change.lifetime).map(|lifetime| lifetime_bytes(stored_lifetime(lifetime))),
            versions: (versions.current > 1).then(|| {
                let current = text(versions.current.into());
                (data_version_bytes(versions.written), current)
            }),
        }
    }

    pub(super) fn as_slices(&self) -> Vec<&[u8]> {
        let change = |is_set| if is_set { &b"set"[..] } else { b"keep" };
        let mut arguments: Vec<&[u8]> = vec![
            &self.commit_id,
            &self.generation,
            self.epoch.as_ref().map_or(&[], |epoch| epoch),
            self.version.as_ref().map_or(&[], |version| version),
            self.fields.unwrap_or_default(),
            change(self.fields.is_some()),
            self.secret.map_or(&[], |secret| secret),
            if self.begins_generation {
                b"new"
            } else {
                b"same"
            },
            self.login.as_deref().unwrap_or_default(),
            change(self.login.is_some()),
            self.lifetime.as_ref().map_or(&[], |lifetime| lifetime),
        ];
        if let Some((written, current)) = &self.versions {
            arguments.extend([&written[..], current]);
        }
        arguments
    }
}
