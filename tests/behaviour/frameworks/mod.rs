//! The frameworks under test, one adapter each. The rest of the suite is independent of the
//! framework.
//!
//! Every config has the routes `/{config}/create`, `/{config}/load` and `/{config}/optional`. They
//! accept any method and run the request's script with
//! [`script::run`](crate::support::script::run). `Main` has a few more routes; see the adapters. Those below
//! `/main/user` need a user who is logged in.

#[cfg(feature = "actix-web")]
mod actix;
mod axum;
mod plain;
#[cfg(feature = "poem")]
mod poem;
#[cfg(feature = "rocket")]
mod rocket;
#[cfg(feature = "salvo")]
mod salvo;

use std::net::{Ipv4Addr, SocketAddr};

use http::StatusCode;
use tokio::net::TcpListener;

use crate::stores::Stores;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Framework {
    #[cfg(feature = "actix-web")]
    Actix,
    Axum,
    #[cfg(feature = "poem")]
    Poem,
    #[cfg(feature = "salvo")]
    Salvo,
    /// Handlers that take an `http::Request`, served by hyper.
    Plain,
    #[cfg(feature = "rocket")]
    Rocket,
}

/// A handler with a certain return type. It pushes the item `shaped`.
#[derive(Debug, Clone, Copy)]
pub struct Shape {
    pub path: &'static str,
    pub status: StatusCode,
    /// Whether the item must be stored.
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
    /// Serves until the runtime is dropped; returns the address.
    pub async fn serve(self, stores: Stores) -> SocketAddr {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        match self {
            #[cfg(feature = "actix-web")]
            Self::Actix => actix::serve(listener, stores),
            Self::Axum => axum::serve(listener, &stores),
            Self::Plain => plain::serve(listener, stores),
            #[cfg(feature = "poem")]
            Self::Poem => poem::serve(listener, &stores),
            #[cfg(feature = "salvo")]
            Self::Salvo => salvo::serve(listener, &stores),
            #[cfg(feature = "rocket")]
            Self::Rocket => return rocket::serve(stores).await,
        }
        address
    }

    /// The return types to test, in addition to those that the cases use.
    pub fn shapes(self) -> &'static [Shape] {
        match self {
            #[cfg(feature = "actix-web")]
            Self::Actix => actix::SHAPES,
            Self::Axum => axum::SHAPES,
            Self::Plain => plain::SHAPES,
            #[cfg(feature = "poem")]
            Self::Poem => poem::SHAPES,
            #[cfg(feature = "salvo")]
            Self::Salvo => salvo::SHAPES,
            #[cfg(feature = "rocket")]
            Self::Rocket => rocket::SHAPES,
        }
    }

    /// Handlers whose return type is not a plain `Result`, but whose value may be or contain an `Err`.
    pub fn failures(self) -> &'static [Shape] {
        match self {
            #[cfg(feature = "actix-web")]
            Self::Actix => actix::FAILURES,
            Self::Axum => axum::FAILURES,
            Self::Plain => plain::FAILURES,
            #[cfg(feature = "poem")]
            Self::Poem => poem::FAILURES,
            #[cfg(feature = "salvo")]
            Self::Salvo => salvo::FAILURES,
            #[cfg(feature = "rocket")]
            Self::Rocket => rocket::FAILURES,
        }
    }

    /// Whether routes have path parameters that the library can read.
    pub fn has_path_parameters(self) -> bool {
        self != Self::Plain
    }

    /// Whether a panic in a handler results in a 500. Otherwise the server closes the connection.
    pub fn responds_to_panics(self) -> bool {
        #[cfg(feature = "rocket")]
        if self == Self::Rocket {
            return true;
        }
        false
    }

    /// Whether the library converts a handler's `Err` into a response. With plain `http` the caller
    /// of the handler receives the error.
    pub fn responds_to_errors(self) -> bool {
        self != Self::Plain
    }

    /// Whether a disconnected client cancels its request. poem's own server and rocket run the
    /// handler to its end.
    pub fn cancels_on_disconnect(self) -> bool {
        match self {
            #[cfg(feature = "poem")]
            Self::Poem => false,
            #[cfg(feature = "rocket")]
            Self::Rocket => false,
            _ => true,
        }
    }
}
