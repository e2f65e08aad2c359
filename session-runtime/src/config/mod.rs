//! The trait that a declared config implements, and its state in the process: options and store.

mod erased_cell;
mod options;
mod reservations;
mod state;
mod trusted_proxy;
mod validate;

use std::future::Future;

pub use options::{
    Commit, OnConflict, OnEnded, OnMaxSessions, OnReuse, OnStoreError, OnUndecodable, Options,
};
#[cfg(feature = "_layer")]
pub(crate) use reservations::reserved;
pub use state::{ConfigCell, StartError, configure, start};
pub(crate) use state::{adopt, data_problem, if_adopting, prepared, store, store_if_built};
pub use trusted_proxy::TrustedProxy;
pub use validate::ConfigureError;

use crate::adopt::Adopt;
use crate::data::SessionData;
use crate::merge::MergeInputs;
use crate::store::{BoxError, BoxFuture, Store};

/// A config, declared by `session_config!`: the data of a session, its store, and how its sid
/// travels.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a session config",
    label = "`Session<…>` takes a config, not the data",
    note = "declare one: `session_config! {{ pub struct Shop {{ data: {Self} }} }}`, and take a `Session<Shop>`"
)]
pub trait SessionConfig: Sized + Send + Sync + 'static {
    /// The data of a session.
    type Data: SessionData;
    /// The store of the sessions.
    type Store: Store<Self::Data>;
    /// The config's name, for events. `session_config!` shortens it to 64 characters.
    const NAME: &'static str;
    /// The declared options.
    const OPTIONS: Options;
    /// Whether the data is an untyped map, whose values merge key by key.
    const UNTYPED: bool = false;
    /// The reasons for options that a standard advises against.
    const REASONS: &'static [Reason] = &[];

    /// Builds the store, on first use.
    ///
    /// # Errors
    /// Why the store cannot be built.
    fn connect() -> impl Future<Output = Result<Self::Store, BoxError>> + Send;

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

/// Why a config has an option that a standard advises against.
#[derive(Debug, Clone, Copy)]
pub struct Reason {
    /// The name of the header, cookie or parameter.
    pub of: &'static str,
    /// The option, such as `insecure`.
    pub option: &'static str,
    /// The reason that the config gives.
    pub text: &'static str,
}

/// The config of a plain `Session`: untyped data in memory, the header `X-User-Session`, an idle
/// timeout of 30 minutes and an absolute timeout of 24 hours.
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
