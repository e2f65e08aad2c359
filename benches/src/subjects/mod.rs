//! Everything that is measured.

#[cfg(feature = "peers")]
mod actix_web;
#[cfg(feature = "peers")]
mod axum_session;
mod by_hand;
#[cfg(feature = "peers")]
pub mod counted;
pub mod floor;
mod live;
pub mod ours;
#[cfg(feature = "peers")]
mod poem;
#[cfg(feature = "peers")]
mod salvo;
#[cfg(feature = "peers")]
pub mod tower_sessions;

use crate::case::{Case, Workload};

/// Bytes of data in a session.
pub const SMALLEST: usize = 200;
pub const LARGEST: usize = 64 << 10;

/// A library, or a floor under all of them.
pub struct Subject {
    pub framework: &'static str,
    pub name: &'static str,
    /// `None` where the subject has no such workload.
    pub case: Maker,
    /// The same with a store that counts what it is asked, where there is one.
    #[cfg(feature = "peers")]
    pub counted: Option<fn(Workload) -> Option<counted::Counted>>,
    /// The largest session that it keeps; a floor that keeps none has one size.
    pub largest: usize,
}

type Maker = fn(Workload) -> Option<Box<dyn Case>>;

impl Subject {
    fn new(framework: &'static str, name: &'static str, case: Maker) -> Self {
        Self {
            framework,
            name,
            case,
            #[cfg(feature = "peers")]
            counted: None,
            largest: LARGEST,
        }
    }

    /// The same, of which there is no other size.
    fn of_one_size(self) -> Self {
        Self {
            largest: SMALLEST,
            ..self
        }
    }

    #[cfg(feature = "peers")]
    fn counting(self, counted: fn(Workload) -> Option<counted::Counted>) -> Self {
        Self {
            counted: Some(counted),
            ..self
        }
    }

    /// What it is called on the command line: on axum its name alone.
    pub fn key(&self) -> String {
        match self.framework {
            "axum" => self.name.to_owned(),
            framework => format!("{}@{framework}", self.name),
        }
    }

    /// How often a request asks the store, if it can be told.
    #[cfg(feature = "peers")]
    pub fn operations(&self, workload: Workload) -> Option<f64> {
        Some(counted::operations((self.counted?)(workload)?))
    }

    /// A store that counts comes with the other libraries.
    #[cfg(not(feature = "peers"))]
    pub fn operations(&self, _: Workload) -> Option<f64> {
        None
    }
}

/// All subjects, the floors of each framework first.
pub fn all() -> Vec<Subject> {
    #[cfg_attr(not(feature = "peers"), expect(unused_mut))]
    let mut all = vec![
        Subject::new("axum", "bare", floor::bare).of_one_size(),
        Subject::new("axum", "bare-sid", floor::bare_with_sid).of_one_size(),
        Subject::new("axum", "header", floor::header).of_one_size(),
        Subject::new("axum", "map", floor::map),
        Subject::new("axum", "by-hand", by_hand::case),
        #[cfg(not(feature = "peers"))]
        Subject::new("axum", "ours", ours::case),
    ];
    #[cfg(feature = "peers")]
    {
        all.extend([
            Subject::new("axum", "ours", ours::case).counting(ours::counted),
            Subject::new("axum", "tower-sessions", tower_sessions::case)
                .counting(tower_sessions::counted),
            Subject::new("axum", "axum_session", axum_session::case)
                .counting(axum_session::counted),
        ]);
        all.extend(actix_web::subjects());
        all.extend(poem::subjects());
        all.extend(salvo::subjects());
    }
    all
}
