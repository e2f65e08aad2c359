//! Wrong punctuation.

use connect_session::{Session, session, session_config};

session_config! {
    pub struct Shop {
        idle_timeout: 30m;
        absolute_timeout = 12h,
        touch_every -> 1m,
        renew_every: 2 hours,
        renew_grace(30s),
        commit => always,,
        pub on_ended: ignore,
        #[serde(default)]
        max_size: 64KiB,
        ..Default::default()
    }
}

session_config! {
    pub struct Blog {
        loaders: [
            header: "X-User-Session",
            header["X-Device-Session"],
            header("X-Other-Session") bearer,
            connect_session::bearer,
            cookie("__Host-sid", same_site: Lax, path = /),
            cookie("__Host-sid2" persistent),
        ],
        idle_timeout: 10m,
    }
}

session_config! {
    pub struct Forum {
        data: u8,
        merge: { visits = add, tags: "union", note: last_wins() },
        on_conflict: OnConflict::Reject,
    }
}

#[session(load;)]
async fn one(session: Session) -> String {
    session.id().to_string()
}

#[session(load | create)]
async fn two(session: Session) -> String {
    session.id().to_string()
}

#[session(load,, header("X-Device-Session"))]
async fn three(session: Session) -> String {
    session.id().to_string()
}

#[session(session::load)]
async fn four(session: Session) -> String {
    session.id().to_string()
}

#[session(load, emit(header))]
async fn five(session: Session) -> String {
    session.id().to_string()
}

fn main() {}
