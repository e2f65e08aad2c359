//! What a session means in an OpenAPI document: what the features for generators must agree on, and
//! `Shop::security()`.

use connect_session::session_config;
use serde_json::{Value, json};

session_config! {
    /// Sessions of browsers and programs.
    pub(crate) struct Shop {
        loaders: [header("X-User-Session"), bearer, cookie("__Host-sid")],
        on_conflict: reject,
        max_sessions: 5,
        on_max_sessions: refuse,
        max_size: 64KiB,
    }
}

session_config! {
    /// Sessions of links, with names that no component key may have.
    pub(crate) struct Links {
        loaders: [
            query("s~d", allow_in_url = "a test of documents"),
            path("sid", allow_in_url = "a test of documents"),
            cookie("__Host-!#$%&'*+.^`|~", cross_origin = off("a test of documents")),
        ],
        on_ended: ignore,
        on_undecodable: replace,
    }
}

session_config! {
    /// A further login ends the earliest session.
    struct Replacing { max_sessions: 5 }
}

pub(crate) fn any_of_shop() -> Value {
    json!([
        { "session-header-x-user-session": [] },
        { "session-bearer": [] },
        { "session-cookie-__Host-sid": [] },
    ])
}

/// The names of the problem types of an operation, with their statuses.
pub(crate) fn problems(responses: &Value) -> Value {
    let mut found = serde_json::Map::new();
    for (status, response) in responses.as_object().unwrap() {
        let schema = &response["content"]["application/problem+json"]["schema"];
        let Some(types) = schema["properties"]["type"]["enum"].as_array() else {
            continue;
        };
        let code: u16 = status.parse().unwrap();
        assert_eq!(schema["properties"]["status"]["enum"], json!([code]));
        assert_eq!(schema["required"], json!(["type", "title", "status"]));
        let names: Vec<_> = types
            .iter()
            .map(|url| url.as_str().unwrap().split_once('#').unwrap().1)
            .collect();
        for name in &names {
            assert!(response["description"].as_str().unwrap().contains(name));
        }
        found.insert(status.clone(), json!(names));
    }
    Value::Object(found)
}

/// What a handler of [`Shop`] that requires a session answers.
pub(crate) fn shop_problems() -> Value {
    json!({
        "400": ["ambiguous-session"],
        "401": ["missing-session", "unknown-session"],
        "403": ["cross-origin"],
        "409": ["conflict", "session-ended", "superseded", "login-revoked", "too-many-sessions"],
        "413": ["too-large", "too-many-fields"],
        "422": ["too-deep"],
        "500": ["undecodable", "unencodable"],
        "503": [
            "contention", "outcome-unknown", "store-unavailable", "newer-data", "store-full",
        ],
    })
}

/// The scheme of a cookie whose name no component key may have.
const ODD: &str = "session-cookie-__Host-.21.23.24.25.26.27.2A.2B.2E.5E.60.7C.7E";

fn assert_schemes(schemes: &Value) {
    let valid = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    assert!(
        schemes
            .as_object()
            .unwrap()
            .keys()
            .all(|key| key.bytes().all(valid)),
        "{schemes}"
    );
    for (key, place, name) in [
        ("session-header-x-user-session", "header", "x-user-session"),
        ("session-cookie-__Host-sid", "cookie", "__Host-sid"),
        (
            "session-header-x-device-session",
            "header",
            "x-device-session",
        ),
        ("session-query-s.7Ed", "query", "s~d"),
        (ODD, "cookie", "__Host-!#$%&'*+.^`|~"),
    ] {
        let scheme = &schemes[key];
        assert_eq!(scheme["type"], "apiKey", "{key}");
        assert_eq!(
            (&scheme["in"], &scheme["name"]),
            (&json!(place), &json!(name))
        );
    }
    assert_eq!(schemes["session-bearer"]["type"], "http");
    assert_eq!(schemes["session-bearer"]["scheme"], "bearer");
}

fn operation(document: &Value, path: &str, method: &str) -> Value {
    let operation = &document["paths"][path][method];
    assert!(operation.is_object(), "{path}");
    operation.clone()
}

/// Asserts the description of one handler of each kind, whatever generator has written the document. The
/// handlers are at these paths.
pub(crate) fn assert_document(document: &Value) {
    assert_sessions(document);
    assert_views(document);

    let link = operation(document, "/link/{sid}", "get");
    let parameters = link["parameters"].as_array().unwrap();
    assert_eq!(parameters.len(), 1);
    assert_eq!(
        (&parameters[0]["in"], &parameters[0]["name"]),
        (&json!("path"), &json!("sid"))
    );
}

/// The same for what every generator can say of a session.
pub(crate) fn assert_sessions(document: &Value) {
    let operation = |path, method| operation(document, path, method);
    assert_schemes(&document["components"]["securitySchemes"]);

    let add = operation("/add", "post");
    assert_eq!(add["security"], any_of_shop());
    assert_eq!(problems(&add["responses"]), shop_problems());
    let headers = |operation: &Value, status: &str| {
        let headers = operation["responses"][status]["headers"].as_object();
        headers
            .map(|all| all.keys().cloned().collect::<Vec<_>>())
            .unwrap_or_default()
    };
    let mut sent = headers(&add, "200");
    sent.sort();
    assert_eq!(sent, ["Set-Cookie", "x-user-session"]);
    assert_eq!(headers(&add, "401"), ["WWW-Authenticate"]);
    assert_eq!(headers(&add, "503"), ["Retry-After"]);

    // A session is not required where it is created or optional.
    let begun = operation("/begin", "post");
    assert_eq!(
        begun["security"].as_array().unwrap().last(),
        Some(&json!({}))
    );
    assert!(begun["responses"]["401"].is_null());
    assert_eq!(
        problems(&begun["responses"])["403"],
        json!(["cross-origin"])
    );
    let device = operation("/device", "get");
    assert_eq!(
        device["security"],
        json!([{ "session-header-x-device-session": [] }, {}])
    );
    assert!(device["responses"]["401"].is_null() && device["responses"]["403"].is_null());

    // A login that is recent and of a level.
    let pay = operation("/pay", "post");
    assert_eq!(
        problems(&pay["responses"])["401"],
        json!([
            "missing-session",
            "unknown-session",
            "login-required",
            "reauthentication-required",
            "step-up-required"
        ])
    );
    let content = &pay["responses"]["401"]["content"]["application/problem+json"];
    for detail in ["max_age", "level"] {
        assert_eq!(content["schema"]["properties"][detail]["type"], "integer");
    }

    let link = operation("/link/{sid}", "get");
    assert_eq!(
        link["security"],
        json!([{ "session-query-s.7Ed": [] }, { ODD: [] }])
    );
    let answers = problems(&link["responses"]);
    assert_eq!(answers["409"], json!(["superseded", "login-revoked"]));
    assert_eq!(answers["500"], json!(["unencodable"]));
    assert!(answers["403"].is_null());
}

/// The same for a view.
fn assert_views(document: &Value) {
    let look = operation(document, "/look", "get");
    assert_eq!(look["security"], any_of_shop());
    let mut read_only = shop_problems();
    for status in ["409", "413", "422"] {
        read_only.as_object_mut().unwrap().remove(status);
    }
    read_only["500"] = json!(["undecodable"]);
    read_only["503"] = json!(["contention", "store-unavailable", "newer-data"]);
    assert_eq!(problems(&look["responses"]), read_only);
}

#[test]
fn a_config_describes_its_security() {
    let parts = serde_json::to_value(Shop::security()).unwrap();
    assert_eq!(parts["security"], any_of_shop());
    assert_eq!(problems(&parts["responses"]), shop_problems());
    let keys: Vec<_> = parts["securitySchemes"]
        .as_object()
        .unwrap()
        .keys()
        .collect();
    assert_eq!(keys.len(), 3);
    assert_eq!(parts["parameters"], json!([]));
    let links = serde_json::to_value(Links::security()).unwrap();
    assert_eq!(links["parameters"][0]["name"], "sid");
    let replacing = serde_json::to_value(Replacing::security()).unwrap();
    let problems = problems(&replacing["responses"]);
    let expected = json!(["missing-session", "unknown-session", "session-replaced"]);
    assert_eq!(problems["401"], expected);
    let text: Value = serde_json::from_str(&Shop::security().to_json()).unwrap();
    assert_eq!(text, parts);
}
