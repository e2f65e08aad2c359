//! Six mistakes in one config cause six errors, in the order of the source, and no others.

use connect_session::{Session, session, session_config};

#[derive(Clone, Default, serde::Serialize, serde::Deserialize)]
pub struct Cart {
    pub visits: u64,
}

session_config! {
    pub struct Shop {
        data: Cart,
        idle_timeuot: 30m,
        absolute_timeout: 12hours,
        loaders: [header("X_User_Session"), cookei("__Host-sid"), query("sid")],
        merge: { visits: ad },
    }
}

#[session(load)]
async fn add(mut session: Session<Shop>) -> String {
    session.visits += 1;
    session.visits.to_string()
}

fn main() {
    let _ = Shop::configure(|options| options.max_size = None);
    let _: axum::Router = axum::Router::new().route("/add", axum::routing::get(add));
}
