//! A layer for some paths only, and middleware that reads a session.

use ::rocket::fairing::{Fairing, Info, Kind};
use ::rocket::{Data, Request, Response, async_trait};
use connect_session::{SessionConfig, SessionLayer, SessionView};

use crate::configs::Main;

/// Applies a layer to the paths with this prefix only.
pub(super) struct Only<C: SessionConfig>(pub(super) &'static str, pub(super) SessionLayer<C>);

#[async_trait]
impl<C: SessionConfig> Fairing for Only<C> {
    fn info(&self) -> Info {
        self.1.info()
    }

    async fn on_request(&self, request: &mut Request<'_>, data: &mut Data<'_>) {
        if request.uri().path().starts_with(self.0) {
            self.1.on_request(request, data).await;
        }
    }

    async fn on_response<'r>(&self, request: &'r Request<'_>, response: &mut Response<'r>) {
        if request.uri().path().starts_with(self.0) {
            self.1.on_response(request, response).await;
        }
    }
}

/// Reads the session before the handler does.
pub(super) struct Look;

#[async_trait]
impl Fairing for Look {
    fn info(&self) -> Info {
        Info {
            name: "look",
            kind: Kind::Request,
        }
    }

    async fn on_request(&self, request: &mut Request<'_>, _: &mut Data<'_>) {
        if request.uri().path() == "/main/looked-at" {
            let _ = SessionView::<Main>::of_request(request).await;
        }
    }
}
