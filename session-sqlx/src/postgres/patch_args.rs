//! What a change writes.

use std::collections::BTreeMap;

use crate::escape::{escape, json};
use connect_session_runtime::patch::Patch;

/// What a change writes, as a statement takes it.
#[derive(Debug, Default)]
pub(super) struct PatchArgs {
    /// The revision that each changed field must still have, or null if it must not exist; `None`
    /// if nothing is asked.
    pub(super) bases: Option<String>,
    pub(super) replace_all: bool,
    /// The new text of each field; `None` if no data are written.
    pub(super) set: Option<String>,
    pub(super) remove: Vec<String>,
}

impl PatchArgs {
    pub(super) fn new(patch: Option<&Patch>) -> Self {
        let Some(patch) = patch.filter(|patch| !patch.is_empty()) else {
            return Self::default();
        };
        let written = (patch.set.iter()).map(|field| (escape(&field.name), field.base));
        let removed = (patch.remove.iter()).map(|(name, base)| (escape(name), Some(*base)));
        let bases: BTreeMap<_, _> = written.chain(removed).collect();
        let set = (patch.set.iter()).map(|field| (escape(&field.name), &*field.json));
        let set: BTreeMap<_, _> = set.collect();
        Self {
            bases: (!patch.replace_all).then(|| json(&bases)),
            replace_all: patch.replace_all,
            set: Some(json(&set)),
            remove: (patch.remove.iter())
                .map(|(name, _)| escape(name).into_owned())
                .collect(),
        }
    }
}
