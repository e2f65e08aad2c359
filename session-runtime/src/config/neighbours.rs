//! The configs of a process beside each other: what no compiler sees, because each is declared on
//! its own.

use std::any::TypeId;
use std::sync::{Mutex, PoisonError};

use super::{SessionConfig, prepared};
use crate::loader::Loader;

/// What a config in use has taken for itself.
struct Taken {
    config: TypeId,
    name: &'static str,
    what: What,
}

#[derive(PartialEq, Eq)]
enum What {
    /// The keys of a namespace in a store.
    Keys {
        namespace: &'static str,
        place: String,
    },
    /// A request header, in lower case.
    Header(String),
    /// A cookie, where a browser keeps it.
    Cookie {
        name: &'static str,
        domain: Option<&'static str>,
        path: &'static str,
    },
}

static TAKEN: Mutex<Vec<Taken>> = Mutex::new(Vec::new());

/// Takes the config's keys in its store; what is wrong if another config has them already: each
/// would open the sessions of the other.
pub(super) fn take_keys<C: SessionConfig>(place: Option<String>) -> Result<(), String> {
    let Some(place) = place else { return Ok(()) };
    let namespace = prepared::<C>().options.namespace;
    let message = format!("the namespace `{namespace}` in {place}");
    take::<C>(What::Keys { namespace, place }).map_err(|other| {
        format!(
            "`{other}` already keeps its sessions under {message}, and a sid of one would be known to the \
             other: give one of the two a `namespace` of its own"
        )
    })
}

/// Takes the config's headers and cookies; what is wrong with those that another config has
/// already: a client can send only one sid there.
pub(super) fn take_names<C: SessionConfig>() -> Vec<String> {
    let loaders = prepared::<C>().options.loaders;
    let problems = loaders.iter().filter_map(|loader| {
        let (kind, name, what) = match *loader {
            Loader::Header(name) => ("header", name, What::Header(name.to_ascii_lowercase())),
            Loader::Cookie(spec) => {
                let what = What::Cookie {
                    name: spec.name,
                    domain: spec.domain,
                    path: spec.path,
                };
                ("cookie", spec.name, what)
            }
            _ => return None,
        };
        let other = take::<C>(what).err()?;
        Some(format!(
            "`{other}` already reads the {kind} `{name}`, in which a client can send the sid of one of the \
             two only: give one of them a {kind} of its own"
        ))
    });
    problems.collect()
}

/// Notes that the config has this; the name of the other one that has it.
fn take<C: SessionConfig>(what: What) -> Result<(), &'static str> {
    let mut taken = TAKEN.lock().unwrap_or_else(PoisonError::into_inner);
    let config = TypeId::of::<C>();
    match taken.iter().find(|taken| taken.what == what) {
        Some(same) if same.config == config => Ok(()),
        Some(other) => Err(other.name),
        None => {
            taken.push(Taken {
                config,
                name: C::NAME,
                what,
            });
            Ok(())
        }
    }
}
