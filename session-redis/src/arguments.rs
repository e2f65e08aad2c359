//! The arguments of the scripts, in the order in which each script reads them.

use std::time::Duration;

use connect_session_runtime::record::{
    Change, LoadRequest, Login, LoginChange, NewLogin, OnMaxSessions, RevocationMark, SubjectKey,
};
use connect_session_runtime::timestamp::{Timestamp, millis};

use super::fields::Fields;
use super::header::{flags_of, lifetime_bytes, stored_lifetime};
use super::key::subject_text;
use super::login_section::login_section;
use super::numbers::{counter_bytes, data_version_bytes, six_bytes};

/// The arguments of `load.lua`.
pub(super) struct LoadArguments([Vec<u8>; 6]);

impl LoadArguments {
    pub(super) fn new(request: &LoadRequest) -> Self {
        let touch_every = request.touch_every.map(at_least_a_millisecond);
        let (every, grace, candidate) = match &request.renewal {
            Some(renewal) => (
                decimal(millis(renewal.every)),
                decimal(millis(renewal.grace)),
                renewal.candidate.as_bytes().to_vec(),
            ),
            None => Default::default(),
        };
        Self([
            request.secret.as_bytes().to_vec(),
            decimal(flags_of(request.transport).into()),
            touch_every.map(decimal).unwrap_or_default(),
            every,
            grace,
            candidate,
        ])
    }

    pub(super) fn as_slices(&self) -> Vec<&[u8]> {
        self.0.iter().map(Vec::as_slice).collect()
    }
}

/// A time of zero would be one that is not given.
fn at_least_a_millisecond(duration: Duration) -> u64 {
    millis(duration).max(1)
}

/// A number as decimal digits, for Lua, whose numbers are exact up to 2^53.
pub(super) fn decimal(number: u64) -> Vec<u8> {
    number.min(1 << 47).to_string().into_bytes()
}

/// The arguments of `commit.lua`.
pub(super) struct CommitArguments<'a> {
    commit_id: [u8; 16],
    generation: [u8; 4],
    epoch: Option<[u8; 4]>,
    version: Option<[u8; 6]>,
    fields: Option<&'a Fields>,
    secret: Option<&'a [u8; 32]>,
    begins_generation: bool,
    login: &'a LoginChange,
    lifetime: Option<[u8; 12]>,
    /// The version of new data, and the latest one into whose records it may be written; neither is sent
    /// if both are 1 and nothing follows.
    versions: ([u8; 4], Vec<u8>),
    label: Option<&'a str>,
    has_versions: bool,
}

impl<'a> CommitArguments<'a> {
    /// `fields` are all fields after the change, if it changes one.
    pub(super) fn new<D>(change: &'a Change<D>, fields: Option<&'a Fields>) -> Self {
        let format = change.format;
        let identity = change.identity.as_ref();
        let base = change.data.as_ref().and_then(|data| data.base.as_ref());
        Self {
            commit_id: change.commit_id.to_bytes(),
            generation: counter_bytes(change.generation),
            epoch: identity.map(|_| counter_bytes(change.epoch)),
            version: base.map(|base| six_bytes(base.version)),
            fields,
            secret: identity.map(|identity| identity.secret.as_bytes()),
            begins_generation: identity.is_some_and(|identity| identity.new_generation),
            login: identity.map_or(&LoginChange::Keep, |identity| &identity.login),
            lifetime: (change.lifetime).map(|lifetime| lifetime_bytes(stored_lifetime(lifetime))),
            versions: (
                data_version_bytes(format.written),
                decimal(format.current.into()),
            ),
            label: change.label.as_deref(),
            has_versions: format.current > 1,
        }
    }

    /// Whether the change may concern the login, the label or the absolute deadline, so that the script
    /// needs to know more.
    pub(super) fn concerns_login(&self) -> bool {
        *self.login != LoginChange::Keep
            || self.label.is_some()
            || self.begins_generation
            || self.lifetime.is_some()
    }

    /// The login that the change sets.
    pub(super) const fn new_login(&self) -> Option<&'a NewLogin> {
        match self.login {
            LoginChange::Set(login) => Some(login),
            _ => None,
        }
    }

    /// All fields after the change, if it changes one.
    pub(super) fn fields(&self) -> Option<&'a Fields> {
        self.fields
    }

    /// The arguments, except those that concern the login.
    pub(super) fn as_slices(&self) -> Vec<&[u8]> {
        let mut arguments = self.first(&[]);
        if self.has_versions {
            arguments.extend([&self.versions.0[..], &self.versions.1]);
        }
        arguments
    }

    /// All arguments.
    pub(super) fn with_login<'b>(&'b self, login: &'b LoginArguments) -> Vec<&'b [u8]> {
        let mut arguments = self.first(&login.section);
        arguments.extend([&self.versions.0[..], &self.versions.1]);
        arguments.extend([
            login.place(),
            &login.level,
            self.label.unwrap_or_default().as_bytes(),
            set_or_keep(self.label.is_some()),
        ]);
        arguments.extend(login.index_arguments());
        arguments.extend([&login.moved[..], &login.moved_until]);
        arguments
    }

    fn first<'b>(&'b self, login_section: &'b [u8]) -> Vec<&'b [u8]> {
        vec![
            &self.commit_id,
            &self.generation,
            self.epoch.as_ref().map_or(&[], |epoch| epoch),
            self.version.as_ref().map_or(&[], |version| version),
            self.fields.map_or(&[], Fields::as_slice),
            set_or_keep(self.fields.is_some()),
            self.secret.map_or(&[], |secret| secret),
            if self.begins_generation {
                b"new"
            } else {
                b"same"
            },
            login_section,
            match self.login {
                LoginChange::Keep => b"keep",
                LoginChange::Set(_) => b"set",
                LoginChange::Clear => b"clear",
                LoginChange::Authenticate { .. } => b"authenticate",
            },
            self.lifetime.as_ref().map_or(&[], |lifetime| lifetime),
        ]
    }
}

const fn set_or_keep(is_set: bool) -> &'static [u8] {
    if is_set { b"set" } else { b"keep" }
}

/// The arguments of `insert.lua` and `commit.lua` that concern the login and the index.
#[derive(Default)]
pub(super) struct LoginArguments {
    /// On a Cluster, the index is not on the server of the record.
    pub(super) is_elsewhere: bool,
    /// The time of the login by the server of the index, if that is another one.
    pub(super) logged_in_at: Vec<u8>,
    /// The member whose deadline has been moved there.
    pub(super) moved: Vec<u8>,
    /// The time until which the member of a login is kept there.
    pub(super) moved_until: Vec<u8>,
    section: Vec<u8>,
    level: Vec<u8>,
    subject: String,
    fence: Vec<u8>,
    max: Vec<u8>,
    refuses: bool,
}

impl LoginArguments {
    pub(super) fn new(namespace: &'static str, login: &NewLogin) -> Self {
        let subject = SubjectKey::new(namespace, &login.subject);
        let untimed = Login::new(login, Timestamp::from_millis(0));
        Self {
            section: login_section(namespace, &untimed),
            subject: subject_text(&subject),
            fence: login.fence.map(fence_text).unwrap_or_default(),
            max: (login.limit).map_or(Vec::new(), |limit| decimal(limit.max.get().into())),
            refuses: refuses(login),
            ..Self::default()
        }
    }

    /// The arguments of a change that sets no login.
    pub(super) fn of_change(change: &LoginChange) -> Self {
        let level = match change {
            LoginChange::Authenticate { level } => *level,
            _ => None,
        };
        Self {
            level: level.map(|level| decimal(level.into())).unwrap_or_default(),
            ..Self::default()
        }
    }

    /// The arguments of `insert.lua`.
    pub(super) fn with_value<'a>(&'a self, value: &'a [u8]) -> Vec<&'a [u8]> {
        let mut arguments = vec![value, self.place()];
        arguments.extend(self.index_arguments());
        arguments
    }

    fn place(&self) -> &'static [u8] {
        if self.is_elsewhere {
            b"elsewhere"
        } else {
            b"here"
        }
    }

    fn index_arguments(&self) -> [&[u8]; 5] {
        [
            &self.logged_in_at,
            self.subject.as_bytes(),
            &self.fence,
            &self.max,
            if self.refuses { b"refuse" } else { b"end" },
        ]
    }
}

/// Whether a login is refused if its subject has too many sessions.
pub(super) fn refuses(login: &NewLogin) -> bool {
    (login.limit).is_some_and(|limit| limit.when_reached == OnMaxSessions::Refuse)
}

/// A fence as the scripts read it.
pub(super) fn fence_text(fence: RevocationMark) -> Vec<u8> {
    if fence == RevocationMark::NEVER {
        return b"never".to_vec();
    }
    // Greater than any time.
    fence.number().to_string().into_bytes()
}
