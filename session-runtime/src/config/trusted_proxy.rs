//! Proxies whose headers are believed.

/// The headers in which a reverse proxy says what the client addressed: the host, and whether it used
/// https. The cross-origin rule compares the origin of a page with them.
///
/// Set it only if every request comes through a proxy that sets these headers itself, and replaces or
/// extends those that a client sends: of several values, the last one counts. A proxy that forwards `Host`
/// unchanged works without this option; then `Origin: http://example.com` passes for
/// `https://example.com`, too.
///
/// ```
/// use connect_session::{TrustedProxy, session_config};
///
/// session_config! {
///     struct Site { loaders: [cookie("__Host-sid")], trusted_proxy: x_forwarded }
/// }
///
/// // Where only the environment knows the proxy:
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
