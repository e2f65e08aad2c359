//! A cookie jar, with the rules by which a browser stores, replaces and sends cookies (RFC 6265bis, 5).

use super::client::{Call, Reply};

/// The cookies of a browser that visits one host.
#[derive(Debug)]
pub struct CookieJar {
    host: &'static str,
    kept: Vec<Kept>,
}

/// Cookies of one name differ in the other fields.
#[derive(Debug, PartialEq, Eq)]
struct Kept {
    name: String,
    value: String,
    /// `None` for a cookie of this host only.
    domain: Option<String>,
    path: String,
}

impl CookieJar {
    pub fn new(host: &'static str) -> Self {
        Self {
            host,
            kept: Vec::new(),
        }
    }

    /// Stores a cookie, and replaces one of the same name, domain and path.
    pub fn keep(&mut self, name: &str, value: &str, domain: Option<&str>, path: &str) {
        let is_same = |kept: &Kept| {
            kept.name == name && kept.domain.as_deref() == domain && kept.path == path
        };
        self.kept.retain(|kept| !is_same(kept));
        if !value.is_empty() {
            self.kept.push(Kept {
                name: name.to_owned(),
                value: value.to_owned(),
                domain: domain.map(str::to_owned),
                path: path.to_owned(),
            });
        }
    }

    /// Stores the cookies of a response, and removes expired ones.
    pub fn store(&mut self, reply: &Reply) {
        for line in reply.headers.get_all("set-cookie") {
            let mut parts = line.to_str().unwrap().split("; ");
            let (name, value) = parts.next().unwrap().split_once('=').unwrap();
            let attributes: Vec<_> = parts
                .map(|part| part.split_once('=').unwrap_or((part, "")))
                .collect();
            let find = |name| {
                attributes
                    .iter()
                    .find(|(key, _)| *key == name)
                    .map(|(_, value)| *value)
            };
            let domain = find("Domain");
            // Browsers ignore cookies for other domains.
            if domain.is_none_or(|domain| covers(domain, self.host)) {
                let is_expired = find("Max-Age") == Some("0");
                self.keep(
                    name,
                    if is_expired { "" } else { value },
                    domain,
                    find("Path").unwrap(),
                );
            }
        }
    }

    /// Adds the cookies that match the path, as a browser does.
    pub fn send(&self, call: Call, path: &str) -> Call {
        let fits = |kept: &&Kept| {
            let rest = path.strip_prefix(&*kept.path);
            rest.is_some_and(|rest| {
                rest.is_empty() || rest.starts_with('/') || kept.path.ends_with('/')
            })
        };
        let pairs: Vec<_> = self
            .kept
            .iter()
            .filter(fits)
            .map(|kept| format!("{}={}", kept.name, kept.value))
            .collect();
        if pairs.is_empty() {
            call
        } else {
            call.header("Cookie", pairs.join("; "))
        }
    }

    /// The number of cookies.
    pub fn len(&self) -> usize {
        self.kept.len()
    }
}

/// Whether cookies of the domain are sent to the host.
fn covers(domain: &str, host: &str) -> bool {
    let rest = host.strip_suffix(domain);
    domain.contains('.') && rest.is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
}
