//! The frameworks under test: one small file each, and nothing else knows which one it is.
//!
//! Every config answers at `/{config}/create`, `/{config}/load` and `/{config}/optional`, to any
//! method, with what [`script::run`](crate::support::script::run) makes of the request. `Main` has
//! a few more, which the harnesses list.

mod axum;
mod plain;
mod poem;
mod salvo;

use http::StatusCode;
use tokio::net::TcpListener;

use crate::stores::Stores;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Framework {
    Axum,
    Poem,
    Salvo,
    /// Handlers of `http::Request`, served by hyper.
    Plain,
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
    /// Answers requests until the runtime is dropped.
    pub fn serve(self, listener: TcpListener, stores: Stores) {
        match self {
            Self::Axum => axum::serve(listener, &stores),
            Self::Plain => plain::serve(listener, stores),
            Self::Poem => poem::serve(listener, &stores),
            Self::Salvo => salvo::serve(listener, &stores),
        }
    }

    /// What a handler can return here, beside what every other case returns.
    pub fn shapes(self) -> &'static [Shape] {
        match self {
            Self::Axum => axum::SHAPES,
            Self::Plain => plain::SHAPES,
            Self::Poem => poem::SHAPES,
            Self::Salvo => salvo::SHAPES,
        }
    }

    /// Whether routes have parameters that the library can see.
    pub fn has_path_parameters(self) -> bool {
        self != Self::Plain
    }

    /// Whether a handler that returns `Err` still answers through the library. With plain `http`
    /// the error goes to whoever called the handler.
    pub fn answers_errors(self) -> bool {
        self != Self::Plain
    }

    /// Whether a handler ends when its client hangs up. poem's own server lets it run to its end.
    pub fn cancels_handlers(self) -> bool {
        self != Self::Poem
    }
}
