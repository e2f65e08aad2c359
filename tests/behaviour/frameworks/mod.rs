//! The frameworks under test: one small file each, and nothing else knows which one it is.
//!
//! Every config answers at `/{config}/create`, `/{config}/load` and `/{config}/optional`, to any
//! method, with what [`script::run`](crate::support::script::run) makes of the request. `Main` has
//! a few more, which the harnesses list.

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
    /// Handlers of `http::Request`, served by hyper.
    Plain,
    #[cfg(feature = "rocket")]
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

    /// What a handler can return here, beside what every other case returns.
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

    /// Whether routes have parameters that the library can see.
    pub fn has_path_parameters(self) -> bool {
        self != Self::Plain
    }

    /// Whether a handler that panics is answered, with a 500. Elsewhere the server hangs up.
    pub fn answers_panics(self) -> bool {
        #[cfg(feature = "rocket")]
        if self == Self::Rocket {
            return true;
        }
        false
    }

    /// Whether a handler that returns `Err` still answers through the library. With plain `http`
    /// the error goes to whoever called the handler.
    pub fn answers_errors(self) -> bool {
        self != Self::Plain
    }

    /// Whether a request ends with its client. poem's own server and rocket let a handler run to
    /// its end.
    pub fn ends_with_the_client(self) -> bool {
        match self {
            #[cfg(feature = "poem")]
            Self::Poem => false,
            #[cfg(feature = "rocket")]
            Self::Rocket => false,
            _ => true,
        }
    }
}
