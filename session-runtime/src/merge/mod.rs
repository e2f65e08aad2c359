//! Three-way merges: what was loaded, what this request made of it, and what another one did.

mod fields;
pub mod rule;

use crate::data::SessionData;

/// The three versions of the data, for the rules that a config declares.
#[derive(Debug)]
pub struct Three<'a, D> {
    /// What was loaded.
    pub loaded: &'a mut D,
    /// What this request made of it.
    pub mine: &'a mut D,
    /// What is stored now.
    pub theirs: &'a mut D,
    overwrote: Vec<String>,
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

impl<D> Three<'_, D> {
    /// Notes what a rule did with a field.
    pub fn settle(&mut self, field: &'static str, outcome: Merged) {
        if outcome == Merged::Overwritten {
            self.overwrote.push(field.to_owned());
        }
    }
}

/// The result of a merge.
#[derive(Debug)]
pub(crate) struct Merge<D> {
    pub(crate) data: D,
    /// The fields of which the other change is lost.
    pub(crate) overwrote: Vec<String>,
}

/// Merges what this request made of the data with what is stored now.
///
/// Declared fields first, as typed values: their rule leaves the same value in all three versions,
/// so that they are no difference any more when the rest is compared as encoded fields.
pub(crate) fn three_way<D: SessionData>(
    rules: fn(&mut Three<'_, D>),
    by_key: bool,
    loaded: &D,
    mine: &D,
    theirs: &D,
) -> Merge<D> {
    let (mut base, mut ours, mut other) = (loaded.clone(), mine.clone(), theirs.clone());
    let mut three = Three {
        loaded: &mut base,
        mine: &mut ours,
        theirs: &mut other,
        overwrote: Vec::new(),
    };
    rules(&mut three);
    let mut overwrote = three.overwrote;
    match fields::merge(&base, &ours, &other, by_key, &mut overwrote) {
        Some(data) => Merge { data, overwrote },
        // The fields do not go together, or have no encoded form: the whole is one opaque value,
        // but for what the rules have merged.
        None => Merge {
            data: ours,
            overwrote: vec!["(all)".to_owned()],
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

        fn merge(three: &mut Three<'_, Data>) {
            let outcome = rule::add(
                &mut three.loaded.sum,
                &mut three.mine.sum,
                &mut three.theirs.sum,
            );
            three.settle("sum", outcome);
            let outcome = rule::last_wins(
                &mut three.loaded.quiet,
                &mut three.mine.quiet,
                &mut three.theirs.quiet,
            );
            three.settle("quiet", outcome);
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
        fn what_only_one_side_changed_is_that_side(loaded in data(), changed in data()) {
            let mine = three_way(Config::merge, Config::UNTYPED, &loaded, &changed, &loaded);
            prop_assert_eq!(&mine.data, &changed);
            prop_assert!(mine.overwrote.is_empty());
            let theirs = three_way(Config::merge, Config::UNTYPED, &loaded, &loaded, &changed);
            prop_assert_eq!(&theirs.data, &changed);
            prop_assert!(theirs.overwrote.is_empty());
        }

        #[test]
        fn both_changes_are_kept_or_told(loaded in data(), mine in data(), theirs in data()) {
            let Merge { data, overwrote } = three_way(Config::merge, Config::UNTYPED, &loaded, &mine, &theirs);
            prop_assert_eq!(data.sum, theirs.sum + mine.sum - loaded.sum);
            let conflict = mine.note != loaded.note && theirs.note != loaded.note;
            prop_assert_eq!(overwrote.contains(&"note".to_owned()), conflict);
            prop_assert_eq!(data.note, if mine.note == loaded.note { theirs.note } else { mine.note });
            prop_assert_eq!(data.quiet, if mine.quiet == loaded.quiet { theirs.quiet } else { mine.quiet });
            prop_assert!(!overwrote.contains(&"quiet".to_owned()));
        }

        #[test]
        fn lists_that_both_sides_appended_to_keep_both(
            loaded in data(),
            mine in proptest::collection::vec(0..9u8, 1..4),
            theirs in proptest::collection::vec(0..9u8, 1..4),
        ) {
            let with = |more: &[u8]| Data { list: [&loaded.list, more].concat(), ..loaded.clone() };
            let merged = three_way(Config::merge, Config::UNTYPED, &loaded, &with(&mine), &with(&theirs));
            prop_assert_eq!(merged.data.list, [&loaded.list[..], &theirs, &mine].concat());
            prop_assert!(merged.overwrote.is_empty());
        }
    }
}
