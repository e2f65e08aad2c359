//! Commits that the status of a response decides about (`commit: on_success`). A responder of actix-web
//! cannot wait for the store, so the app-wide layer commits.

use std::future::Future;
use std::pin::Pin;

use actix_web::body::EitherBody;
use actix_web::dev::ServiceResponse;
use actix_web::{HttpMessage as _, HttpRequest, HttpResponse};

use crate::guard::Deferred;

/// The commits of a request's guards, the inner one first, each with whether its response is a success.
#[derive(Default)]
pub(super) struct Commits(Vec<(Box<Deferred>, bool)>);

/// The future of [`commit`].
pub(super) type Committing<B> = Pin<Box<dyn Future<Output = ServiceResponse<EitherBody<B>>>>>;

impl Commits {
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// Leaves a commit to the layer.
pub(super) fn push(request: &HttpRequest, deferred: Box<Deferred>, is_success: bool) {
    let mut extensions = request.extensions_mut();
    let mut commits: Commits = extensions.remove().unwrap_or_default();
    commits.0.push((deferred, is_success));
    extensions.insert(commits);
}

/// Takes the commits that a request's guards have left.
pub(super) fn take(request: &HttpRequest) -> Commits {
    request.extensions_mut().remove().unwrap_or_default()
}

/// Commits, and adds the headers of the session to the response. An error replaces the response.
pub(super) async fn commit<B>(
    commits: Commits,
    response: ServiceResponse<B>,
) -> ServiceResponse<EitherBody<B>> {
    let mut response = response.map_into_left_body();
    for (deferred, is_success) in commits.0 {
        match deferred.commit(is_success).await {
            Ok(headers) => headers.apply(response.headers_mut()),
            Err(rejection) => {
                let refusal = HttpResponse::from_error(rejection);
                response = response.into_response(refusal.map_into_right_body());
            }
        }
    }
    response
}
