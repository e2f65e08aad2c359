//! A body in two parts; the second is sent after a signal.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use hyper::body::{Body, Bytes, Frame};

use super::session::BoxFuture;
use super::signal::Signal;

pub struct TwoParts {
    first: Option<Bytes>,
    second: Option<BoxFuture<'static, Bytes>>,
}

impl TwoParts {
    pub fn new(first: &'static str, signal: Signal, second: &'static str) -> Self {
        Self {
            first: Some(Bytes::from_static(first.as_bytes())),
            second: Some(Box::pin(async move {
                signal.wait().await;
                Bytes::from_static(second.as_bytes())
            })),
        }
    }
}

impl Body for TwoParts {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        if let Some(first) = self.first.take() {
            return Poll::Ready(Some(Ok(Frame::data(first))));
        }
        let Some(second) = &mut self.second else {
            return Poll::Ready(None);
        };
        let part = std::task::ready!(second.as_mut().poll(cx));
        self.second = None;
        Poll::Ready(Some(Ok(Frame::data(part))))
    }
}
