use super::*;
use crate::loader::SameSite;

fn expired(spec: &CookieSpec, host: Option<&str>, path: &str) -> Vec<String> {
    let (slots, _) = slots(spec, host, path);
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
        ["/ - partitioned", "/ -", "/a - partitioned", "/a -"]
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

/// The host and path of a request.
struct Request {
    host: &'static str,
    path: String,
}

#[allow(
    clippy::unnecessary_literal_bound,
    reason = "the signature is that of the trait"
)]
impl crate::loader::HeadSource for Request {
    fn method(&self) -> &str {
        "GET"
    }

    fn path(&self) -> &str {
        &self.path
    }

    fn query(&self) -> Option<&str> {
        None
    }

    fn header_and_more(&self, name: &http::HeaderName) -> Option<(&[u8], bool)> {
        (name == "host").then_some((self.host.as_bytes(), false))
    }

    fn visit<'a>(&'a self, name: &http::HeaderName, visit: &mut dyn FnMut(&'a [u8])) {
        if name == "host" {
            visit(self.host.as_bytes());
        }
    }

    fn visit_all(&self, visit: &mut dyn FnMut(&str, &[u8])) {
        visit("host", self.host.as_bytes());
    }

    fn path_param(&self, _: &str) -> Option<std::borrow::Cow<'_, str>> {
        None
    }
}

fn repair(path: &str) -> Repair {
    let spec = CookieSpec {
        secure: false,
        ..CookieSpec::new("sid")
    };
    let request = Request {
        host: "shop.example.com",
        path: path.to_owned(),
    };
    Repair::new(&spec, RequestHead::new(&request), None).expect("a repair")
}

#[test]
fn the_own_cookie_is_kept_if_another_one_may_remain() {
    assert!(repair("/api/items").declared.is_some());
    for path in [
        "/a/b/c/d/e/f/g/h/i/j/k/l/m/n/o/p".to_owned(),
        format!("/x/{}", "y".repeat(MAX_PATH)),
    ] {
        let repair = repair(&path);
        assert!(repair.declared.is_none(), "{path}");
        assert!(repair.lines().count() <= MAX_LINES);
    }
}

#[test]
fn repeated_repairs_reach_every_slot() {
    let path = "/api/v1/shops/1/items/2";
    let deepest = format!("Path={path};");
    let reaches = || {
        let repair = repair(path);
        assert!(repair.declared.is_none());
        repair
            .others
            .iter()
            .any(|line| line.to_str().is_ok_and(|line| line.contains(&deepest)))
    };
    assert!((0..200).any(|_| reaches()));
}
