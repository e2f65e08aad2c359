//! Configs without a declared store, which use the memory store.

use crate::adopt::Adopt;
use crate::config::{ConfigCell, Options, Reason, SessionConfig};
use crate::data::SessionData;
use crate::merge::MergeInputs;
use crate::store::{BoxError, BoxFuture, MemoryStore};

/// Implemented by `session_config!` for a config without a declared store.
///
/// Unsuitable data then violates only the bound of `Data`, and not also that of `Store`, so that a
/// missing derive causes one error.
pub trait InMemoryConfig: Sized + Send + Sync + 'static {
    /// The data of a session.
    type Data: SessionData;
    /// The config's name, for events.
    const NAME: &'static str;
    /// The declared options.
    const OPTIONS: Options;
    /// Whether the data is an untyped map, whose values merge key by key.
    const UNTYPED: bool = false;
    /// The reasons for options that a standard advises against.
    const REASONS: &'static [Reason] = &[];

    /// Whether the config adopts the sessions of another library.
    const ADOPTS: bool = false;

    /// Connects to the store of the old sessions, on first use.
    ///
    /// # Errors
    /// Why that is not possible.
    #[must_use]
    fn adopt() -> BoxFuture<'static, Result<Adopt<Self::Data>, BoxError>> {
        Box::pin(async { Err("the config adopts no sessions".into()) })
    }

    /// Merges the fields that have a declared rule.
    fn merge(inputs: &mut MergeInputs<'_, Self::Data>) {
        let _ = inputs;
    }

    /// The config's state in this process.
    fn cell() -> &'static ConfigCell<Self>;
}

// A type that is not a config lacks `SessionConfig`; users do not know `InMemoryConfig`.
#[diagnostic::do_not_recommend]
impl<C: InMemoryConfig> SessionConfig for C {
    type Data = C::Data;
    type Store = MemoryStore<C::Data>;
    const NAME: &'static str = C::NAME;
    const OPTIONS: Options = C::OPTIONS;
    const UNTYPED: bool = C::UNTYPED;
    const REASONS: &'static [Reason] = C::REASONS;
    const ADOPTS: bool = C::ADOPTS;

    async fn connect() -> Result<Self::Store, BoxError> {
        Ok(MemoryStore::default())
    }

    fn adopt() -> BoxFuture<'static, Result<Adopt<Self::Data>, BoxError>> {
        C::adopt()
    }

    fn merge(inputs: &mut MergeInputs<'_, Self::Data>) {
        C::merge(inputs);
    }

    fn cell() -> &'static ConfigCell<Self> {
        C::cell()
    }
}
