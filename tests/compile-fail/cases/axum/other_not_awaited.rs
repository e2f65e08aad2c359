//! Session methods that are not awaited: the compiler's own lint reports them.

#![deny(unused_must_use)]
#![allow(dead_code)]

use connect_session::{Session, session};

#[session(load)]
async fn destroyed(session: Session) {
    session.destroy();
}

#[session(load)]
async fn saved(session: Session) {
    session.save();
}

#[session(load)]
async fn rotated(mut session: Session) {
    session.rotate();
}

fn main() {}
