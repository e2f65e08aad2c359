//! A `Session` of another library under the attribute.

use connect_session::session;

mod other_library {
    #[derive(Debug)]
    pub struct Session;

    impl Session {
        pub async fn flush(&self) {}
    }
}

use other_library::Session;

#[session(load)]
async fn show(session: Session) -> String {
    session.flush().await;
    String::new()
}

#[session(create)]
async fn open(session: Session) -> String {
    session.flush().await;
    String::new()
}

fn main() {}
