//! Configs that differ from that of the table only in the number of loaders or of the data's
//! fields.

use axum::Router;
use axum::http::HeaderName;
use axum::routing::post;

use super::fields;
use crate::case::{Case, Workload};
use crate::data::Data;
use crate::over_axum::{Carrier, OverAxum};

/// A config in its own module, with handlers for a read and a change. The sid is in the last
/// header; the seed's attribute overrides the loaders accordingly.
macro_rules! shop {
    ($shop:ident, $data:ty, [$($other:literal)*] $last:literal) => {
        mod $shop {
            use connect_session::{Session, session, session_config};

            use super::*;
            use crate::case::handler_ran;

            session_config! {
                struct Shop {
                    data: $data,
                    loaders: [$(header($other),)* header($last)],
                    namespace: stringify!($shop),
                }
            }

            pub(super) fn case(workload: Workload) -> Box<dyn Case> {
                let router = Router::new()
                    .route("/read", post(read))
                    .route("/write", post(write))
                    .route("/seed", post(seed));
                let sid = HeaderName::from_bytes($last.as_bytes()).expect("a header");
                Box::new(OverAxum::new(router, Carrier::Header(sid), workload))
            }

            #[session(load)]
            async fn read(session: Session<Shop>) -> String {
                handler_ran();
                session.visits.to_string()
            }

            #[session(load)]
            async fn write(mut session: Session<Shop>) -> String {
                handler_ran();
                session.visits += 1;
                session.visits.to_string()
            }

            #[session(create, header = $last)]
            async fn seed(mut session: Session<Shop>) -> String {
                *session = <$data>::seed();
                session.visits = 41;
                session.visits.to_string()
            }
        }
    };
}

shop! { loaders_1, Data, [] "X-Sid-01" }
shop! { loaders_2, Data, ["X-Sid-01"] "X-Sid-02" }
shop! { loaders_5, Data, ["X-Sid-01" "X-Sid-02" "X-Sid-03" "X-Sid-04"] "X-Sid-05" }
shop! { loaders_10, Data,
    ["X-Sid-01" "X-Sid-02" "X-Sid-03" "X-Sid-04" "X-Sid-05"
     "X-Sid-06" "X-Sid-07" "X-Sid-08" "X-Sid-09"] "X-Sid-10"
}
shop! { loaders_20, Data,
    ["X-Sid-01" "X-Sid-02" "X-Sid-03" "X-Sid-04" "X-Sid-05"
     "X-Sid-06" "X-Sid-07" "X-Sid-08" "X-Sid-09" "X-Sid-10"
     "X-Sid-11" "X-Sid-12" "X-Sid-13" "X-Sid-14" "X-Sid-15"
     "X-Sid-16" "X-Sid-17" "X-Sid-18" "X-Sid-19"] "X-Sid-20"
}
shop! { fields_1, fields::One, [] "X-User-Session" }
shop! { fields_5, fields::Five, [] "X-User-Session" }
shop! { fields_20, fields::Twenty, [] "X-User-Session" }

type Maker = fn(Workload) -> Box<dyn Case>;

/// All configs: the dimension that grows, its value, and the case.
const ALL: [(&str, usize, Maker); 8] = [
    ("loaders", 1, loaders_1::case),
    ("loaders", 2, loaders_2::case),
    ("loaders", 5, loaders_5::case),
    ("loaders", 10, loaders_10::case),
    ("loaders", 20, loaders_20::case),
    ("fields", 1, fields_1::case),
    ("fields", 5, fields_5::case),
    ("fields", 20, fields_20::case),
];

/// The numbers of loaders or fields of the configs.
pub fn steps(what: &str) -> Vec<usize> {
    let of = ALL.iter().filter(|(name, ..)| *name == what);
    of.map(|(_, count, _)| *count).collect()
}

/// Finds a config by its subject name, such as `loaders-5`.
pub fn find(subject: &str, workload: Workload) -> Option<Box<dyn Case>> {
    let (what, count) = subject.split_once('-')?;
    let count: usize = count.parse().ok()?;
    let (.., case) = ALL
        .iter()
        .find(|(name, steps, _)| (*name, *steps) == (what, count))?;
    Some(case(workload))
}
