//! Old sessions that a config cannot adopt.

use connect_session::adopt::{Adopt, Adopted, OldCookie, OldSessions, OldSid, RequestHeaders};
use connect_session::session_config;
use connect_session::store::BoxError;
use serde_json::Value;

struct Legacy;

impl Legacy {
    async fn connect(_: &str) -> Result<Self, BoxError> {
        Ok(Self)
    }
}

impl OldSessions for Legacy {
    fn find(&self, _: &RequestHeaders) -> Option<OldSid> {
        None
    }

    async fn read(&self, _: &OldSid) -> Result<Option<Value>, BoxError> {
        Ok(None)
    }

    async fn remove(&self, _: &OldSid) -> Result<(), BoxError> {
        Ok(())
    }

    fn cookie(&self) -> OldCookie {
        OldCookie::new("legacy")
    }
}

#[derive(Clone, Default, serde::Serialize, serde::Deserialize)]
pub struct Cart {
    pub items: Vec<String>,
}

#[derive(Clone, Default, serde::Serialize, serde::Deserialize)]
pub struct Post {
    pub text: String,
}

fn cart_of(_: Value) -> Option<Adopted<Cart>> {
    None
}

fn old_carts() -> Adopt<Cart> {
    Legacy.adopt(cart_of)
}

session_config! {
    pub struct NoFunction {
        data: Cart,
        adopt: Legacy,
    }
}

session_config! {
    pub struct NoSource {
        data: Cart,
        adopt: cart_of,
    }
}

session_config! {
    pub struct OtherData {
        data: Post,
        adopt: old_carts(),
    }
}

session_config! {
    pub struct Quoted {
        data: Cart,
        adopt: "connect.sid",
    }
}

session_config! {
    pub struct Empty {
        data: Cart,
        adopt: ,
    }
}

session_config! {
    pub struct Twice {
        data: Cart,
        adopt: old_carts(),
        adopt: old_carts(),
    }
}

session_config! {
    pub struct Password {
        data: Cart,
        adopt: Legacy::connect("redis://shop:secret@cache").await?.adopt(cart_of),
    }
}

fn main() {}
