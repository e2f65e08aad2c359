//! The pages. `maud` escapes everything that is put into them, such as names and labels.

use std::time::SystemTime;

use connect_session::store::Listed;
use maud::{DOCTYPE, Markup, html};

pub(crate) fn welcome() -> Markup {
    let fields = html! {
        label { "Name " input name="name" autocomplete="username" required; } " "
        label { "Password " input name="password" type="password" required; } " "
    };
    page(
        "Welcome",
        &html! {
            form id="log-in" method="post" action="/log-in" { (fields) button { "Log in" } }
            form id="sign-up" method="post" action="/sign-up" { (fields) button { "Sign up" } }
        },
    )
}

pub(crate) fn devices(user: &str, devices: &[Listed]) -> Markup {
    page(
        "Your devices",
        &html! {
            p { "You are " b { (user) } "." }
            ul id="devices" {
                @for device in devices {
                    li { (one_device(device)) }
                }
            }
            form id="log-out-others" method="post" action="/log-out-others" { button { "Log out all others" } }
            form id="log-out" method="post" action="/log-out" { button { "Log out" } }
            h2 { "Security" }
            form id="password" method="post" action="/password" {
                label { "New password "
                    input name="password" type="password" autocomplete="new-password" required;
                } " "
                button { "Change the password" }
            }
            ul {
                li { a href="/codes" { "One-time codes" } }
                li { a href="/close-account" { "Close the account" } }
            }
        },
    )
}

fn one_device(device: &Listed) -> Markup {
    html! {
        b { (device.label.as_deref().unwrap_or("an unknown device")) }
        ", last seen " (ago(device.last_seen_at)) ", logged in " (ago(device.logged_in_at)) " "
        @if device.is_current {
            em { "this device" }
        } @else {
            form method="post" action={ "/devices/" (device.id) "/end" } { button { "Log out" } }
        }
    }
}

/// `secret` is one that no code has confirmed yet.
pub(crate) fn codes(secret: Option<&str>) -> Markup {
    page(
        "One-time codes",
        &html! {
            @if let Some(secret) = secret {
                p { "Add this key to your authenticator app, and enter the code that it shows: " code { (secret) } }
                form id="confirm" method="post" action="/step-up" {
                    label { "Code " input name="code" inputmode="numeric" autocomplete="one-time-code" required; } " "
                    button { "Confirm" }
                }
            } @else {
                p { "Once a code has confirmed them, they stay as they are." }
                form id="set-up" method="post" action="/codes" { button { "Set up one-time codes" } }
            }
            p { a href="/" { "Back" } }
        },
    )
}

pub(crate) fn close_account(user: &str) -> Markup {
    page(
        "Close the account",
        &html! {
            p { "This deletes " b { (user) } " for good." }
            form id="close" method="post" action="/close-account" { button { "Delete it" } }
            p { a href="/" { "Back" } }
        },
    )
}

/// In place of a page that needs a login or a further proof: the script asks for it, and loads the page again.
pub(crate) fn prove() -> Markup {
    page("Is it you?", &html! { p data-retry { "One moment…" } })
}

fn page(title: &str, content: &Markup) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                title { (title) }
                script src="/ask.js" type="module" {}
            }
            body {
                h1 { (title) }
                p id="error" role="alert" {}
                (content)
                dialog {
                    form method="dialog" {
                        label { span {} " " input required; } " "
                        button { "Continue" } " "
                        button value="cancel" formnovalidate { "Cancel" }
                        p role="alert" {}
                    }
                }
            }
        }
    }
}

fn ago(time: SystemTime) -> String {
    let seconds = time.elapsed().map_or(0, |since| since.as_secs());
    match seconds {
        0..60 => "just now".to_owned(),
        60..3_600 => format!("{} min ago", seconds / 60),
        _ => format!("{} h ago", seconds / 3_600),
    }
}

/// What a person calls a device, such as "Firefox on Linux". Anybody can send anything as a `User-Agent`.
pub(crate) fn device_name(user_agent: &str) -> String {
    // The first match counts: Edge names Chrome, which names Safari; Android names Linux.
    let find = |names: &[(&str, &'static str)]| {
        let found = (names.iter()).find(|(part, _)| user_agent.contains(part));
        found.map(|(_, name)| *name)
    };
    let browser = find(&[
        ("Edg/", "Edge"),
        ("Firefox/", "Firefox"),
        ("Chrome/", "Chrome"),
        ("Safari/", "Safari"),
    ]);
    let system = find(&[
        ("Android", "Android"),
        ("iPhone", "iPhone"),
        ("iPad", "iPad"),
        ("Windows", "Windows"),
        ("Mac OS X", "macOS"),
        ("Linux", "Linux"),
    ]);
    match (browser, system) {
        (Some(browser), Some(system)) => format!("{browser} on {system}"),
        _ => user_agent.to_owned(),
    }
}
