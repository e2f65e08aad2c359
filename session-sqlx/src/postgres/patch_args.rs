//! A change of data as arguments of a statement.

use std::collections::BTreeMap;

use crate::escape::{escape, to_json};
use connect_session_runtime::patch::Patch;

/// A [`Patch`] as arguments of the commit statement.
#[derive(Debug, Default)]
pub(super) struct PatchArgs {
    /// The revision that each changed field must still have, or null if it must not exist; `None` if
    /// no revision is compared.
    pub(super) bases: Option<String>,
    pub(super) replace_all: bool,
    /// The new text of each field; `None` if the data do not change.
    pub(super) set: Option<String>,
    pub(super) remove: Vec<String>,
}

impl PatchArgs {
    pub(super) fn new(patch: Option<&Patch>) -> Self {
        let Some(patch) = patch.filter(|patch| !patch.is_empty()) else {
            return Self::default();
        };
        let set_bases = (patch.set.iter()).map(|field| (escape(&field.name), field.base));
        let removed_bases = (patch.remove.iter()).map(|(name, base)| (escape(name), Some(*base)));
        let bases: BTreeMap<_, _> = set_bases.chain(removed_bases).collect();
        let set = (patch.set.iter()).map(|field| (escape(&field.name), &*field.json));
        let set: BTreeMap<_, _> = set.collect();
        Self {
            bases: (!patch.replace_all).then(|| to_json(&bases)),
            replace_all: patch.replace_all,
            set: Some(to_json(&set)),
            remove: (patch.remove.iter())
                .map(|(name, _)| escape(name).into_owned())
                .collect(),
        }
    }
}
