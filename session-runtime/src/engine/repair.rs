//! Expires the cookies of a client that sends different sids in cookies of one name.
//!
//! A browser keeps several cookies of one name if they differ in domain or path, for example after a
//! change of the config, or because another host of the domain has set one. It sends all that match a
//! request, without their attributes, so the server can neither tell them apart nor replace them. Without
//! a repair, every later request would be refused, too. The response therefore expires the name for every
//! domain and path from which the browser may have sent it.

use http::header::HeaderValue;

use super::addressed::Addressed;
use super::set_cookie::{Slot, expired_cookie};
use crate::config::TrustedProxy;
use crate::loader::{CookieSpec, RequestHead};
use crate::random;

/// The maximum number of `Set-Cookie` headers of a repair.
const MAX_LINES: usize = 32;
/// The maximum size of their values, in bytes. Proxies accept a response head of at least 4 KiB.
const MAX_BYTES: usize = 3 * 1024;
/// The maximum number of domains that are tried, apart from the declared one.
const MAX_PARENTS: usize = 8;
/// The longest `Path` that is tried, apart from the declared one.
const MAX_PATH: usize = 1024;

/// Expired cookies of one name.
#[derive(Debug)]
pub(crate) struct Repair {
    pub(crate) name: &'static str,
    /// The one for the slot in which the config sets the cookie. `None` if a cookie in another slot may
    /// remain: without its own cookie, the browser would send only that one, which may have been planted.
    pub(super) declared: Option<HeaderValue>,
    /// Those for other slots.
    pub(super) others: Vec<HeaderValue>,
}

impl Repair {
    #[cold]
    pub(super) fn new(
        spec: &CookieSpec,
        head: RequestHead<'_>,
        proxy: Option<TrustedProxy>,
    ) -> Option<Self> {
        let line = |slot| HeaderValue::try_from(expired_cookie(spec, slot)).ok();
        let declared = Slot::declared(spec);
        let host = Addressed::new(head, proxy).host_name();
        let (slots, mut is_complete) = slots(spec, host.as_deref(), head.original_path());
        let mut others: Vec<_> = (slots.into_iter())
            .filter(|slot| *slot != declared)
            .filter_map(line)
            .collect();
        let first = line(declared)?;
        let mut bytes = first.len();
        let fitting = others.iter().take(MAX_LINES - 1).take_while(|line| {
            bytes += line.len();
            bytes <= MAX_BYTES
        });
        let fitting = fitting.count();
        if fitting < others.len() {
            is_complete = false;
            // The next responses expire others.
            let start = usize::from(u16::from_ne_bytes(random::bytes_of_this_process()));
            let start = start % others.len();
            others.rotate_left(start);
            others.truncate(fitting);
        }
        Some(Self {
            name: spec.name,
            declared: is_complete.then_some(first),
            others,
        })
    }

    /// The expired cookies.
    pub(crate) fn lines(&self) -> impl Iterator<Item = &HeaderValue> {
        self.declared.iter().chain(&self.others)
    }
}

/// The slots from which a browser may send the cookie, the likely ones first, and whether these are all.
fn slots<'a>(spec: &CookieSpec, host: Option<&'a str>, path: &'a str) -> (Vec<Slot<'a>>, bool) {
    let mut domains = vec![None];
    let mut paths = vec![spec.path];
    let mut is_complete = true;
    // A browser keeps a `__Host-` cookie for one host and path only (RFC 6265bis, 4.1.3.2).
    if !is_host_prefixed(spec.name) {
        let labels = host.map_or(0, |host| host.split('.').count());
        let segments = path.matches('/').count();
        is_complete = labels <= MAX_PARENTS && path.len() <= MAX_PATH && 2 * segments < MAX_LINES;
        let parents = host.into_iter().flat_map(parents);
        let others = parents.filter(|host| spec.domain != Some(*host));
        domains.extend(spec.domain.into_iter().chain(others).map(Some));
        let others = ["/"].into_iter().chain(prefixes(path));
        paths.extend(others.filter(|path| *path != spec.path));
    }
    let mut slots = Vec::new();
    for path in paths {
        // Browsers keep partitioned cookies, which are always secure, apart from others.
        let opposite = spec.secure.then_some(!spec.partitioned);
        for is_partitioned in [Some(spec.partitioned), opposite].into_iter().flatten() {
            slots.extend(domains.iter().map(|domain| Slot {
                path,
                domain: *domain,
                is_partitioned,
            }));
        }
    }
    (slots, is_complete)
}

fn is_host_prefixed(name: &str) -> bool {
    let prefix = name.as_bytes().get(..7);
    prefix.is_some_and(|prefix| prefix.eq_ignore_ascii_case(b"__Host-"))
}

/// The host and its parents, except for a top-level domain, which no browser accepts as a `Domain`.
fn parents(host: &str) -> impl Iterator<Item = &str> {
    let parents = std::iter::successors(Some(host), |host| Some(host.split_once('.')?.1));
    parents.take(MAX_PARENTS).filter(|host| host.contains('.'))
}

/// The cookie paths that match a request path: `/a`, `/a/` and `/a/b` for `/a/b`. Without those that
/// a `Path` attribute cannot express.
fn prefixes(path: &str) -> impl Iterator<Item = &str> {
    let fits = |end: &usize| *end > 1 && *end <= MAX_PATH;
    let slashes = path.match_indices('/').flat_map(|(at, _)| [at, at + 1]);
    let whole = (!path.ends_with('/')).then_some(path.len());
    let ends = slashes
        .chain(whole)
        .filter(fits)
        .filter_map(|end| path.get(..end));
    ends.take(MAX_LINES).take_while(|path| {
        path.bytes()
            .all(|byte| byte.is_ascii_graphic() && byte != b';')
    })
}

#[cfg(test)]
mod tests;
