//! Sign-up, login, the list of devices, and one-time codes.

use std::collections::BTreeSet;
use std::time::{SystemTime, UNIX_EPOCH};

use totp_rs::{Algorithm, Secret, TOTP};

use crate::at_once;
use crate::program::{Program, Reply};

const PASSWORD: &str = "correct horse battery staple";
const FIREFOX: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0";
const SAFARI: &str = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 \
                      (KHTML, like Gecko) Version/18.5 Mobile/15E148 Safari/604.1";

/// A browser that keeps one cookie.
#[derive(Clone)]
struct Browser<'a> {
    program: &'a Program,
    user_agent: &'a str,
    cookie: String,
}

impl<'a> Browser<'a> {
    fn new(program: &'a Program, user_agent: &'a str) -> Self {
        let cookie = String::new();
        Self {
            program,
            user_agent,
            cookie,
        }
    }

    fn get(&self, path: &str) -> Reply {
        self.program.get(path, &[("Cookie", &self.cookie)])
    }

    fn post(&mut self, path: &str, fields: &[(&str, &str)]) -> Reply {
        let body: Vec<_> = (fields.iter())
            .map(|(name, value)| format!("{name}={}", encoded(value)))
            .collect();
        let headers = [
            ("Cookie", &*self.cookie),
            ("User-Agent", self.user_agent),
            ("Content-Type", "application/x-www-form-urlencoded"),
            ("Sec-Fetch-Site", "same-origin"),
        ];
        let reply = self.program.post(path, &headers, &body.join("&"));
        if let Some(set) = reply.header("set-cookie") {
            let cookie = set.split(';').next().map(str::to_owned);
            self.cookie = cookie.expect("a name and a value");
        }
        reply
    }

    fn sign_up(&mut self, name: &str) {
        let reply = self.post("/sign-up", &[("name", name), ("password", PASSWORD)]);
        moved(&reply);
    }

    fn log_in(&mut self, name: &str, password: &str) -> Reply {
        self.post("/log-in", &[("name", name), ("password", password)])
    }

    fn is_logged_in(&self) -> bool {
        let page = self.get("/");
        assert_eq!(page.status, 200, "{page:?}");
        page.body.contains("<h1>Your devices</h1>")
    }

    /// The items of the list of devices.
    fn devices(&self) -> Vec<String> {
        let page = self.get("/").body;
        let (_, list) = page.split_once("<ul id=\"devices\">").expect("a list");
        let (list, _) = list.split_once("</ul>").expect("its end");
        list.split("<li>").skip(1).map(str::to_owned).collect()
    }

    /// Sets one-time codes up; returns what the user's application makes of the secret.
    fn set_up_codes(&mut self) -> TOTP {
        moved(&self.post("/codes", &[]));
        let page = self.get("/codes").body;
        let (_, secret) = page.split_once("<code>").expect("a secret");
        let (secret, _) = secret.split_once("</code>").expect("its end");
        let secret = Secret::Encoded(secret.to_owned()).to_bytes();
        TOTP::new(Algorithm::SHA1, 6, 1, 30, secret.expect("base32")).expect("a long secret")
    }

    fn step_up(&mut self, code: &str) -> Reply {
        self.post("/step-up", &[("code", code)])
    }
}

fn encoded(value: &str) -> String {
    let encoded: Vec<_> = value.bytes().map(|byte| format!("%{byte:02x}")).collect();
    encoded.concat()
}

fn moved(reply: &Reply) {
    assert_eq!(reply.status, 303, "{reply:?}");
}

/// The end of the path by which a device is logged out, in its item of the list.
fn end_path(item: &str) -> String {
    let (_, path) = item.split_once("action=\"").expect("a form");
    let (path, _) = path.split_once('"').expect("its end");
    path.to_owned()
}

fn problem(reply: &Reply) -> (u16, String) {
    let kind = reply.json()["type"].as_str().expect("a type").to_owned();
    let kind = kind.rsplit('#').next().expect("a name");
    (reply.status, kind.to_owned())
}

fn refused(status: u16, kind: &str) -> (u16, String) {
    (status, kind.to_owned())
}

fn seconds() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.expect("after 1970").as_secs()
}

#[test]
fn a_new_user_is_logged_in() {
    let program = Program::start("devices");
    let mut browser = Browser::new(&program, FIREFOX);
    assert!(!browser.is_logged_in());
    for (name, password, status) in [
        ("", PASSWORD, 422),
        (&*"a".repeat(65), PASSWORD, 422),
        ("ada", "7 chars", 422),
    ] {
        let reply = browser.post("/sign-up", &[("name", name), ("password", password)]);
        assert_eq!(reply.status, status, "{reply:?}");
        assert_eq!(browser.cookie, "", "no session");
    }
    let reply = browser.post("/sign-up", &[("name", "ada"), ("password", PASSWORD)]);
    moved(&reply);
    let set = reply.header("set-cookie").expect("a cookie");
    for part in ["__Host-sid=", "; Secure", "; HttpOnly", "; SameSite=Lax"] {
        assert!(set.contains(part), "{part} in {set}");
    }
    assert!(browser.is_logged_in());
    assert_eq!(browser.get("/").header("cache-control"), Some("no-store"));
    let mut other = Browser::new(&program, SAFARI);
    let reply = other.post("/sign-up", &[("name", "ada"), ("password", PASSWORD)]);
    assert_eq!((reply.status, &*other.cookie), (409, ""));
}

#[test]
fn a_wrong_password_and_an_unknown_user_have_the_same_answer() {
    let program = Program::start("devices");
    Browser::new(&program, FIREFOX).sign_up("ada");
    let mut browser = Browser::new(&program, SAFARI);
    let answers = [("ada", "a wrong password"), ("eve", PASSWORD)].map(|(name, password)| {
        let reply = browser.log_in(name, password);
        assert_eq!(browser.cookie, "", "no session");
        let headers = (reply.headers.into_iter()).filter(|(name, _)| name != "date");
        (reply.status, headers.collect::<Vec<_>>(), reply.body)
    });
    assert_eq!(answers[0].0, 403);
    assert_eq!(answers[0], answers[1]);
    moved(&browser.log_in("ada", PASSWORD));
    assert!(browser.is_logged_in());
}

#[test]
fn a_user_sees_and_ends_the_devices() {
    let program = Program::start("devices");
    let mut laptop = Browser::new(&program, FIREFOX);
    laptop.sign_up("ada");
    let mut stranger = Browser::new(&program, FIREFOX);
    stranger.sign_up("bob");
    let mut phone = Browser::new(&program, SAFARI);
    moved(&phone.log_in("ada", PASSWORD));

    let devices = laptop.devices();
    assert_eq!(devices.len(), 2, "{devices:?}");
    let of = |part: &str| devices.iter().find(|item| item.contains(part)).expect(part);
    let (own, other) = (of("Firefox on Linux"), of("Safari on iPhone"));
    assert!(
        own.contains("this device") && !own.contains("<form"),
        "{own}"
    );
    assert!(!other.contains("this device"), "{other}");

    // Somebody else's id ends nothing.
    let path = end_path(other);
    moved(&stranger.post(&path, &[]));
    assert!(phone.is_logged_in());
    moved(&laptop.post(&path, &[]));
    assert!(!phone.is_logged_in() && laptop.is_logged_in());
    assert_eq!(laptop.devices().len(), 1);
    let reply = phone.post("/log-out-others", &[]);
    assert_eq!(problem(&reply), refused(401, "unknown-session"));
}

#[test]
fn all_others_are_logged_out() {
    let program = Program::start("devices");
    let mut laptop = Browser::new(&program, FIREFOX);
    laptop.sign_up("ada");
    let (mut phone, mut tablet) = (laptop.clone(), laptop.clone());
    for other in [&mut phone, &mut tablet] {
        other.cookie.clear();
        moved(&other.log_in("ada", PASSWORD));
    }
    moved(&laptop.post("/log-out-others", &[]));
    assert!(laptop.is_logged_in());
    assert!(!phone.is_logged_in() && !tablet.is_logged_in());
}

#[test]
fn a_sixth_device_ends_the_first() {
    let program = Program::start("devices");
    let mut first = Browser::new(&program, FIREFOX);
    first.sign_up("ada");
    let later = [(); 5].map(|()| {
        assert!(first.is_logged_in());
        let mut browser = Browser::new(&program, SAFARI);
        moved(&browser.log_in("ada", PASSWORD));
        browser
    });
    assert!(!first.is_logged_in());
    assert!(later.iter().all(Browser::is_logged_in));
    assert_eq!(later[0].devices().len(), 5);
}

#[test]
fn a_logout_clears_what_the_browser_keeps() {
    let program = Program::start("devices");
    let mut browser = Browser::new(&program, FIREFOX);
    browser.sign_up("ada");
    let stolen = browser.clone();
    let reply = browser.post("/log-out", &[]);
    moved(&reply);
    let cleared = reply.header("clear-site-data");
    assert_eq!(cleared, Some("\"cache\", \"storage\""));
    let set = reply.header("set-cookie").expect("a removal");
    assert!(set.contains("Max-Age=0"), "{set}");
    assert!(!stolen.is_logged_in());
    moved(&browser.post("/log-out", &[]));
}

#[test]
fn a_new_password_ends_all_other_logins() {
    let program = Program::start("devices");
    let mut laptop = Browser::new(&program, FIREFOX);
    laptop.sign_up("ada");
    let mut phone = Browser::new(&program, SAFARI);
    moved(&phone.log_in("ada", PASSWORD));
    let (copy, new) = (laptop.clone(), "a better password");
    let reply = laptop.post("/password", &[("password", "short")]);
    assert_eq!(reply.status, 422);
    assert!(phone.is_logged_in());
    moved(&laptop.post("/password", &[("password", new)]));
    assert!(laptop.is_logged_in());
    assert!(!phone.is_logged_in(), "another device");
    assert!(!copy.is_logged_in(), "a copy of the cookie");
    assert_eq!(phone.log_in("ada", PASSWORD).status, 403);
    moved(&phone.log_in("ada", new));
}

/// Which login is refused depends on the order of the requests; that none with the old password survives does not.
#[test]
fn a_login_that_began_before_a_new_password_does_not_survive() {
    let program = Program::start("devices");
    let mut seen = BTreeSet::new();
    // Until a login was overtaken: nearly always in the first round.
    for round in 0..100 {
        let name = format!("ada {round}");
        let mut laptop = Browser::new(&program, FIREFOX);
        laptop.sign_up(&name);
        // No more than `max_sessions`.
        let logins = at_once(5, |number| {
            if number == 0 {
                let mut laptop = laptop.clone();
                moved(&laptop.post("/password", &[("password", "a better password")]));
                assert!(laptop.is_logged_in());
                return (laptop, 303);
            }
            let mut browser = Browser::new(&program, SAFARI);
            let reply = browser.log_in(&name, PASSWORD);
            if reply.status == 409 {
                assert_eq!(problem(&reply), refused(409, "login-revoked"));
            }
            (browser, reply.status)
        });
        for (browser, status) in &logins[1..] {
            seen.insert(*status);
            assert!(!browser.is_logged_in(), "after {status}");
        }
        assert_eq!(logins[0].0.devices().len(), 1);
        if seen.contains(&409) {
            break;
        }
    }
    assert!(seen.contains(&409), "{seen:?}");
    assert!(seen.iter().all(|status| [303, 403, 409].contains(status)));
}

#[test]
fn a_one_time_code_is_needed_once_and_used_once() {
    let program = Program::start("devices");
    let mut laptop = Browser::new(&program, FIREFOX);
    laptop.sign_up("ada");
    let mut phone = Browser::new(&program, SAFARI);
    moved(&phone.log_in("ada", PASSWORD));
    let reply = laptop.get("/close-account");
    assert_eq!(problem(&reply), refused(401, "step-up-required"));
    let reply = laptop.post("/close-account", &[]);
    assert_eq!(problem(&reply), refused(401, "step-up-required"));
    let reply = laptop.step_up("123456");
    assert_eq!(
        (reply.status, &*reply.body),
        (403, "set up one-time codes first")
    );

    let totp = laptop.set_up_codes();
    let now = seconds();
    let code = totp.generate(now);
    let before = laptop.clone();
    assert_eq!(laptop.step_up(&code).status, 204);
    assert!(!before.is_logged_in(), "the old sid");
    assert!(!laptop.get("/codes").body.contains("<code>"), "no secret");
    moved(&laptop.post("/codes", &[]));
    assert!(!laptop.get("/codes").body.contains("<code>"), "it stays");
    assert_eq!(laptop.get("/close-account").status, 200);

    // The same code again, on this device and on another one; then the next one.
    assert_eq!(laptop.step_up(&code).status, 403);
    assert_eq!(phone.step_up(&code).status, 403);
    assert_eq!(problem(&phone.get("/close-account")).0, 401);
    assert_eq!(phone.step_up(&totp.generate(now + 30)).status, 204);
    assert_eq!(phone.get("/close-account").status, 200);

    moved(&laptop.post("/close-account", &[]));
    assert!(!laptop.is_logged_in() && !phone.is_logged_in());
    assert_eq!(laptop.log_in("ada", PASSWORD).status, 403);
}

#[test]
fn five_wrong_codes_lock_the_right_one_out() {
    let program = Program::start("devices");
    let mut browser = Browser::new(&program, FIREFOX);
    browser.sign_up("ada");
    let totp = browser.set_up_codes();
    for wrong in ["", "000", "1234567", "abcdef", "🔑"] {
        let reply = browser.step_up(wrong);
        assert_eq!(
            (reply.status, &*reply.body),
            (403, "wrong code, or one that was used before")
        );
    }
    let reply = browser.step_up(&totp.generate(seconds()));
    assert_eq!(reply.status, 403);
    assert!(reply.body.starts_with("too many wrong codes"), "{reply:?}");
    assert_eq!(browser.get("/close-account").status, 401);
}

#[test]
fn names_and_labels_are_escaped() {
    let program = Program::start("devices");
    let script = "<script>alert('\"')</script>&";
    let mut browser = Browser::new(&program, script);
    browser.sign_up(script);
    let page = browser.get("/");
    assert!(!page.body.contains("<script>alert"), "{page:?}");
    let escaped = "&lt;script&gt;alert('&quot;')&lt;/script&gt;&amp;";
    assert_eq!(page.body.matches(escaped).count(), 2, "{page:?}");
    let policy = page.header("content-security-policy").expect("a policy");
    assert!(policy.contains("script-src 'self'"), "{policy}");
    // Nothing that a User-Agent can be fails a login.
    for odd in ["", "\u{fc}\u{1f4a9}", &"x".repeat(5_000)] {
        let mut browser = Browser::new(&program, odd);
        moved(&browser.log_in(script, PASSWORD));
    }
    let devices = browser.devices();
    assert!(devices.iter().all(|item| item.len() < 1_000), "{devices:?}");
}

#[test]
fn a_megabyte_of_name_is_on_no_page() {
    let program = Program::start("devices");
    let long = format!("%22%0D%0A%3Cscript%3E{}", "x".repeat(1 << 20));
    let form = format!("name={long}&password=correct+horse");
    let headers = [
        ("Content-Type", "application/x-www-form-urlencoded"),
        ("Sec-Fetch-Site", "same-origin"),
        ("User-Agent", &*"\"x<".repeat(5_000)),
    ];
    for (path, status) in [("/sign-up", 422), ("/log-in", 403)] {
        let reply = program.post(path, &headers, &form);
        assert_eq!(reply.status, status, "{path}");
        assert!(reply.header("set-cookie").is_none());
        assert!(reply.body.len() < 200, "{path}: {}", reply.body.len());
    }
    // The longest name, on a device with the longest label.
    let mut browser = Browser::new(&program, headers[2].1);
    browser.sign_up(&"\"\n<".repeat(21));
    let page = browser.get("/").body;
    assert!(page.contains("&quot;\n&lt;&quot;"), "{page}");
    assert!(!page.contains("\"x<") && page.len() < 5_000, "{page}");
}

#[test]
fn a_browser_that_opens_a_page_gets_a_page() {
    let program = Program::start("devices");
    let mut browser = Browser::new(&program, FIREFOX);
    browser.sign_up("ada");
    let navigate = [("Cookie", &*browser.cookie), ("Sec-Fetch-Mode", "navigate")];
    let page = program.get("/close-account", &navigate);
    assert_eq!(page.status, 401);
    let kind = page.header("content-type").expect("a type");
    assert!(kind.starts_with("text/html"), "{kind}");
    assert!(page.body.contains("data-retry") && page.body.contains("<dialog>"));
    let script = program.get("/ask.js", &[]);
    assert!(script.body.contains("step-up-required"));
}

#[test]
fn a_form_of_another_site_changes_nothing() {
    let program = Program::start("devices");
    let mut browser = Browser::new(&program, FIREFOX);
    browser.sign_up("ada");
    let forged = [
        ("Cookie", &*browser.cookie),
        ("Sec-Fetch-Site", "cross-site"),
    ];
    for path in ["/log-out", "/log-out-others", "/password", "/codes"] {
        let reply = program.post(path, &forged, "");
        assert_eq!(problem(&reply), refused(403, "cross-origin"), "{path}");
    }
    assert!(browser.is_logged_in());
}
