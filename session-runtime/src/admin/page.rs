//! The pages: HTML from the server, with forms and without a script.
//!
//! Every link and form is a query of the current path, so the pages work wherever they are mounted.

use http::Response;

use super::html::Html;
use super::response::{Refusal, text};
use crate::data::EncodedFields;
use crate::sid::SessionId;
use crate::store::{Inspected, ListPage, Listed, LiveCount};

/// The style sheet of every page.
pub(super) const STYLE: &str = include_str!("style.css");

/// What scrolls on a narrow screen can be reached with the keyboard.
const REGION_OF_SESSION: &str = "<div class=\"scroll\" role=\"region\" aria-labelledby=\"session\" tabindex=\"0\"><table class=\"facts\"><tbody>";

/// The largest user in bytes that a link contains.
const LINKED: usize = 2_000;
/// The maximum number of fields of a session that are shown.
pub(super) const FIELDS: usize = 100;

/// What all pages show.
pub(super) struct Frame {
    /// The name of the config.
    pub(super) config: &'static str,
    /// Whether the caller may end sessions.
    pub(super) may_end: bool,
}

impl Frame {
    /// The forms that search, and the number of sessions.
    pub(super) fn home(&self, count: LiveCount, ended: Option<u64>) -> Response<String> {
        self.page(|page| {
            page.markup("<p class=\"quiet\">");
            match count {
                LiveCount::Exact(1) => page.markup("One session is alive."),
                LiveCount::Exact(count) => page.number(count).markup(" sessions are alive."),
                LiveCount::AtLeast(count) => {
                    page.number(count).markup(" or more sessions are alive.")
                }
                LiveCount::NotCounted => page.markup(
                    "This store does not count its sessions, because it would have to look at all keys of its server.",
                ),
            };
            page.markup("</p>");
            status(page, ended);
        })
    }

    /// The sessions of a user.
    pub(super) fn user(
        &self,
        subject: &str,
        list: &ListPage,
        ended: Option<u64>,
    ) -> Response<String> {
        self.page(|page| {
            status(page, ended);
            page.markup("<h2 id=\"list\">Sessions of ").text(subject).markup("</h2>");
            if list.sessions.is_empty() {
                page.markup("<p>This user has no session here.</p>");
                return;
            }
            page.markup(
                "<div class=\"scroll\" role=\"region\" aria-labelledby=\"list\" tabindex=\"0\"><table><thead><tr>\
                 <th scope=\"col\">Session</th><th scope=\"col\">Label</th><th scope=\"col\">Created</th>\
                 <th scope=\"col\">Last seen</th><th scope=\"col\">Expires</th><th scope=\"col\">Level</th>",
            );
            if self.may_end {
                page.markup("<th scope=\"col\">End</th>");
            }
            page.markup("</tr></thead><tbody>");
            for session in &list.sessions {
                self.row(page, subject, session);
            }
            page.markup("</tbody></table></div>");
            if let Some(next) = list.next {
                page.markup("<p><a href=\"?subject=").value(subject).markup("&amp;after=");
                page.value(&next.to_string()).markup("\">Earlier logins</a></p>");
            }
            if self.may_end {
                page.markup(
                    "<details><summary>End all sessions of this user</summary>\
                     <p>Every device of this user is logged out, and logins that are in progress fail.</p>\
                     <form method=\"post\" action=\"?end_all=",
                );
                page.value(subject).markup("\"><button class=\"danger\">End all</button></form></details>");
            }
        })
    }

    fn row(&self, page: &mut Html, subject: &str, session: &Listed) {
        let id = session.id.to_string();
        page.markup("<tr><th scope=\"row\"><a href=\"?id=")
            .value(&id)
            .markup("\"><code>");
        page.text(&id)
            .markup("</code></a></th><td class=\"label\">");
        page.text(session.label.as_deref().unwrap_or_default())
            .markup("</td><td>");
        page.time(session.created_at).markup("</td><td>");
        page.time(session.last_seen_at).markup("</td><td>");
        page.time(session.expires_at).markup("</td><td>");
        page.number(session.level.into()).markup("</td>");
        if self.may_end {
            page.markup("<td>");
            end_form(page, session.id, Some(subject));
            page.markup("</td>");
        }
        page.markup("</tr>");
    }

    /// One session. `shown` are the names of the fields whose values are shown.
    pub(super) fn session(&self, session: &Inspected, shown: &[String]) -> Response<String> {
        self.page(|page| {
            let id = session.id.to_string();
            page.markup("<h2 id=\"session\">Session <code>")
                .text(&id)
                .markup("</code></h2>");
            page.markup(REGION_OF_SESSION);
            let row = |page: &mut Html, name| {
                page.markup("<tr><th scope=\"row\">")
                    .markup(name)
                    .markup("</th><td>");
            };
            if let Some(login) = session.login.as_deref() {
                row(page, "User");
                if login.subject.len() <= LINKED {
                    page.markup("<a href=\"?subject=")
                        .value(&login.subject)
                        .markup("\">");
                    page.text(&login.subject).markup("</a></td></tr>");
                } else {
                    page.text(&login.subject).markup("</td></tr>");
                }
            } else {
                row(page, "User");
                page.markup("Nobody</td></tr>");
            }
            if let Some(label) = &session.label {
                row(page, "Label");
                page.text(label).markup("</td></tr>");
            }
            row(page, "Created");
            page.time(session.created_at).markup("</td></tr>");
            if let Some(login) = session.login.as_deref() {
                row(page, "Logged in");
                page.time(login.logged_in_at.into()).markup("</td></tr>");
                row(page, "Authenticated");
                page.time(login.authenticated_at.into())
                    .markup("</td></tr>");
                row(page, "Level");
                page.number(login.level.into()).markup("</td></tr>");
            }
            row(page, "Last seen");
            page.time(session.last_seen_at).markup("</td></tr>");
            row(page, "Expires");
            page.time(session.expires_at)
                .markup("</td></tr></tbody></table></div>");
            data(page, &session.fields, shown);
            if self.may_end {
                page.markup("<h2>End</h2>");
                end_form(page, session.id, None);
            }
        })
    }

    /// The page of a request that failed.
    pub(super) fn refusal(&self, refusal: &Refusal) -> Response<String> {
        let mut response = self.page(|page| {
            page.markup("<h2>");
            page.text(refusal.status.canonical_reason().unwrap_or("Error"))
                .markup("</h2><p role=\"alert\">");
            page.text(refusal.detail).markup(".</p>");
        });
        refusal.finish(&mut response);
        response
    }

    fn page(&self, content: impl FnOnce(&mut Html)) -> Response<String> {
        let mut page = Html::default();
        page.markup("<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\">")
            .markup("<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"><title>Sessions of ")
            .text(self.config)
            .markup("</title><style>")
            .markup(STYLE)
            .markup("</style></head><body><header><h1><a href=\"?\">Sessions of ")
            .text(self.config)
            .markup("</a></h1></header><main><div class=\"search\" role=\"search\">")
            .markup(
                "<form><label for=\"subject\">User</label><div class=\"row\">\
                 <input id=\"subject\" name=\"subject\" required autocomplete=\"off\">\
                 <button>Find sessions</button></div></form>\
                 <form><label for=\"id\">Id of a session</label><div class=\"row\">\
                 <input id=\"id\" name=\"id\" required autocomplete=\"off\" spellcheck=\"false\">\
                 <button>Find session</button></div></form></div>",
            );
        content(&mut page);
        page.markup("</main></body></html>");
        text("text/html; charset=utf-8", page.into_string())
    }
}

/// Says how many sessions were just ended.
fn status(page: &mut Html, ended: Option<u64>) {
    match ended {
        None => page,
        Some(0) => page.markup("<p role=\"status\">There was no session to end.</p>"),
        Some(1) => page.markup("<p role=\"status\">One session was ended.</p>"),
        Some(ended) => page
            .markup("<p role=\"status\">")
            .number(ended)
            .markup(" sessions were ended.</p>"),
    };
}

/// `subject` is the user whose list has the form.
fn end_form(page: &mut Html, id: SessionId, subject: Option<&str>) {
    let id = id.to_string();
    page.markup("<form method=\"post\" action=\"?end=")
        .value(&id);
    if let Some(subject) = subject {
        page.markup("&amp;subject=").value(subject);
    }
    page.markup("\"><button class=\"danger\" aria-label=\"End session ")
        .text(&id);
    page.markup("\">End</button></form>");
}

fn data(page: &mut Html, fields: &EncodedFields, shown: &[String]) {
    page.markup("<h2 id=\"data\">Data</h2>");
    if fields.is_empty() {
        page.markup("<p>The session has no data.</p>");
        return;
    }
    page.markup(
        "<div class=\"scroll\" role=\"region\" aria-labelledby=\"data\" tabindex=\"0\"><table>",
    );
    page.markup(
        "<thead><tr><th scope=\"col\">Field</th><th scope=\"col\">Value</th></tr></thead><tbody>",
    );
    for (name, value) in fields.iter().take(FIELDS) {
        page.markup("<tr><th scope=\"row\"><code>")
            .text(name)
            .markup("</code></th><td>");
        if shown.contains(name) {
            page.markup("<code class=\"wide\">")
                .text(value.get())
                .markup("</code>");
        } else {
            page.markup("<span class=\"quiet\">not shown</span>");
        }
        page.markup("</td></tr>");
    }
    page.markup("</tbody></table></div>");
    if let Some(more @ 1..) = fields.len().checked_sub(FIELDS) {
        page.markup("<p class=\"quiet\">and ")
            .number(more as u64)
            .markup(" more</p>");
    }
}
