//! The messages for every trait that a user's type may not implement.

use connect_session::{Session, session, session_config};

use std::collections::BTreeMap;

#[derive(Clone, Default, serde::Serialize, serde::Deserialize)]
pub struct Data {
    pub text: String,
    pub map: BTreeMap<String, u8>,
    pub list: Vec<f32>,
}

session_config! {
    pub struct Shop {
        data: Data,
        merge: { text: keys, map: max, list: add },
    }
}

pub struct Body;

#[session(load)]
async fn no_session(#[session] session: String) -> String {
    session
}

#[session(load, http)]
async fn no_body(session: Session, request: http::Request<()>) -> http::Response<Body> {
    let _ = (session, request);
    http::Response::new(Body)
}

fn middleware(uri: &http::Uri) {
    drop(connect_session::SessionView::<Shop>::of_request(uri));
}

fn main() {}
