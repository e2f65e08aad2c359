"""Chromium: pages of the API's origin, of a listed origin, of the same site and of another site."""

import json

import admin
import devices
from chromium import Chromium
from docs import snippet

NAMES = ("api", "plain", "elsewhere", "shared")
API, PLAIN, ELSEWHERE, SHARED = (f"https://{name}.shop.example" for name in NAMES)
# The listed origin; one of the same site that is not listed; one of another site.
APP, BLOG, EVIL = "https://app.shop.example", "https://blog.shop.example", "https://evil.example"
SCRIPTS = {"/header.js": snippet("browser-header"), "/cookie.js": snippet("browser-cookie")}

CALL = "const { call } = await import('/header.js');"
SITE = "const { site } = await import('/cookie.js');"
SEEN = """const seen = async (response) => ({
    status: response.status, type: response.headers.get('Content-Type'),
    sid: response.headers.get('X-User-Session'), body: await response.text() });"""


def run(environment, report, program):
    at = {"api": API, "plain": PLAIN, "elsewhere": ELSEWHERE, "shared": SHARED}
    hosts = {at[name].removeprefix("https://"): environment.ports[name] for name in at}
    hosts |= {page.removeprefix("https://"): environment.ports["pages"] for page in (APP, BLOG, EVIL)}
    addresses = {name: f"127.0.0.1:{port}" for name, port in hosts.items()}
    browser = Chromium(program, environment.folder / "chromium", addresses)
    try:
        header_sessions(environment, report, browser)
        cookie_sessions(report, browser)
        forgeries(report, browser)
        sockets(report, browser)
        two_cookies(report, browser)
        without_tls(environment, report, browser)
        devices.run(environment, report, browser)
        admin.run(environment, report, browser)
    finally:
        browser.close()


def header_sessions(environment, report, browser):
    page = browser.page(browser.profile(), APP + "/")
    opened = page.run(f"{CALL}{SEEN} return seen(await call('/sessions', {{ method: 'POST' }}))")
    sid = opened["sid"] if isinstance(opened, dict) else None
    report.check(
        "chromium",
        "a script of another origin reads the sid in X-User-Session, which the library exposes",
        sid is not None and len(sid) == 64 and opened["status"] == 201,
        opened,
    )
    added = page.run(
        f"{CALL}{SEEN} return seen(await call('/items', {{ method: 'POST', body: 'tea' }}))"
    )
    report.same("chromium", "it sends the sid back", added["body"], '{"items":["tea"]}')
    head, status = page.traffic("OPTIONS", API + "/items")
    report.same(
        "chromium",
        "the CORS layer responds to the preflight",
        (status, head.get("access-control-request-headers")),
        (200, "x-user-session"),
    )
    head = page.run(
        f"{CALL}{SEEN} return seen(await call('/sessions/current', {{ method: 'HEAD' }}))"
    )
    report.same("chromium", "HEAD is GET without a body", (head["status"], head["body"]), (200, ""))

    moved = f"{ELSEWHERE}/moved?to={API}/sessions/current"
    followed = page.run(
        f"const answer = await fetch('{APP}/moved?to={ELSEWHERE}/echo',"
        f" {{ headers: {{ 'X-User-Session': '{sid}' }} }}); return answer.json()"
    )
    report.same(
        "chromium",
        "fetch sends X-User-Session along a redirect to another origin that allows it",
        followed.get("x-user-session"),
        sid,
    )
    refused = page.run(
        f"const answer = await fetch('{APP}/moved?to={ELSEWHERE}/echo', {{ redirect: 'error',"
        f" headers: {{ 'X-User-Session': '{sid}' }} }}); return answer.json()"
    )
    report.same(
        "chromium", "with redirect: 'error' it does not follow", refused, "TypeError: Failed to fetch"
    )

    use = f"return (await fetch('{{}}', {{{{ headers: {{{{ 'X-User-Session': '{sid}' }}}} }}}})).text()"
    stranger = browser.page(browser.profile(), EVIL + "/")
    report.same(
        "chromium",
        "a page of an origin that is not allowed cannot send X-User-Session",
        stranger.run(use.format(API + "/sessions/current")),
        "TypeError: Failed to fetch",
    )
    report.same(
        "chromium",
        "without a CORS layer, no page of another origin can",
        page.run(use.format(PLAIN + "/sessions/current")),
        "TypeError: Failed to fetch",
    )
    _, status = page.traffic("OPTIONS", PLAIN + "/sessions/current")
    report.same("chromium", "the preflight is rejected without a session", status, 405)
    blind = stranger.run(
        f"const answer = await fetch('{API}/sessions', {{ method: 'POST', mode: 'no-cors' }});"
        " return [answer.type, answer.headers.get('X-User-Session')]"
    )
    report.same("chromium", "a page of another site cannot read a sid", blind, ["opaque", None])

    closed = page.run(
        f"{CALL}{SEEN} await call('/sessions/current', {{ method: 'DELETE' }});"
        "return seen(await call('/sessions/current'))"
    )
    report.same(
        "chromium",
        "after the logout, the script reads the problem document",
        (closed["status"], closed["type"], json.loads(closed["body"])["status"]),
        (401, "application/problem+json", 401),
    )


def cookie_sessions(report, browser):
    profile = browser.profile()
    page = browser.page(profile, API + "/")
    report.same(
        "chromium",
        "a form of the API's own origin logs in",
        page.submit("/login", user="ada"),
        '{"theme":"","user":"ada"}',
    )
    cookie = next(iter(page.cookies(API)), {})
    names = ("name", "secure", "httpOnly", "sameSite", "path", "session")
    report.same(
        "chromium",
        "the __Host- cookie is kept",
        {name: cookie.get(name) for name in names},
        dict(zip(names, ("__Host-sid", True, True, "Lax", "/", True))),
    )
    report.same("chromium", "no script can read it", page.run("return document.cookie"), "")
    posted = page.run(
        "const body = new URLSearchParams({ theme: 'dark' });"
        "return (await fetch('/theme', { method: 'POST', body })).text()"
    )
    report.same(
        "chromium", "a POST of the same origin works", posted, '{"theme":"dark","user":"ada"}'
    )

    app = browser.page(profile, APP + "/")
    posted = app.run(
        f"{SITE} const body = new URLSearchParams({{ theme: 'blue' }});"
        "return (await site('/theme', { method: 'POST', body })).text()"
    )
    report.same(
        "chromium",
        "a listed origin may use the cookie, with credentials: 'include'",
        posted,
        '{"theme":"blue","user":"ada"}',
    )
    nobody = app.run(f"return (await fetch('{API}/profile')).text()")
    report.same("chromium", "without credentials there is no session", nobody, '{"user":null}')

    fresh = browser.page(browser.profile(), APP + "/")
    login = fresh.run(
        f"{SITE} const body = new URLSearchParams({{ user: 'bob' }});"
        "await site('/login', { method: 'POST', body });"
        "return [await (await site('/profile')).text(), document.cookie]"
    )
    report.same(
        "chromium",
        "a listed origin may log in, and the cookie is the API's",
        (login, [cookie["name"] for cookie in fresh.cookies(API)], fresh.cookies(APP)),
        (['{"theme":"","user":"bob"}', ""], ["__Host-sid"], []),
    )

    page.submit("/logout")
    report.same("chromium", "the logout removes the cookie", page.cookies(API), [])


def forgeries(report, browser):
    profile = browser.profile()
    victim = browser.page(profile, API + "/")
    victim.submit("/login", user="ada")
    unchanged = lambda: victim.run("return (await fetch('/profile')).text()")
    quietly = (
        f"await fetch('{API}/theme', {{ method: 'POST', mode: 'no-cors', credentials: 'include',"
        " body: new URLSearchParams({ theme: 'evil' }) })"
    )

    def refused(page, what, site, carries, status, path="/theme"):
        head, answered = page.traffic("POST", API + path)
        seen = (head.get("sec-fetch-site"), "__Host-sid=" in head.get("cookie", ""), answered)
        report.same("chromium", what, seen, (site, carries, status))
        report.same("chromium", "the session is unchanged", unchanged(), '{"theme":"","user":"ada"}')

    # The same site, so SameSite=Lax does not block the cookie; the library's check does.
    page = browser.page(profile, BLOG + "/")
    page.run(quietly)
    refused(page, "a fetch from the same site carries the cookie and is rejected", "same-site", True, 403)
    text = page.submit(API + "/theme", theme="evil")
    refused(page, "a form of the same site carries the cookie and is rejected", "same-site", True, 403)
    report.check("chromium", "the response is a problem document", "problem/index.html#cross-origin" in text, text)
    page = browser.page(profile, BLOG + "/")
    page.run(f"await fetch('{API}/profile', {{ mode: 'no-cors', credentials: 'include' }})")
    head, status = page.traffic("GET", API + "/profile")
    report.same(
        "chromium",
        "a GET from the same site succeeds, but the page cannot read it",
        ("__Host-sid=" in head.get("cookie", ""), status),
        (True, 200),
    )

    page = browser.page(profile, EVIL + "/")
    page.submit(API + "/theme", theme="evil")
    refused(page, "another site's form is sent without the Lax cookie", "cross-site", False, 401)
    page = browser.page(profile, EVIL + "/")
    page.submit(API + "/login", user="mallory")
    what = "another site's form cannot log the user in as somebody else"
    refused(page, what, "cross-site", False, 403, "/login")

    # Like a cookie with `same_site = None`.
    cookie = victim.cookies(API)[0]
    names = ("name", "value", "path", "secure", "httpOnly")
    none = {name: cookie[name] for name in names} | {"url": API, "sameSite": "None"}
    page = browser.page(profile, EVIL + "/")
    page.ask("Network.setCookie", **none)
    page.submit(API + "/theme", theme="evil")
    refused(page, "a form with a SameSite=None cookie is rejected", "cross-site", True, 403)


def sockets(report, browser):
    profile = browser.profile()
    browser.page(profile, API + "/").submit("/login", user="ada")
    # The handler has no WebSocket and answers 200. Without the cookie, no origin is rejected.
    for what, origin, status in (
        ("a WebSocket of the own origin reaches the handler", API, 200),
        ("a WebSocket of the same site carries the cookie and is rejected", BLOG, 403),
        ("a WebSocket of a listed origin reaches the handler", APP, 200),
    ):
        page = browser.page(profile, origin + "/")
        report.same("chromium", what, page.handshake(API + "/profile"), status)


def two_cookies(report, browser):
    see = "const seen = await fetch('/profile'); return [seen.status, await seen.text()]"
    domain, host = "Domain=shop.example", "Domain=shared.shop.example"

    def page_with(*places):
        page = browser.page(browser.profile(), SHARED + "/profile")
        for letter, place in zip("AB", places):
            page.run(f"document.cookie = '__Secure-sid={letter * 64}; Secure; {place}'")
        return page, lambda: len(page.cookies(SHARED + "/profile"))

    for what, *places in (
        ("of the host and of the domain", "Path=/", f"{domain}; Path=/"),
        ("of two paths", f"{domain}; Path=/", f"{domain}; Path=/profile"),
        ("of the host and of a path", "Path=/", "Path=/profile"),
        ("of the domain and of a part of it", f"{domain}; Path=/", f"{host}; Path=/"),
    ):
        page, kept = page_with(*places)
        before, refused, after = kept(), page.run(see), kept()
        report.same(
            "chromium",
            f"two cookies {what} are refused and removed, and the next request works",
            (before, refused[0], after, page.run(see)),
            (2, 400, 0, [200, '{"user":null}']),
        )
    page, kept = page_with("Path=/", f"{domain}; Path=/")
    login = "await fetch('/login', { method: 'POST', body: new URLSearchParams({ user: 'ada' }) })"
    report.same(
        "chromium",
        "a login with two cookies works, and leaves one",
        (kept(), page.run(f"{login}; {see}"), kept()),
        (2, [200, '{"user":"ada"}'], 1),
    )


def without_tls(environment, report, browser):
    base = environment.base["api-http"]
    page = browser.page(browser.profile(), base + "/")
    report.same(
        "chromium",
        "http://localhost counts as secure: the __Host- cookie is kept there",
        page.submit("/login", user="ada"),
        '{"theme":"","user":"ada"}',
    )
