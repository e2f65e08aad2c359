//! The frameworks under test: one small file each, and nothing else knows which one it is.
//!
//! Every config answers at `/{config}/create`, `/{config}/load` and `/{config}/optional`, to any
//! method, with what [`script::run`](crate::support::script::run) makes of the request. `Main` has
//! a few more, which the harnesses list.

mod actix;
mod axum;
mod plain;
mod poem;
mod rocket;
mod salvo;

use std::net::{Ipv4Addr, SocketAddr};

use http::StatusCode;
use tokio::net::TcpListener;

use crate::stores::Stores;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Framework {
    Actix,
    Axum,
    Poem,
    Salvo,
    /// Handlers of `http::Request`, served by hyper.
    Plain,
    Rocket,
}

/// A handler whose session gets the item `shaped`, by what it returns.
#[derive(Debug, Clone, Copy)]
pub struct Shape {
    pub path: &'static str,
    pub status: StatusCode,
    /// Whether the item is to be stored.
    pub stored: bool,
}

const fn shape(path: &'static str, status: StatusCode, stored: bool) -> Shape {
    Shape {
        path,
        status,
        stored,
    }
}

impl Framework {
    /// Answers requests until the runtime is dropped; at which address.
    pub async fn serve(self, stores: Stores) -> SocketAddr {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        match self {
            Self::Actix => actix::serve(listener, stores),
            Self::Axum => axum::serve(listener, &stores),
            Self::Plain => plain::serve(listener, stores),
            Self::Poem => poem::serve(listener, &stores),
            Self::Salvo => salvo::serve(listener, &stores),
            Self::Rocket => return rocket::serve(stores).await,
        }
        address
    }

    /// What a handler can return here, beside what every other case returns.
    pub fn shapes(self) -> &'static [Shape] {
        match self {
            Self::Actix => actix::SHAPES,
            Self::Axum => axum::SHAPES,
            Self::Plain => plain::SHAPES,
            Self::Poem => poem::SHAPES,
            Self::Salvo => salvo::SHAPES,
            Self::Rocket => rocket::SHAPES,
        }
    }

    /// Whether routes have parameters that the library can see.
    pub fn has_path_parameters(self) -> bool {
        self != Self::Plain
    }

    /// Whether a handler that panics is answered, with a 500. Elsewhere the server hangs up.
    pub fn answers_panics(self) -> bool {
        self == Self::Rocket
    }

    /// Whether a handler that returns `Err` still answers through the library. With plain `http`
    /// the error goes to whoever called the handler.
    pub fn answers_errors(self) -> bool {
        self != Self::Plain
    }

    /// Whether a request ends with its client. poem's own server and rocket let a handler run to
    /// its end.
    pub fn ends_with_the_client(self) -> bool {
        !matches!(self, Self::Poem | Self::Rocket)
    }
}
