//! The shop for browsers and for programs.

use serde_json::{Value, json};

use crate::program::{Program, Reply};

const JSON: (&str, &str) = ("Content-Type", "application/json");

/// A browser that keeps one cookie.
struct Browser<'a> {
    shop: &'a Program,
    cookie: Option<String>,
}

impl<'a> Browser<'a> {
    fn new(shop: &'a Program) -> Self {
        Self { shop, cookie: None }
    }

    fn post(&mut self, path: &str, body: &Value) -> Reply {
        let cookie = self.cookie.clone().unwrap_or_default();
        let reply = (self.shop).post(path, &[JSON, ("Cookie", &cookie)], &body.to_string());
        if let Some(set) = reply.header("set-cookie") {
            self.cookie = set.split(';').next().map(str::to_owned);
        }
        reply
    }

    fn cart(&self) -> Value {
        let cookie = self.cookie.clone().unwrap_or_default();
        self.shop.get("/cart", &[("Cookie", &cookie)]).json()
    }

    fn login(&mut self, remember: bool) -> Reply {
        let password = "correct horse battery staple";
        self.post(
            "/login",
            &json!({ "user": 7, "password": password, "remember": remember }),
        )
    }
}

#[test]
fn a_visitor_has_a_session_from_the_first_item_on() {
    let shop = Program::start("shop");
    let mut browser = Browser::new(&shop);
    assert_eq!(browser.post("/cart", &json!({ "item": "" })).status, 422);
    assert_eq!(browser.cookie, None, "nothing to keep");
    assert_eq!(browser.post("/cart", &json!({ "item": "tea" })).status, 204);
    assert!(browser.cookie.is_some());
    browser.post("/cart", &json!({ "item": "tea" }));
    assert_eq!(browser.cart()["cart"], json!({ "tea": 2 }));
}

#[test]
fn a_login_keeps_the_cart_and_remembers_who_wants_it() {
    let shop = Program::start("shop");
    for remember in [false, true] {
        let mut browser = Browser::new(&shop);
        browser.post("/cart", &json!({ "item": "tea" }));
        let visitor = browser.cookie.clone();
        let wrong = browser.post("/login", &json!({ "user": 7, "password": "guess" }));
        assert_eq!((wrong.status, &browser.cookie), (403, &visitor));
        let reply = browser.login(remember);
        assert_eq!(reply.status, 204);
        let set = reply.header("set-cookie").expect("a new sid");
        assert_eq!(set.contains("Max-Age=7776000"), remember, "{set}");
        assert_ne!(browser.cookie, visitor);
        let cart = browser.cart();
        assert_eq!(cart["cart"], json!({ "tea": 1 }));
        assert_eq!(cart["user"], "7");
        assert_eq!(cart["messages"], json!(["Welcome back!"]));
        assert_eq!(browser.cart()["messages"], json!([]), "shown once");
    }
}

#[test]
fn an_order_is_reported_when_it_is_placed() {
    let shop = Program::start("shop");
    let mut browser = Browser::new(&shop);
    browser.post("/cart", &json!({ "item": "tea" }));
    assert_eq!(browser.post("/orders", &json!(null)).status, 401);
    browser.login(false);
    browser.cart();
    assert_eq!(browser.post("/orders", &json!(null)).status, 202);
    let mut cart = browser.cart();
    while cart["messages"] == json!([]) {
        cart = browser.cart();
    }
    assert_eq!(cart["messages"], json!(["Order 1 is on its way."]));
    assert_eq!(cart["cart"], json!({}));
}

#[test]
fn a_program_has_its_sid_in_a_header() {
    let shop = Program::start("shop");
    let opened = shop.post("/sessions", &[], "");
    assert!(opened.header("set-cookie").is_none());
    let sid = opened.header("x-user-session").expect("a sid").to_owned();
    assert_eq!(opened.json()["sid"], sid);
    let with_sid = [JSON, ("X-User-Session", &*sid)];
    let password = "correct horse battery staple";
    let login = json!({ "user": 8, "password": password }).to_string();
    let reply = shop.post("/login", &with_sid, &login);
    let sid = reply
        .header("x-user-session")
        .expect("a new sid")
        .to_owned();
    assert_eq!(shop.get("/whoami", &[("X-User-Session", &sid)]).body, "8");
    assert_eq!(shop.get("/whoami", &[]).body, "nobody");
    assert_eq!(
        shop.delete("/sessions", &[("X-User-Session", &sid)]).status,
        204
    );
    assert_eq!(
        shop.get("/whoami", &[("X-User-Session", &sid)]).body,
        "nobody"
    );
}
