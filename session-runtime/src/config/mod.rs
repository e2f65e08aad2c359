//! What a config declares, and where its one store of a process lives.

mod claims;
mod options;
mod state;

use std::future::Future;

pub use options::{Commit, ConfigureError, OnConflict, OnEnded, OnStoreError, Options};
pub use state::{ConfigCell, StartError, configure, start};
pub(crate) use state::{prepared, store, store_if_built};

use crate::data::SessionData;
use crate::merge::MergeInputs;
use crate::store::{BoxError, Store};

/// A type declared by `session_config!`: which data a session holds, where it is kept and how its
/// sid travels.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no session config",
    label = "`Session<…>` takes a config, not the data",
    note = "declare one: `session_config! {{ pub struct Shop {{ data: {Self} }} }}`, and take a `Session<Shop>`"
)]
pub trait SessionConfig: Sized + Send + Sync + 'static {
    /// What a session holds.
    type Data: SessionData;
    /// Where sessions are kept.
    type Store: Store<Self::Data>;
    /// The config's name, for events.
    const NAME: &'static str;
    /// Everything that was declared.
    const OPTIONS: Options;
    /// Whether the data is a map without a type of its own; its values then merge key by key.
    const UNTYPED: bool = false;

    /// Builds the store.
    fn connect() -> impl Future<Output = Result<Self::Store, BoxError>> + Send;

    /// Merges the fields for which a rule is declared.
    fn merge(inputs: &mut MergeInputs<'_, Self::Data>) {
        let _ = inputs;
    }

    /// The config's place in the process.
    fn cell() -> &'static ConfigCell<Self>;
}

/// The config of a plain `Session`: untyped data in memory, the header `X-User-Session`, idle for
/// at most 30 minutes, and at most 24 hours in all.
#[derive(Debug, Clone, Copy)]
pub struct DefaultConfig;

#[diagnostic::do_not_recommend]
impl SessionConfig for DefaultConfig {
    type Data = crate::untyped::Untyped;
    type Store = crate::store::MemoryStore<Self::Data>;
    const NAME: &'static str = "DefaultConfig";
    const OPTIONS: Options = Options::new("connect-session/default");
    const UNTYPED: bool = true;

    async fn connect() -> Result<Self::Store, BoxError> {
        Ok(Self::Store::default())
    }

    fn cell() -> &'static ConfigCell<Self> {
        static CELL: ConfigCell<DefaultConfig> = ConfigCell::new();
        &CELL
    }
}
