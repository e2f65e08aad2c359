//! The arguments of the scripts, in the order in which each script reads them.

use std::time::Duration;

use connect_session_runtime::data::EncodedFields;
use connect_session_runtime::patch::Patch;
use connect_session_runtime::record::{
    Change, IdentityChange, Lifetime, LoadRequest, NewRecord, SubjectChange, Transport,
};

/// The longest duration, in milliseconds: about 140,000 years. Added to the server's clock it stays
/// below 2^53, up to which Lua's numbers are exact.
const MAX_MILLIS: u64 = 1 << 52;

/// The `ARGV` of a script.
#[derive(Default)]
pub(super) struct Arguments(Vec<Vec<u8>>);

impl Arguments {
    pub(super) fn as_slice(&self) -> &[Vec<u8>] {
        &self.0
    }

    fn push(&mut self, argument: impl AsRef<[u8]>) -> &mut Self {
        self.0.push(argument.as_ref().to_vec());
        self
    }

    fn number(&mut self, number: u64) -> &mut Self {
        self.push(number.to_string())
    }

    /// A duration in milliseconds, at least 1: a record whose deadline is now would have ended.
    fn duration(&mut self, duration: Duration) -> &mut Self {
        self.number(millis(duration))
    }
}

fn millis(duration: Duration) -> u64 {
    let millis = duration.as_nanos().div_ceil(1_000_000);
    u64::try_from(millis)
        .unwrap_or(MAX_MILLIS)
        .clamp(1, MAX_MILLIS)
}

/// The arguments of `insert.lua`.
pub(super) fn insert<D>(record: &NewRecord<D>, fields: &EncodedFields) -> Arguments {
    let mut arguments = Arguments::default();
    arguments
        .push(record.secret.as_bytes())
        .push(transport(record.transport))
        .push(record.commit_id.to_bytes())
        .duration(record.lifetime.idle())
        .duration(record.lifetime.absolute())
        .push(record.subject.as_ref().map_or("", |_| "subject"))
        .push(record.subject.as_deref().unwrap_or_default());
    for (name, json) in fields {
        arguments.push(name).push(json.get());
    }
    arguments
}

/// The arguments of `load.lua`.
pub(super) fn load(request: &LoadRequest) -> Arguments {
    let mut arguments = Arguments::default();
    arguments
        .push(request.secret.as_bytes())
        .push(transport(request.transport));
    match request.touch_every {
        Some(every) => arguments.duration(every),
        None => arguments.push(""),
    };
    match &request.renewal {
        Some(renewal) => arguments
            .duration(renewal.every)
            .duration(renewal.grace)
            .push(renewal.candidate.as_bytes()),
        None => arguments.push("").push("").push(""),
    };
    arguments
}

/// The arguments of `commit.lua`.
pub(super) fn commit<D>(change: &Change<D>, patch: Option<&Patch>) -> Arguments {
    let mut arguments = Arguments::default();
    arguments
        .push(change.commit_id.to_bytes())
        .number(change.epoch)
        .number(change.generation);
    push_data(&mut arguments, patch);
    push_identity(&mut arguments, change.identity.as_ref());
    push_lifetime(&mut arguments, change.lifetime);
    arguments
}

fn push_data(arguments: &mut Arguments, patch: Option<&Patch>) {
    let Some(patch) = patch else {
        arguments.push("none");
        return;
    };
    arguments.push(if patch.replace_all { "all" } else { "some" });
    arguments.number(patch.set.len() as u64);
    for field in &patch.set {
        let base = field.base.map_or(String::new(), |base| base.to_string());
        arguments.push(&field.name).push(base).push(&field.json);
    }
    arguments.number(patch.remove.len() as u64);
    for (name, base) in &patch.remove {
        arguments.push(name).number(*base);
    }
}

fn push_identity(arguments: &mut Arguments, identity: Option<&IdentityChange>) {
    let Some(identity) = identity else {
        arguments.push("none").push("").push("").push("");
        return;
    };
    let (change, subject) = match &identity.subject {
        SubjectChange::Keep => ("keep", ""),
        SubjectChange::Set(subject) => ("set", &**subject),
        SubjectChange::Clear => ("clear", ""),
    };
    arguments
        .push(if identity.new_generation {
            "new"
        } else {
            "same"
        })
        .push(identity.secret.as_bytes())
        .push(change)
        .push(subject);
}

fn push_lifetime(arguments: &mut Arguments, lifetime: Option<Lifetime>) {
    match lifetime {
        Some(lifetime) => arguments
            .push("set")
            .duration(lifetime.idle())
            .duration(lifetime.absolute()),
        None => arguments.push("keep"),
    };
}

fn transport(transport: Transport) -> &'static str {
    match transport {
        Transport::Cookie => "cookie",
        Transport::Other => "other",
    }
}
