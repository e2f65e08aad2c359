//! The attribute on an item that is not a function.

use connect_session::{Session, session};

#[session(load)]
struct One;

#[session(load)]
impl One {}

#[session(load)]
trait Two {}

#[session(load)]
mod three {}

#[session(load)]
const FOUR: u8 = 4;

trait Five {
    #[session(load)]
    async fn five(session: Session);
}

fn main() {}
