//! Everything that is measured.

#[cfg(feature = "peers")]
mod axum_session;
pub mod floor;
pub mod ours;
#[cfg(feature = "peers")]
pub mod tower_sessions;

use crate::case::{Case, Workload};

/// A library, or a floor under all of them.
pub struct Subject {
    pub name: &'static str,
    /// `None` where the subject has no such workload.
    pub case: fn(Workload) -> Option<Box<dyn Case>>,
}

/// All subjects, the floors first.
pub fn all() -> Vec<Subject> {
    vec![
        Subject {
            name: "bare",
            case: floor::bare,
        },
        Subject {
            name: "bare-sid",
            case: floor::bare_with_sid,
        },
        Subject {
            name: "header",
            case: floor::header,
        },
        Subject {
            name: "map",
            case: floor::map,
        },
        Subject {
            name: "ours",
            case: ours::case,
        },
        #[cfg(feature = "peers")]
        Subject {
            name: "tower-sessions",
            case: tower_sessions::case,
        },
        #[cfg(feature = "peers")]
        Subject {
            name: "axum_session",
            case: axum_session::case,
        },
    ]
}
