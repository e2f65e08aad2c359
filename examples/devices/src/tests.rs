//! What happens after five minutes, on a clock that the test moves. `tests/examples` has all the rest.

use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::header::{CONTENT_TYPE, COOKIE, SET_COOKIE};
use axum::http::{Request, Response, StatusCode};
use connect_session::store::MemoryStore;
use connect_session::testing::FakeClock;
use tower::ServiceExt as _;

use crate::users::Users;
use crate::{Account, app};

const MINUTE: Duration = Duration::from_secs(60);
const PASSWORD: &str = "password=correct+horse";

struct Browser {
    app: Router,
    cookie: String,
}

impl Browser {
    async fn send(&mut self, method: &str, path: &str, form: &str) -> Response<Body> {
        let request = Request::builder().method(method).uri(path);
        let request = request
            .header(COOKIE, &self.cookie)
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(Body::from(form.to_owned()))
            .unwrap();
        let response = self.app.clone().oneshot(request).await.unwrap();
        if let Some(cookie) = response.headers().get(SET_COOKIE) {
            let cookie = cookie.to_str().unwrap().split(';').next();
            self.cookie = cookie.map(str::to_owned).unwrap();
        }
        response
    }

    async fn post(&mut self, path: &str, form: &str) -> StatusCode {
        self.send("POST", path, form).await.status()
    }
}

#[tokio::test]
async fn a_password_is_asked_again_after_five_minutes() {
    let clock = FakeClock::new();
    let store = MemoryStore::builder().clock(clock.clone()).build();
    let app = app(Users::new().await.unwrap()).layer(Account::layer().with_store(store));
    let mut browser = Browser {
        app,
        cookie: String::new(),
    };
    let form = format!("name=ada&{PASSWORD}");
    assert_eq!(browser.post("/sign-up", &form).await, StatusCode::SEE_OTHER);
    let routes = [
        ("POST", "/log-out-others"),
        ("POST", "/password"),
        ("POST", "/devices/0197a3f0-5a3c-7d21-9c55-2f1d0b6f7a11/end"),
        ("GET", "/codes"),
        ("POST", "/codes"),
    ];
    clock.advance(5 * MINUTE);
    for (method, path) in routes {
        let response = browser.send(method, path, PASSWORD).await;
        assert_eq!(response.status(), StatusCode::UNAUTHORIZED, "{path}");
        let body = axum::body::to_bytes(response.into_body(), 10_000).await;
        let body = String::from_utf8(body.unwrap().to_vec()).unwrap();
        assert!(
            body.contains("#reauthentication-required"),
            "{path}: {body}"
        );
    }

    // A wrong password proves nothing.
    let wrong = browser.post("/reauthenticate", "password=a+wrong+one");
    assert_eq!(wrong.await, StatusCode::FORBIDDEN);
    let refused = browser.post("/log-out-others", "").await;
    assert_eq!(refused, StatusCode::UNAUTHORIZED);
    let right = browser.post("/reauthenticate", PASSWORD).await;
    assert_eq!(right, StatusCode::NO_CONTENT);
    for (method, path) in routes {
        let response = browser.send(method, path, PASSWORD).await;
        assert!(response.status().as_u16() < 400, "{path}: {response:?}");
    }

    clock.advance(4 * MINUTE);
    let still_fresh = browser.post("/log-out-others", "").await;
    assert_eq!(still_fresh, StatusCode::SEE_OTHER);
}
