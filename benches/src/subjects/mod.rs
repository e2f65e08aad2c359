//! All subjects.

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

/// The sizes of the data, in bytes.
pub const SMALLEST: usize = 200;
pub const LARGEST: usize = 64 << 10;

/// A library or a floor.
pub struct Subject {
    pub framework: &'static str,
    pub name: &'static str,
    /// Returns `None` if the subject does not have the workload.
    pub case: Maker,
    /// The case with a counting store, if there is one.
    #[cfg(feature = "peers")]
    pub counted: Option<fn(Workload) -> Option<counted::Counted>>,
    /// The largest data size of the subject; floors without sessions have only one size.
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

    /// Limits the subject to the smallest size.
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

    /// The name on the command line: on axum, the name alone.
    pub fn key(&self) -> String {
        match self.framework {
            "axum" => self.name.to_owned(),
            framework => format!("{}@{framework}", self.name),
        }
    }

    /// The number of store operations of a request, if they can be counted.
    #[cfg(feature = "peers")]
    pub fn operations(&self, workload: Workload) -> Option<f64> {
        Some(counted::operations((self.counted?)(workload)?))
    }

    /// Counting stores require the other libraries.
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
