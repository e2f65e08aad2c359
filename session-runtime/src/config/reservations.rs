//! Conflicts between the configs of a process. Each config is declared on its own, so the compiler
//! cannot find them.

use std::any::TypeId;
use std::sync::{Mutex, PoisonError};

#[cfg(feature = "_layer")]
use super::prepared;
use super::{OnReuse, Options, SessionConfig};
use crate::data::SessionData;
use crate::loader::SidSource;
use crate::store::Store;
#[cfg(feature = "_layer")]
use crate::store::{AnyStore, RefusingStore};

/// A resource that a config in use has reserved.
struct Reservation {
    config: TypeId,
    name: &'static str,
    resource: Resource,
}

#[derive(PartialEq, Eq)]
enum Resource {
    /// The keys of a namespace in a backend.
    Keys {
        namespace: &'static str,
        backend_id: String,
    },
    /// A request header, in lower case.
    Header(String),
    /// A cookie, identified as a browser identifies it.
    Cookie {
        name: &'static str,
        domain: Option<&'static str>,
        path: &'static str,
    },
}

static RESERVATIONS: Mutex<Vec<Reservation>> = Mutex::new(Vec::new());

/// Reserves the config's keys in its store.
///
/// # Errors
/// A message if another config has reserved them: each config would open sessions of the other.
pub(super) fn reserve_keys<C: SessionConfig>(
    options: &Options,
    backend_id: Option<String>,
) -> Result<(), String> {
    let Some(backend_id) = backend_id else {
        return Ok(());
    };
    let namespace = options.namespace;
    let place = format!("the namespace `{namespace}` in {backend_id}");
    reserve::<C>(Resource::Keys { namespace, backend_id }).map_err(|other| {
        format!(
            "`{other}` already keeps its sessions under {place}, so each of the two configs would accept \
             sids of the other: give one of them another `namespace`"
        )
    })
}

/// Checks that a store has what the options need.
///
/// # Errors
/// A message if it cannot.
pub(super) fn check_store<D: SessionData>(
    options: &Options,
    store: &impl Store<D>,
) -> Result<(), String> {
    if options.data_version > 1 && !store.keeps_data_version() {
        return Err(
            "the store does not keep the version of a session's data, which `data_version` needs: leave \
             `data_version` out, or use another store"
                .to_owned(),
        );
    }
    if options.on_reuse == OnReuse::End && !store.detects_reuse() {
        return Err(
            "the store does not detect that a replaced sid comes back, which `on_reuse: end` needs: leave \
             `on_reuse` out, or use another store"
                .to_owned(),
        );
    }
    if options.max_sessions.is_some() && store.as_subject_index().is_none() {
        return Err(
            "the store does not know which sessions belong to a user, which `max_sessions` needs: leave \
             `max_sessions` out, or use another store"
                .to_owned(),
        );
    }
    Ok(())
}

/// A store with which the config may be used: this one, or one that refuses every operation because
/// another config has reserved its keys, or it lacks something that the options need.
#[cfg(feature = "_layer")]
pub(crate) fn reserved<C: SessionConfig>(store: &AnyStore<C::Data>) -> AnyStore<C::Data> {
    let options = &prepared::<C>().options;
    let checked = check_store(options, store);
    match checked.and_then(|()| reserve_keys::<C>(options, store.backend_id())) {
        Ok(()) => store.clone(),
        Err(problem) => AnyStore::new(RefusingStore(problem)),
    }
}

/// Reserves the config's headers and cookies. Returns a message for each that another config has
/// reserved, because a client can send only one sid there.
pub(super) fn reserve_names<C: SessionConfig>(options: &Options) -> Vec<String> {
    let problems = options.loaders.iter().filter_map(|loader| {
        let (kind, name, resource) = match *loader {
            SidSource::Header(name) => ("header", name, Resource::Header(name.to_ascii_lowercase())),
            SidSource::Cookie(spec) => {
                let resource = Resource::Cookie {
                    name: spec.name,
                    domain: spec.domain,
                    path: spec.path,
                };
                ("cookie", spec.name, resource)
            }
            _ => return None,
        };
        let other = reserve::<C>(resource).err()?;
        Some(format!(
            "`{other}` already reads the {kind} `{name}`, and a client can send only one sid there: give one \
             of the two configs another {kind}"
        ))
    });
    problems.collect()
}

/// Reserves a resource for the config.
///
/// # Errors
/// The name of the config that has reserved it before.
fn reserve<C: SessionConfig>(resource: Resource) -> Result<(), &'static str> {
    let mut reservations = RESERVATIONS.lock().unwrap_or_else(PoisonError::into_inner);
    let config = TypeId::of::<C>();
    match reservations
        .iter()
        .find(|reservation| reservation.resource == resource)
    {
        Some(same) if same.config == config => Ok(()),
        Some(other) => Err(other.name),
        None => {
            reservations.push(Reservation {
                config,
                name: C::NAME,
                resource,
            });
            Ok(())
        }
    }
}
