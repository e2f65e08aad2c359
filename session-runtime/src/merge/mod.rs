//! Three-way merges of the loaded data, this request's changes and those of other requests.

mod elements;
mod fields;
pub mod rule;

use crate::data::SessionData;

/// The three versions of the data, for the rules that a config declares.
#[derive(Debug)]
pub struct MergeInputs<'a, D> {
    /// The data that this request loaded.
    pub loaded: &'a mut D,
    /// The data as this request changed it.
    pub mine: &'a mut D,
    /// The data that is stored now.
    pub theirs: &'a mut D,
    overwritten: Vec<String>,
}

/// Whether a rule could keep both changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub enum Merged {
    /// Both changes are in the result.
    Both,
    /// The other change, or a part of it, is lost.
    Overwritten,
}

impl<D> MergeInputs<'_, D> {
    /// Records the outcome of a rule for a field.
    pub fn settle(&mut self, field: &'static str, outcome: Merged) {
        if outcome == Merged::Overwritten {
            self.overwritten.push(field.to_owned());
        }
    }
}

/// The result of a merge.
#[derive(Debug)]
pub(crate) struct Merge<D> {
    pub(crate) data: D,
    /// The names of the fields whose other change is lost.
    pub(crate) overwritten: Vec<String>,
}

/// Merges this request's changes with the stored data.
///
/// Fields with a rule come first, as typed values. Their rule leaves the same value in all three
/// versions, so they no longer differ when the encoded fields are merged.
pub(crate) fn merge<D: SessionData>(
    rules: fn(&mut MergeInputs<'_, D>),
    by_key: bool,
    loaded: &D,
    mine: &D,
    theirs: &D,
) -> Merge<D> {
    let (mut base, mut ours, mut other) = (loaded.clone(), mine.clone(), theirs.clone());
    let mut inputs = MergeInputs {
        loaded: &mut base,
        mine: &mut ours,
        theirs: &mut other,
        overwritten: Vec::new(),
    };
    rules(&mut inputs);
    let mut overwritten = inputs.overwritten;
    match fields::merge(&base, &ours, &other, by_key, &mut overwritten) {
        Some(data) => Merge { data, overwritten },
        // The fields cannot be merged: this request's data replaces the stored data, apart from the
        // fields with a rule.
        None => Merge {
            data: ours,
            overwritten: vec!["(all)".to_owned()],
        },
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::config::Options;
    use crate::config::{ConfigCell, SessionConfig};
    use crate::store::{BoxError, MemoryStore};

    #[derive(Debug, Clone, Default, PartialEq, serde::Serialize, serde::Deserialize)]
    struct Data {
        #[serde(rename = "n")]
        sum: i64,
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        list: Vec<u8>,
        note: u8,
        quiet: u8,
    }

    struct Config;

    impl SessionConfig for Config {
        type Data = Data;
        type Store = MemoryStore<Data>;
        const NAME: &'static str = "Config";
        const OPTIONS: Options = Options::new("merge");

        async fn connect() -> Result<Self::Store, BoxError> {
            Ok(MemoryStore::new())
        }

        fn merge(inputs: &mut MergeInputs<'_, Data>) {
            let outcome = rule::add(
                &mut inputs.loaded.sum,
                &mut inputs.mine.sum,
                &mut inputs.theirs.sum,
            );
            inputs.settle("sum", outcome);
            let outcome = rule::last_wins(
                &mut inputs.loaded.quiet,
                &mut inputs.mine.quiet,
                &mut inputs.theirs.quiet,
            );
            inputs.settle("quiet", outcome);
        }

        fn cell() -> &'static ConfigCell<Self> {
            static CELL: ConfigCell<Config> = ConfigCell::new();
            &CELL
        }
    }

    fn data() -> impl Strategy<Value = Data> {
        (
            any::<i32>(),
            proptest::collection::vec(0..3u8, 0..3),
            0..3u8,
            0..3u8,
        )
            .prop_map(|(sum, list, note, quiet)| Data {
                sum: sum.into(),
                list,
                note,
                quiet,
            })
    }

    proptest! {
        #[test]
        fn a_change_of_only_one_side_is_kept(loaded in data(), changed in data()) {
            let mine = merge(Config::merge, Config::UNTYPED, &loaded, &changed, &loaded);
            prop_assert_eq!(&mine.data, &changed);
            prop_assert!(mine.overwritten.is_empty());
            let theirs = merge(Config::merge, Config::UNTYPED, &loaded, &loaded, &changed);
            prop_assert_eq!(&theirs.data, &changed);
            prop_assert!(theirs.overwritten.is_empty());
        }

        #[test]
        fn both_changes_are_kept_or_reported(loaded in data(), mine in data(), theirs in data()) {
            let Merge { data, overwritten } = merge(Config::merge, Config::UNTYPED, &loaded, &mine, &theirs);
            prop_assert_eq!(data.sum, theirs.sum + mine.sum - loaded.sum);
            let conflict = mine.note != loaded.note && theirs.note != loaded.note;
            prop_assert_eq!(overwritten.contains(&"note".to_owned()), conflict);
            prop_assert_eq!(data.note, if mine.note == loaded.note { theirs.note } else { mine.note });
            prop_assert_eq!(data.quiet, if mine.quiet == loaded.quiet { theirs.quiet } else { mine.quiet });
            prop_assert!(!overwritten.contains(&"quiet".to_owned()));
        }

        #[test]
        fn lists_that_both_sides_appended_to_keep_both(
            loaded in data(),
            mine in proptest::collection::vec(0..9u8, 1..4),
            theirs in proptest::collection::vec(0..9u8, 1..4),
        ) {
            let with = |more: &[u8]| Data { list: [&loaded.list, more].concat(), ..loaded.clone() };
            let merged = merge(Config::merge, Config::UNTYPED, &loaded, &with(&mine), &with(&theirs));
            prop_assert_eq!(merged.data.list, [&loaded.list[..], &theirs, &mine].concat());
            prop_assert!(merged.overwritten.is_empty());
        }
    }
}
