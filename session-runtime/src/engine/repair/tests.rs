use super::*;
use crate::loader::SameSite;

fn expired(spec: &CookieSpec, host: Option<&str>, path: &str) -> Vec<String> {
    let slots = slots(spec, host, path);
    slots
        .iter()
        .map(|slot| {
            format!(
                "{} {}{}",
                slot.path,
                slot.domain.unwrap_or("-"),
                if slot.is_partitioned {
                    " partitioned"
                } else {
                    ""
                }
            )
        })
        .collect()
}

#[test]
fn every_domain_and_path_of_the_request() {
    let spec = CookieSpec {
        path: "/app",
        domain: Some("example.com"),
        secure: false,
        ..CookieSpec::new("sid")
    };
    assert_eq!(
        expired(&spec, Some("shop.example.com"), "/app/cart"),
        [
            "/app -",
            "/app example.com",
            "/app shop.example.com",
            "/ -",
            "/ example.com",
            "/ shop.example.com",
            "/app/ -",
            "/app/ example.com",
            "/app/ shop.example.com",
            "/app/cart -",
            "/app/cart example.com",
            "/app/cart shop.example.com",
        ]
    );
}

#[test]
fn a_partitioned_cookie_and_its_opposite() {
    let spec = CookieSpec {
        same_site: SameSite::None,
        partitioned: true,
        ..CookieSpec::new("sid")
    };
    assert_eq!(
        expired(&spec, None, "/a"),
        ["/ - partitioned", "/ -", "/a - partitioned"]
    );
}

#[test]
fn a_host_prefix_has_one_domain_and_path() {
    for name in ["__Host-sid", "__host-sid"] {
        let spec = CookieSpec::new(name);
        assert_eq!(
            expired(&spec, Some("shop.example.com"), "/a/b"),
            ["/ -", "/ - partitioned"]
        );
    }
}

#[test]
fn paths_that_no_attribute_can_express_are_left_out() {
    let paths = |path: &'static str| prefixes(path).collect::<Vec<_>>();
    assert_eq!(paths("/"), [""; 0]);
    assert_eq!(paths("/a"), ["/a"]);
    assert_eq!(paths("/a/"), ["/a", "/a/"]);
    assert_eq!(paths("/a/b;c/d"), ["/a", "/a/"]);
    assert_eq!(paths("*"), [""; 0]);
    assert_eq!(paths("//a"), ["//", "//a"]);
}
