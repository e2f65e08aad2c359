//! Where the response to a request carries a sid.

use std::sync::Arc;

use http::HeaderName;

use super::{CrossOrigin, Repair};
use crate::config::Options;
use crate::loader::{CookieSpec, RequestHead};
use crate::record::Transport;

/// Where a response carries a sid.
#[derive(Debug, Clone)]
pub(crate) enum SidTarget {
    Header(&'static HeaderName),
    /// A request that has its sid in a cookie gets it back in the same one.
    Cookie(&'static CookieSpec, Option<Arc<CookieFaults>>),
}

/// The faults of a request that has its sid in a cookie, or would get one. Part of the target, so that
/// other requests do not pay for it.
#[derive(Debug)]
pub(crate) struct CookieFaults {
    /// The cross-origin rule refuses the request.
    pub(super) cross_origin: Option<CrossOrigin>,
    /// The request has different sids in cookies of the name.
    pub(super) repair: Option<Arc<Repair>>,
}

impl SidTarget {
    /// A cookie, and the faults of its request.
    #[inline(never)]
    pub(super) fn cookie(
        spec: &'static CookieSpec,
        head: RequestHead<'_>,
        options: &Options,
        is_ambiguous: bool,
    ) -> Self {
        let cross_origin = CrossOrigin::check_cookie(head, options, spec);
        let repair = if is_ambiguous {
            Repair::new(spec, head, options.trusted_proxy).map(Arc::new)
        } else {
            None
        };
        let faults = (cross_origin.is_some() || repair.is_some()).then(|| {
            Arc::new(CookieFaults {
                cross_origin,
                repair,
            })
        });
        Self::Cookie(spec, faults)
    }

    #[inline]
    pub(super) fn transport(&self) -> Transport {
        match self {
            Self::Header(_) => Transport::Other,
            Self::Cookie(..) => Transport::Cookie,
        }
    }

    #[inline]
    pub(super) fn faults(&self) -> Option<&CookieFaults> {
        match self {
            Self::Header(_) => None,
            Self::Cookie(_, faults) => faults.as_deref(),
        }
    }

    /// The repair for a request with different sids in cookies of the name.
    #[inline]
    pub(super) fn repair(&self) -> Option<&Arc<Repair>> {
        self.faults()?.repair.as_ref()
    }
}
