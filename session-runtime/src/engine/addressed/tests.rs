use super::*;

fn addressed(authority: &str, is_https: Option<bool>) -> Addressed<'_> {
    Addressed {
        authority: authority.as_bytes(),
        is_https,
    }
}

#[test]
fn an_origin_is_compared_without_default_port_case_and_final_dot() {
    let same = [
        ("https://shop.example.com", "shop.example.com"),
        ("https://shop.example.com", "Shop.Example.COM:443"),
        ("https://shop.example.com:443", "shop.example.com"),
        ("HTTPS://SHOP.example.com", "shop.example.com."),
        ("https://shop.example.com.", "shop.example.com:443"),
        ("https://shop.example.com.:8443", "shop.example.com:8443"),
        ("http://shop.example.com", "shop.example.com:80"),
        ("https://shop.example.com", "shop.example.com:"),
        ("https://[::1]:8443", "[::1]:8443"),
        ("https://[::1]", "[::1]:443"),
    ];
    for (origin, host) in same {
        assert!(
            addressed(host, None).is(origin.as_bytes()),
            "{origin} {host}"
        );
    }
    let different = [
        ("https://shop.example.com", "shop.example.com:80"),
        ("http://shop.example.com", "shop.example.com:443"),
        ("https://shop.example.com:8443", "shop.example.com"),
        ("https://shop.example.com..", "shop.example.com"),
        ("https://shop.example.com", "evil.example"),
        ("https://user@shop.example.com", "user@shop.example.com"),
        ("https://shop.example.com:x", "shop.example.com:x"),
        ("https://shop.example.com:99999", "shop.example.com:99999"),
        ("ftp://shop.example.com", "shop.example.com"),
        ("https://", ""),
        ("https://.", "."),
        ("null", "null"),
        ("", ""),
    ];
    for (origin, host) in different {
        assert!(
            !addressed(host, None).is(origin.as_bytes()),
            "{origin} {host}"
        );
    }
}

#[test]
fn a_known_scheme_counts() {
    for (origin, is_https) in [
        ("http://shop.example.com", false),
        ("https://shop.example.com", true),
    ] {
        assert!(addressed("shop.example.com", Some(is_https)).is(origin.as_bytes()));
        assert!(!addressed("shop.example.com", Some(!is_https)).is(origin.as_bytes()));
    }
}

#[test]
fn only_names_are_host_names() {
    let name = |host| addressed(host, None).host_name();
    assert_eq!(
        name("Shop.Example.com.:8443").as_deref(),
        Some("shop.example.com")
    );
    assert_eq!(name("localhost").as_deref(), Some("localhost"));
    for host in [
        "127.0.0.1",
        "[::1]:80",
        "a;Path=/b",
        "a b",
        "",
        &"a.".repeat(200),
    ] {
        assert_eq!(name(host), None, "{host}");
    }
}

#[test]
fn lists_are_split_outside_of_quotes() {
    let parts = |text: &'static str| {
        let parts = split_unquoted(text.as_bytes(), b',');
        parts
            .map(|part| String::from_utf8_lossy(part).into_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(parts(r#"a="1,2",b"#), [r#"a="1,2""#, "b"]);
    assert_eq!(parts(r#"a="\",",b"#), [r#"a="\",""#, "b"]);
    assert_eq!(parts(r#"a="b,c"#), [r#"a="b,c"#]);
}
