//! Where the page is mounted.

use axum::Router;
use connect_session::admin::{Access, Admin};
use connect_session::session_config;
use http::{Request, Response};
use tower::ServiceExt as _;

session_config! {
    struct Site {}
}

async fn everybody(_: Request<()>) -> Result<Access, std::convert::Infallible> {
    Ok(Access::ReadAndEnd)
}

async fn get(admin: &Admin<Site>, path: &str) -> Response<String> {
    admin.respond(Request::get(path).body(()).unwrap()).await
}

#[tokio::test]
async fn a_framework_may_leave_the_prefix_in_the_path() {
    let admin = Site::admin(everybody).under("/staff/admin/");
    for (path, status) in [
        ("/staff/admin", 200),
        ("/staff/admin/", 200),
        ("/staff/admin?subject=ada", 200),
        ("/staff/admin/api/counts", 200),
        ("/staff/admin/openapi.json", 200),
        ("/staff/administrators", 404),
        ("/staff", 404),
        ("/api/counts", 404),
        ("/", 404),
    ] {
        assert_eq!(get(&admin, path).await.status(), status, "{path}");
    }
}

#[tokio::test]
async fn every_link_is_relative_to_the_page() {
    let app = Router::new().nest_service("/deep/down", Site::admin(everybody));
    for path in ["/deep/down", "/deep/down/", "/deep/down?subject=ada"] {
        let request = Request::get(path).body(axum::body::Body::empty()).unwrap();
        let response = app.clone().oneshot(request).await.unwrap();
        assert_eq!(response.status(), 200, "{path}");
    }
    let page = get(&Site::admin(everybody), "/?subject=ada").await;
    let links = page.body().split("href=\"").skip(1);
    let mut links = links.chain(page.body().split("action=\"").skip(1));
    assert!(links.all(|link| link.starts_with('?')), "{}", page.body());
}

#[test]
fn its_debug_output_says_what_it_shows() {
    let admin = Site::admin(everybody).show(["visits"]).under("/admin");
    let text = format!("{admin:?}");
    assert_eq!(
        text,
        r#"Admin { config: "Site", shown: ["visits"], under: "/admin", .. }"#
    );
}

/// The statuses of the home page, of a part of the API, and of a request that another origin sends.
const EXPECTED: [u16; 3] = [200, 200, 403];
#[cfg(any(
    feature = "actix-web",
    feature = "poem",
    feature = "rocket",
    feature = "salvo"
))]
const PATHS: [&str; 2] = ["/admin", "/admin/api/counts"];

#[tokio::test]
async fn hyper_calls_it_with_the_head_of_a_request() {
    let admin = Site::admin(everybody).under("/admin");
    let mut statuses = Vec::new();
    for path in ["/admin", "/admin/api/counts"] {
        statuses.push(get(&admin, path).await.status().as_u16());
    }
    let forged = Request::post("/admin?end_all=ada").header("origin", "https://evil.example");
    let forged = admin.respond(forged.body(()).unwrap()).await;
    statuses.push(forged.status().as_u16());
    assert_eq!(statuses, EXPECTED);
}

#[cfg(feature = "actix-web")]
#[actix_web::test]
async fn actix_web_mounts_it_with_a_handler() {
    use actix_web::http::StatusCode;
    use actix_web::test::{TestRequest, call_service, init_service};
    use actix_web::web::{self, Data};
    use actix_web::{App, HttpRequest, HttpResponse};

    // actix-web has types of an earlier version of `http`.
    async fn mount(request: HttpRequest, admin: Data<Admin<Site>>) -> HttpResponse {
        let mut head = Request::builder()
            .method(request.method().as_str())
            .uri(request.uri().to_string());
        for (name, value) in request.headers() {
            head = head.header(name.as_str(), value.as_bytes());
        }
        let Ok(head) = head.body(()) else {
            return HttpResponse::BadRequest().finish();
        };
        let (head, body) = admin.respond(head).await.into_parts();
        let status = StatusCode::from_u16(head.status.as_u16());
        let mut response = HttpResponse::build(status.unwrap_or_default());
        for (name, value) in &head.headers {
            response.append_header((name.as_str(), value.as_bytes()));
        }
        response.body(body)
    }

    let admin = Data::new(Site::admin(everybody).under("/admin"));
    let routes = web::scope("/admin").default_service(web::to(mount));
    let app = init_service(App::new().app_data(admin).service(routes)).await;
    let mut statuses = Vec::new();
    for path in PATHS {
        let response = call_service(&app, TestRequest::get().uri(path).to_request()).await;
        assert_eq!(response.headers().get("cache-control").unwrap(), "no-store");
        statuses.push(response.status().as_u16());
    }
    let forged = TestRequest::post().uri("/admin?end_all=ada");
    let forged = forged.insert_header(("origin", "https://evil.example"));
    let response = call_service(&app, forged.to_request()).await;
    statuses.push(response.status().as_u16());
    assert_eq!(statuses, EXPECTED);
}

#[cfg(feature = "poem")]
#[tokio::test]
async fn poem_mounts_it_with_a_handler() {
    use poem::test::TestClient;
    use poem::web::Data;
    use poem::{EndpointExt as _, Request, Response, Route, handler};

    #[handler]
    async fn mount(request: &Request, admin: Data<&Admin<Site>>) -> Response {
        let mut head = http::Request::new(());
        *head.method_mut() = request.method().clone();
        *head.uri_mut() = request.uri().clone();
        *head.headers_mut() = request.headers().clone();
        let (head, body) = admin.respond(head).await.into_parts();
        let mut response = Response::from(body);
        response.set_status(head.status);
        *response.headers_mut() = head.headers;
        response
    }

    let admin = Site::admin(everybody);
    let app = TestClient::new(Route::new().nest("/admin", mount).data(admin));
    let mut statuses = Vec::new();
    for path in PATHS {
        let response = app.get(path).send().await;
        response.assert_header("cache-control", "no-store");
        statuses.push(response.0.status().as_u16());
    }
    let forged = app.post("/admin").query("end_all", &"ada");
    let forged = forged.header("origin", "https://evil.example").send().await;
    statuses.push(forged.0.status().as_u16());
    assert_eq!(statuses, EXPECTED);
}

#[cfg(feature = "rocket")]
#[tokio::test]
async fn rocket_mounts_it_with_a_handler() {
    use std::io::Cursor;

    use ::rocket::http::{Header, Method, Status};
    use ::rocket::local::asynchronous::Client;
    use ::rocket::route::{Handler, Outcome};
    use ::rocket::{Data, Request, Response, Route};

    #[derive(Clone)]
    struct Mount(Admin<Site>);

    // rocket has types of an earlier version of `http`.
    #[::rocket::async_trait]
    impl Handler for Mount {
        async fn handle<'r>(&self, request: &'r Request<'_>, _: Data<'r>) -> Outcome<'r> {
            let mut head = http::Request::builder()
                .method(request.method().as_str())
                .uri(request.uri().to_string());
            for header in request.headers().iter() {
                head = head.header(header.name().as_str(), header.value());
            }
            let Ok(head) = head.body(()) else {
                return Outcome::Error(Status::BadRequest);
            };
            let (head, body) = self.0.respond(head).await.into_parts();
            let mut response = Response::build();
            response.status(Status::new(head.status.as_u16()));
            for (name, value) in &head.headers {
                let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
                response.header(Header::new(name.to_string(), value));
            }
            response.sized_body(body.len(), Cursor::new(body));
            Outcome::Success(response.finalize())
        }
    }

    let mount = Mount(Site::admin(everybody).under("/admin"));
    let methods = [Method::Get, Method::Post, Method::Delete];
    let routes = methods.map(|method| Route::new(method, "/<_..>", mount.clone()));
    let client = Client::untracked(::rocket::build().mount("/admin", routes)).await;
    let client = client.unwrap();
    let mut statuses = Vec::new();
    for path in PATHS {
        let response = client.get(path).dispatch().await;
        assert_eq!(
            response.headers().get_one("cache-control"),
            Some("no-store")
        );
        statuses.push(response.status().code);
    }
    let forged = client.post("/admin?end_all=ada");
    let forged = forged.header(Header::new("origin", "https://evil.example"));
    statuses.push(forged.dispatch().await.status().code);
    assert_eq!(statuses, EXPECTED);
}

#[cfg(feature = "salvo")]
#[tokio::test]
async fn salvo_mounts_it_with_a_handler() {
    use salvo::test::TestClient;
    use salvo::{Request, Response, Router, Service, handler};

    struct Mount(Admin<Site>);

    #[handler]
    impl Mount {
        async fn handle(&self, request: &mut Request, response: &mut Response) {
            let mut head = http::Request::new(());
            *head.method_mut() = request.method().clone();
            *head.uri_mut() = request.uri().clone();
            *head.headers_mut() = request.headers().clone();
            let (head, body) = self.0.respond(head).await.into_parts();
            response.status_code(head.status);
            *response.headers_mut() = head.headers;
            response.body(body);
        }
    }

    let mount = Mount(Site::admin(everybody).under("/admin"));
    let service = Service::new(Router::with_path("admin/{**rest}").goal(mount));
    let mut statuses = Vec::new();
    for path in PATHS {
        let request = TestClient::get(format!("http://127.0.0.1{path}"));
        let response = request.send(&service).await;
        assert_eq!(response.headers().get("cache-control").unwrap(), "no-store");
        statuses.push(response.status_code.unwrap().as_u16());
    }
    let forged = TestClient::post("http://127.0.0.1/admin?end_all=ada");
    let forged = forged.add_header("origin", "https://evil.example", true);
    let response = forged.send(&service).await;
    statuses.push(response.status_code.unwrap().as_u16());
    assert_eq!(statuses, EXPECTED);
}
