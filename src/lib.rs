//! Sessions for REST APIs.

pub use connect_session_runtime::data::SessionData;
pub use connect_session_runtime::sid::{InvalidSessionId, PresentedSid, SessionId, Sid};
pub use connect_session_runtime::untyped::Untyped;
