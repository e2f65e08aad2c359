//! Decides how the session of a request is opened.

use super::extract::OldRequest;
use super::guards::Creation;
use super::{CrossOrigin, RequestContext};
use crate::config::SessionConfig;
use crate::error::{Error, ErrorKind};
use crate::event::EventKind;
use crate::sid::{PresentedSid, SessionId};

/// Whether a handler creates a session or needs a stored one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    Create,
    /// Create a session that is stored only if the handler uses it.
    CreateLazily,
    LoadRequired,
    LoadOptional,
}

impl Purpose {
    pub(super) fn creates(self) -> bool {
        self.creation() != Creation::IfChanged
    }

    pub(super) fn creation(self) -> Creation {
        match self {
            Self::Create => Creation::Always,
            Self::CreateLazily => Creation::Lazy,
            Self::LoadRequired | Self::LoadOptional => Creation::IfChanged,
        }
    }
}

/// How to open the session of a request.
pub(super) enum OpenPlan<'a> {
    /// The handler runs without a session.
    None,
    /// The response to an OPTIONS request is sent; the handler does not run.
    NoContent,
    /// Create a session; the store is first called at the commit.
    New,
    /// Adopt the session of another library, if one of these cookies is that of one.
    Adopt(&'a OldRequest),
    /// Load the session of this sid, found by the loader at this index.
    Load(&'a (PresentedSid, usize)),
}

#[inline]
pub(super) fn plan<C: SessionConfig>(
    context: &RequestContext<C>,
    purpose: Purpose,
) -> Result<OpenPlan<'_>, Error> {
    if context.is_options {
        return Ok(if purpose == Purpose::LoadOptional {
            OpenPlan::None
        } else {
            OpenPlan::NoContent
        });
    }
    check_origin(context, purpose)?;
    let sid = match &context.found {
        Ok(found) => &found.sid,
        // None of the sids is used; the response expires their cookies.
        Err(_) if purpose.creates() && context.target.repair().is_some() => &None,
        Err(_) => return Err(context.ambiguity()),
    };
    match (sid, &context.old_request) {
        (Some(presented), _) => Ok(OpenPlan::Load(presented)),
        (None, Some(cookies)) => Ok(OpenPlan::Adopt(cookies)),
        (None, None) => without_sid(context, purpose),
    }
}

/// What to do for a request without a sid.
pub(super) fn without_sid<C: SessionConfig>(
    context: &RequestContext<C>,
    purpose: Purpose,
) -> Result<OpenPlan<'_>, Error> {
    match purpose {
        Purpose::Create | Purpose::CreateLazily => Ok(OpenPlan::New),
        Purpose::LoadOptional => Ok(OpenPlan::None),
        Purpose::LoadRequired => {
            context.emit_event(None, EventKind::Missing);
            Err(context.no_session_error())
        }
    }
}

/// Refuses a request that the cross-origin rule does not allow.
#[inline]
pub(super) fn check_origin<C: SessionConfig>(
    context: &RequestContext<C>,
    purpose: Purpose,
) -> Result<(), Error> {
    let refused = (context.target.faults()).and_then(|faults| faults.cross_origin.as_ref());
    match refused {
        // Without a sid, only a new session would use the cookie.
        Some(refused) if context.presents_sid() || purpose.creates() => {
            let presented = context.found.ok().and_then(|found| found.sid);
            let id = presented.map(|(sid, _)| sid.id());
            Err(refuse_cross_origin(context, id, refused))
        }
        _ => Ok(()),
    }
}

#[cold]
pub(super) fn refuse_cross_origin<C: SessionConfig>(
    context: &RequestContext<C>,
    id: Option<SessionId>,
    refused: &CrossOrigin,
) -> Error {
    let kind = EventKind::CrossOrigin {
        sent: &refused.sent,
        expected: &refused.expected,
    };
    context.emit_event(id, kind);
    Error::of(ErrorKind::CrossOrigin)
}
