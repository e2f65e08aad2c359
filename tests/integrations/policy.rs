//! The document of what a config promises.

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};

use connect_session::session_config;
use serde_json::Value;

const WHY: &str = "old clients | know\nthis <b>name</b>";

session_config! {
    struct Everything {
        loaders: [
            header("X-User-Session"),
            bearer,
            cookie("__Host-sid", same_site = Strict, clear_site_data),
            cookie("old", unprefixed = WHY, persistent, origins = ["https://app.example.com"]),
            cookie("dev", insecure = "local development over http", cross_origin = off("a test")),
            query("sid", allow_in_url = "download links cannot set headers"),
        ],
        idle_timeout: 15m,
        absolute_timeout: 12h,
        first_use_timeout: 5m,
        renew_every: 10m,
        max_sessions: 5,
    }
}

session_config! {
    struct Defaults {}
}

session_config! {
    struct Configured {}
}

#[test]
fn the_policy_says_what_the_config_says() {
    let text = Everything::policy().to_string();
    for line in [
        "# Sessions of Everything",
        "| without a request | 15m | ASVS 7.3.1 |",
        "| in total | 12h | ASVS 7.3.2 |",
        "| without any request | 5m | after the creation |",
        "| at once | 5 | ASVS 7.1.2 |",
        "| at the limit | a further login ends the session with the earliest one | ASVS 7.1.2 |",
        "| header | X-User-Session |  |",
        "| header | Authorization: Bearer | RFC 6750 |",
        "| cookie | \\_\\_Host-sid; Path=/; Secure; HttpOnly; SameSite=Strict | ASVS 3.3.1 to 3.3.4 |",
        "| query parameter | sid | ASVS 14.2.1 advises against it |",
        "| 3.3.1 | with an exception, see below | `Secure`, and a name with a prefix |",
        "| old | unprefixed | old clients \\| know\\\\nthis \\<b>name\\</b> |",
        "| 7.5.2 | the application | shows `of_user()`, and ends one with `end(id)` |",
        "| dev | insecure | local development over http |",
        "| dev | cross\\_origin | a test |",
        "| sid | allow\\_in\\_url | download links cannot set headers |",
    ] {
        assert!(text.lines().any(|found| found == line), "{line}\n{text}");
    }
    assert!(text.contains("AAL3"), "{text}");
    let json: Value = serde_json::from_str(&Everything::policy().to_json()).unwrap();
    assert_eq!(json["config"], "Everything");
    assert_eq!(json["sections"][0]["rows"][1]["value"], "12h");
    // Every line of a table has three cells.
    for line in text.lines().filter(|line| line.starts_with('|')) {
        let bars = line.replace("\\|", "").matches('|').count();
        assert_eq!(bars, 4, "{line}");
    }
}

/// 1 MiB of text, with a quote and a line break.
const LONG: &str = match str::from_utf8(&LONG_BYTES) {
    Ok(text) => text,
    Err(_) => "",
};
#[allow(clippy::large_const_arrays, reason = "a config takes constants")]
const LONG_BYTES: [u8; 1 << 20] = {
    let mut bytes = [b'x'; 1 << 20];
    bytes[0] = b'"';
    bytes[1] = b'\n';
    bytes
};

session_config! {
    struct Verbose { loaders: [cookie("old", unprefixed = LONG)] }
}

#[test]
fn a_long_reason_is_shortened() {
    assert_eq!(LONG.len(), 1 << 20);
    let policy = Verbose::policy();
    let (text, json) = (policy.to_string(), policy.to_json());
    assert!(text.contains("| old | unprefixed | \"\\\\nxxx"), "{text}");
    assert!(text.lines().all(|line| line.len() < 5_000));
    let json: Value = serde_json::from_str(&json).unwrap();
    let sections = json["sections"].as_array().unwrap();
    let reason = sections.last().unwrap()["rows"][0]["note"]
        .as_str()
        .unwrap();
    assert!(reason.starts_with("\"\\nxxx") && reason.ends_with("x…"));
    assert!(reason.len() < 5_000, "{} bytes", reason.len());
}

#[test]
fn the_policy_has_no_exceptions_by_default() {
    let text = Defaults::policy().to_string();
    assert!(!text.contains("Exceptions"), "{text}");
    assert!(text.contains("AAL2"), "{text}");
    assert!(text.contains("| at once | any number |"), "{text}");
}

#[test]
fn the_policy_has_what_configure_has_set() {
    Configured::configure(|options| {
        options.absolute_timeout = std::time::Duration::from_secs(31 * 86_400);
    })
    .unwrap();
    let text = Configured::policy().to_string();
    assert!(text.contains("| in total | 31d |"), "{text}");
    assert!(text.contains("longer than AAL1 recommends"), "{text}");
}

#[test]
fn a_file_that_differs_is_reported_with_its_line() {
    let file = std::env::temp_dir().join(format!("policy-{}.md", std::process::id()));
    let policy = Defaults::policy();
    let check = || catch_unwind(AssertUnwindSafe(|| policy.assert_file(&file)));
    let message = |failed: Result<(), Box<dyn std::any::Any + Send>>| {
        *failed.unwrap_err().downcast::<String>().unwrap()
    };
    assert!(message(check()).contains("cannot be read"));
    fs::write(&file, policy.to_string().replace('\n', "\r\n")).unwrap();
    check().unwrap();
    fs::write(&file, policy.to_string().replace("| 30m |", "| 45m |")).unwrap();
    let message = message(check());
    for part in ["POLICY=overwrite", "| 45m |", "| 30m |"] {
        assert!(message.contains(part), "{message}");
    }
    fs::remove_file(file).unwrap();
}
