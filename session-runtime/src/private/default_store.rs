//! Configs that name no store.

use crate::config::{ConfigCell, Options, SessionConfig};
use crate::data::SessionData;
use crate::merge::MergeInputs;
use crate::store::{BoxError, MemoryStore};

/// What `session_config!` implements where no store is named. Data that cannot be kept then breaks
/// one bound and not two, so that a missing derive is one error.
pub trait InMemoryConfig: Sized + Send + Sync + 'static {
    /// What a session holds.
    type Data: SessionData;
    /// The config's name.
    const NAME: &'static str;
    /// Everything that was declared.
    const OPTIONS: Options;
    /// Whether the data is a map without a type of its own.
    const UNTYPED: bool = false;

    /// Merges the fields for which a rule is declared.
    fn merge(inputs: &mut MergeInputs<'_, Self::Data>) {
        let _ = inputs;
    }

    /// The config's place in the process.
    fn cell() -> &'static ConfigCell<Self>;
}

// What is no config lacks `SessionConfig`: that is the trait that users know.
#[diagnostic::do_not_recommend]
impl<C: InMemoryConfig> SessionConfig for C {
    type Data = C::Data;
    type Store = MemoryStore<C::Data>;
    const NAME: &'static str = C::NAME;
    const OPTIONS: Options = C::OPTIONS;
    const UNTYPED: bool = C::UNTYPED;

    async fn connect() -> Result<Self::Store, BoxError> {
        Ok(MemoryStore::default())
    }

    fn merge(inputs: &mut MergeInputs<'_, Self::Data>) {
        C::merge(inputs);
    }

    fn cell() -> &'static ConfigCell<Self> {
        C::cell()
    }
}
