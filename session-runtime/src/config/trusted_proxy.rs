//! Reverse proxies whose headers are trusted.

/// The headers in which a reverse proxy reports the host that the client addressed, and whether it used
/// https. The cross-origin rule compares the origin of a page with them.
///
/// Set it only if every request comes through a proxy that sets these headers itself, and replaces or
/// extends those that a client sends: of several values, the last one counts. A proxy that forwards `Host`
/// unchanged works without this option, but then `Origin: http://example.com` also passes for
/// `https://example.com`.
///
/// ```
/// use connect_session::{TrustedProxy, session_config};
///
/// session_config! {
///     struct Site { loaders: [cookie("__Host-sid")], trusted_proxy: x_forwarded }
/// }
///
/// // If the proxy is known only at run time:
/// Site::configure(|options| options.trusted_proxy = Some(TrustedProxy::Forwarded))?;
/// # Ok::<(), connect_session::ConfigureError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TrustedProxy {
    /// `Forwarded` (RFC 7239), with its parameters `host` and `proto`.
    Forwarded,
    /// `X-Forwarded-Host` and `X-Forwarded-Proto`.
    XForwarded,
}
