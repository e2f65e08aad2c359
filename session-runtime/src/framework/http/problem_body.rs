//! The bodies that error responses can have.

/// A response body that can be created from a text, for error responses.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be the body of an error response",
    note = "enable the feature `http-body` for the bodies of `http-body-util`, or implement `connect_session::ProblemBody` for your own"
)]
pub trait ProblemBody {
    /// Creates a body with this text.
    fn problem(text: String) -> Self;
}

#[diagnostic::do_not_recommend]
impl ProblemBody for String {
    fn problem(text: String) -> Self {
        text
    }
}

#[diagnostic::do_not_recommend]
impl ProblemBody for Vec<u8> {
    fn problem(text: String) -> Self {
        text.into_bytes()
    }
}

#[cfg(feature = "http-body")]
mod bodies {
    use bytes::Bytes;
    use http_body_util::combinators::{BoxBody, UnsyncBoxBody};
    use http_body_util::{BodyExt as _, Full};

    use super::ProblemBody;

    #[diagnostic::do_not_recommend]
    impl ProblemBody for Bytes {
        fn problem(text: String) -> Self {
            text.into()
        }
    }

    #[diagnostic::do_not_recommend]
    impl ProblemBody for Full<Bytes> {
        fn problem(text: String) -> Self {
            text.into()
        }
    }

    #[diagnostic::do_not_recommend]
    impl<E> ProblemBody for BoxBody<Bytes, E> {
        fn problem(text: String) -> Self {
            Full::from(text).map_err(|never| match never {}).boxed()
        }
    }

    #[diagnostic::do_not_recommend]
    impl<E> ProblemBody for UnsyncBoxBody<Bytes, E> {
        fn problem(text: String) -> Self {
            Full::from(text)
                .map_err(|never| match never {})
                .boxed_unsync()
        }
    }
}

#[cfg(feature = "axum")]
#[diagnostic::do_not_recommend]
impl ProblemBody for axum::body::Body {
    fn problem(text: String) -> Self {
        text.into()
    }
}
