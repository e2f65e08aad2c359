//! The state of a config in a process: its options, prepared once, and its store.

use std::error::Error as _;
use std::fmt;
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use super::erased_cell::ErasedCell;
use super::{ConfigureError, Options, SessionConfig, reservations};
use crate::adopt::Adopt;
use crate::data::{self, SessionData, proof};
use crate::error::{Error, ErrorKind};
use crate::error_chain::with_causes;
use crate::event::{self, EventKind};
use crate::loader::LoaderSet;
use crate::store::{BoxError, BoxFuture, Store as _};

/// How long to wait before building a store again after a failure.
const BUILD_AGAIN: Duration = Duration::from_secs(1);

/// The state of a config for the life of the process.
///
pub struct ConfigCell<C: SessionConfig> {
    prepared: OnceLock<Prepared>,
    store: ErasedCell<C::Store>,
    /// When building the store last failed.
    failed: Backoff,
    /// The old sessions that the config adopts.
    adopt: ErasedCell<Adopt<C::Data>>,
    /// When connecting to the store of those last failed.
    adopt_failed: Backoff,
    /// What keeps the data from being stored, once it is determined.
    data_problem: OnceLock<Option<String>>,
}

/// Options with their compiled loaders.
#[derive(Debug)]
pub(crate) struct Prepared {
    pub(crate) options: Options,
    pub(crate) loaders: LoaderSet,
}

impl Prepared {
    fn new(options: Options, adopts: bool) -> Self {
        let loaders = LoaderSet::new(options.loaders);
        Self {
            loaders: if adopts {
                loaders.with_old_cookies()
            } else {
                loaders
            },
            options,
        }
    }
}

impl<C: SessionConfig> ConfigCell<C> {
    /// An empty cell.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            prepared: OnceLock::new(),
            store: ErasedCell::new(),
            failed: Backoff::new(),
            adopt: ErasedCell::new(),
            adopt_failed: Backoff::new(),
            data_problem: OnceLock::new(),
        }
    }
}

impl<C: SessionConfig> Default for ConfigCell<C> {
    fn default() -> Self {
        Self::new()
    }
}

impl<C: SessionConfig> fmt::Debug for ConfigCell<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ConfigCell")
            .field("config", &C::NAME)
            .finish_non_exhaustive()
    }
}

/// The config's options and loaders. After the first call they can no longer change.
pub(crate) fn prepared<C: SessionConfig>() -> &'static Prepared {
    C::cell()
        .prepared
        .get_or_init(|| Prepared::new(C::OPTIONS, C::ADOPTS))
}

/// The config's own store, if it is built.
pub(crate) fn store_if_built<C: SessionConfig>() -> Option<&'static C::Store> {
    C::cell().store.get()
}

/// The config's own store, built on first use. If that fails, it is tried again, at most once a
/// second.
pub(crate) async fn store<C: SessionConfig>() -> Result<&'static C::Store, Error> {
    if let Some(store) = store_if_built::<C>() {
        return Ok(store);
    }
    // Boxed: it runs once, and otherwise every request's future would reserve room for it.
    Box::pin(C::cell().store.get_or_try_init(build::<C>()))
        .await
        .map_err(|error| not_built::<C>("build", error))
}

/// The old sessions that the config adopts. As with the store, a failure is tried again, at most once a
/// second.
pub(crate) async fn adopt<C: SessionConfig>() -> Result<&'static Adopt<C::Data>, Error> {
    let cell = C::cell();
    if let Some(adopt) = cell.adopt.get() {
        return Ok(adopt);
    }
    let connect = cell.adopt_failed.run(C::adopt());
    Box::pin(cell.adopt.get_or_try_init(connect))
        .await
        .map_err(|error| not_built::<C>("adopt", error))
}

/// Runs something of the adoption, or returns `otherwise` if the config adopts no sessions. All of the adoption is called
/// through this function: then a config that adopts none compiles nothing of it.
pub(crate) fn if_adopting<'a, C: SessionConfig, T: Send + 'a, F>(
    adopting: impl FnOnce() -> F,
    otherwise: T,
) -> BoxFuture<'a, T>
where
    F: Future<Output = T> + Send + 'a,
{
    if C::ADOPTS {
        Box::pin(adopting())
    } else {
        Box::pin(std::future::ready(otherwise))
    }
}

fn not_built<C: SessionConfig>(operation: &'static str, error: BoxError) -> Error {
    let listener = prepared::<C>().options.on_event;
    let kind = EventKind::StoreError {
        operation,
        error: &*error,
    };
    event::emit(listener, C::NAME, None, kind, None);
    Error::with_source(ErrorKind::StoreUnavailable, error)
}

/// Keeps a failed attempt from being repeated at once.
#[derive(Debug)]
struct Backoff(Mutex<Option<Instant>>);

impl Backoff {
    const fn new() -> Self {
        Self(Mutex::new(None))
    }

    fn last(&self) -> std::sync::MutexGuard<'_, Option<Instant>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn run<T>(
        &self,
        attempt: impl Future<Output = Result<T, BoxError>>,
    ) -> Result<T, BoxError> {
        if self.last().is_some_and(|at| at.elapsed() < BUILD_AGAIN) {
            return Err(BuildBackoff.into());
        }
        let result = attempt.await;
        if result.is_err() {
            *self.last() = Some(Instant::now());
        }
        result
    }
}

#[derive(Debug)]
struct BuildBackoff;

impl fmt::Display for BuildBackoff {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the store could not be reached less than a second ago")
    }
}

impl std::error::Error for BuildBackoff {}

async fn build<C: SessionConfig>() -> Result<C::Store, BoxError> {
    let build = async {
        let store = C::connect().await?;
        let options = &prepared::<C>().options;
        reservations::check_store(options, &store)?;
        reservations::reserve_keys::<C>(options, store.backend_id())?;
        Ok(store)
    };
    C::cell().failed.run(build).await
}

/// Changes options before the first request.
///
/// # Errors
/// Every problem of the options, or that the config is already in use; nothing is changed then.
pub fn configure<C: SessionConfig>(
    change: impl FnOnce(&mut Options),
) -> Result<(), ConfigureError> {
    let mut options = C::OPTIONS;
    change(&mut options);
    let mut problems = options.problems();
    if problems.is_empty()
        && C::cell()
            .prepared
            .set(Prepared::new(options, C::ADOPTS))
            .is_err()
    {
        problems.push(
            "the config is already in use; `configure` it before the first request".to_owned(),
        );
    }
    if problems.is_empty() {
        Ok(())
    } else {
        Err(ConfigureError {
            config: C::NAME,
            problems,
        })
    }
}

/// Why a config cannot start: a list of every problem.
///
/// `Debug` prints the message, because that is what a `main` which returns the error prints.
#[non_exhaustive]
pub struct StartError {
    /// The name of the config.
    pub config: &'static str,
    /// One entry for each problem, with its fix.
    pub problems: Vec<String>,
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let problems = self.problems.join("; ");
        write!(
            f,
            "the sessions of {} cannot start: {problems}",
            self.config
        )
    }
}

impl std::error::Error for StartError {}

impl fmt::Debug for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Builds the config's store and checks that it is ready, to find problems before the first request.
///
/// # Errors
/// A list of every problem.
pub async fn start<C: SessionConfig>() -> Result<(), StartError> {
    let mut problems: Vec<String> = data_problem::<C>().map(str::to_owned).into_iter().collect();
    problems.extend(reservations::reserve_names::<C>(&prepared::<C>().options));
    match store::<C>().await {
        Ok(store) => match store.check_ready().await {
            Ok(()) => problems.extend(size_problem::<C>(store.max_session_size())),
            Err(error) => problems.push(with_causes(&error)),
        },
        // Skip the message for clients; its cause is for the operator.
        Err(error) => problems.push(
            error
                .source()
                .map_or_else(|| with_causes(&error), with_causes),
        ),
    }
    let connected = if_adopting::<C, _, _>(|| async { adopt::<C>().await.map(drop) }, Ok(()));
    if let Err(error) = connected.await {
        let reason = error.source().map(with_causes).unwrap_or_default();
        problems.push(format!(
            "the old sessions of `adopt` are not there: {reason}"
        ));
    }
    if problems.is_empty() {
        Ok(())
    } else {
        Err(StartError {
            config: C::NAME,
            problems,
        })
    }
}

/// The problem of a store that does not accept sessions as large as `max_size`.
fn size_problem<C: SessionConfig>(limit: Option<u64>) -> Option<String> {
    let max_size = prepared::<C>().options.encoded_limit();
    limit.filter(|limit| *limit < max_size).map(|limit| {
        format!(
            "`max_size` allows sessions of {max_size} bytes, but the store accepts at most {limit}: lower \
             `max_size`, or raise the limit of the server, such as `max_allowed_packet` of MySQL"
        )
    })
}

/// What keeps the data from being stored field by field, if anything does. Determined once in a
/// process: by `start`, or before the first session is stored.
pub(crate) fn data_problem<C: SessionConfig>() -> Option<&'static str> {
    let problem = &C::cell().data_problem;
    problem
        .get_or_init(|| find_data_problem::<C::Data>().err())
        .as_deref()
}

fn find_data_problem<D: SessionData>() -> Result<(), String> {
    let default = D::default();
    let encoded = data::encode(&default, None).map_err(|error| error.to_string())?;
    proof::check(&default, &encoded)
        .map_err(|error| format!("the `Default` of the session data cannot be stored: {error}"))?;
    let mut newer = encoded;
    let unknown = serde_json::value::RawValue::from_string("null".to_owned());
    newer.extend(unknown.map(|null| ("a field of another version".to_owned(), null)));
    // Whatever else the type does not accept about such a field, no version of it would write one.
    match data::decode_over_default::<D>(&newer) {
        Err(error) if error.is_unknown_field() => Err(
            "the session data refuses unknown fields, so a deployment that adds a field could not be \
             rolled back: remove `#[serde(deny_unknown_fields)]`"
                .to_owned(),
        ),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, HashMap};

    use serde::{Deserialize, Serialize};

    use super::*;

    #[derive(Clone, Default, Serialize, Deserialize)]
    struct Inner {
        n: u8,
    }

    #[test]
    fn data_that_works_is_accepted() {
        #[derive(Clone, Serialize, Deserialize)]
        enum Cart {
            Open(Inner),
        }
        impl Default for Cart {
            fn default() -> Self {
                Self::Open(Inner::default())
            }
        }
        #[derive(Clone, Serialize, Deserialize)]
        #[serde(tag = "kind", deny_unknown_fields)]
        enum Strict {
            Closed {},
        }
        impl Default for Strict {
            fn default() -> Self {
                Self::Closed {}
            }
        }
        #[derive(Clone, Default, Serialize, Deserialize)]
        struct Data {
            strict: Strict,
            #[serde(default, skip_serializing_if = "Option::is_none")]
            maybe: Option<u8>,
        }
        assert_eq!(find_data_problem::<HashMap<String, String>>(), Ok(()));
        assert_eq!(find_data_problem::<BTreeMap<uuid::Uuid, u8>>(), Ok(()));
        assert_eq!(find_data_problem::<BTreeMap<bool, Inner>>(), Ok(()));
        assert_eq!(find_data_problem::<Cart>(), Ok(()));
        assert_eq!(find_data_problem::<Data>(), Ok(()));
        assert_eq!(find_data_problem::<crate::untyped::Untyped>(), Ok(()));
    }

    #[test]
    fn data_that_cannot_work_is_refused_with_the_reason() {
        #[derive(Clone, Default, Serialize, Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Strict {
            n: u8,
        }
        #[derive(Clone, Default, Serialize, Deserialize)]
        #[serde(deny_unknown_fields)]
        struct StrictWithFlatten {
            n: u8,
            #[serde(flatten)]
            inner: Option<Inner>,
        }
        #[derive(Clone, Default, Serialize, Deserialize)]
        struct Sometimes {
            #[serde(skip_serializing_if = "String::is_empty")]
            name: String,
        }
        let of = |problem: Result<(), String>| problem.expect_err("a problem");
        assert!(of(find_data_problem::<Strict>()).contains("deny_unknown_fields"));
        assert!(of(find_data_problem::<StrictWithFlatten>()).contains("deny_unknown_fields"));
        let sometimes = of(find_data_problem::<Sometimes>());
        assert!(sometimes.contains("missing field `name`"), "{sometimes}");
        assert!(of(find_data_problem::<Vec<u8>>()).contains("not serialize as a JSON object"));
    }
}
