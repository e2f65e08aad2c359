"""curl, node and Python: checks of their output."""

import json
import re

from commands import NODE, SH, curl, run
from docs import snippet

PIECES = 64  # of 4 KiB each: more than any buffer between the client and the handler


def curl_checks(environment, report):
    plain = environment.base["plain"]
    opened = curl(environment, "-X", "POST", plain + "/sessions")
    sid = opened.headers.get("x-user-session", "")
    report.check(
        "curl",
        "a new session: its sid in X-User-Session, with no-store",
        opened.status == 201
        and re.fullmatch("[A-Za-z0-9_-]{64}", sid)
        and json.loads(opened.body)["sid"] == sid
        and opened.headers["cache-control"] == "no-store",
        opened,
    )
    by_header, by_bearer = ["-H", f"X-User-Session: {sid}"], ["--oauth2-bearer", sid]
    item = ["-H", "Content-Type: application/json", "-d", '{"item":"tea"}']
    curl(environment, *by_header, *item, plain + "/cart/items")
    for what, credentials in (("by header", by_header), ("as a bearer token", by_bearer)):
        answer = curl(environment, *credentials, plain + "/cart")
        report.same("curl", f"the session {what}", json.loads(answer.body)["items"], ["tea"])
    answer = curl(environment, *by_header, "--head", plain + "/sessions/current")
    report.same("curl", "HEAD: 200 and no body", (answer.status, answer.body), (200, ""))
    piece = "x" * 4096
    streamed = curl(
        environment, *by_header, "-H", "Content-Type: application/json", "-H", "Expect:", "-X", "POST",
        "-T", "-", plain + "/cart/items", send=f'{{"item":"{piece * PIECES}"}}'.encode(),
    )  # fmt: skip
    items = json.loads(streamed.body)["items"]
    report.same("curl", "a streamed upload arrives completely", len(items[-1]), len(piece) * PIECES)

    echo = f"{environment.base['pages']}/moved?to={environment.base['elsewhere']}/echo"
    seen = json.loads(curl(environment, "-L", *by_header, *by_bearer, echo).body)
    report.same(
        "curl",
        "-L sends X-User-Session to another origin, but not Authorization",
        (seen.get("x-user-session"), seen.get("authorization")),
        (sid, None),
    )

    curl(environment, *by_header, "-X", "DELETE", plain + "/sessions/current")
    for what, credentials, challenge in (
        ("no sid", [], "Bearer"),
        ("the sid after the logout", by_header, "Bearer"),
        ("the bearer token after the logout", by_bearer, 'Bearer error="invalid_token"'),
    ):
        answer = curl(environment, *credentials, plain + "/sessions/current")
        report.same(
            "curl",
            f"{what}: 401 problem+json, WWW-Authenticate: {challenge}",
            (answer.status, answer.headers["content-type"], answer.headers["www-authenticate"]),
            (401, "application/problem+json", challenge),
        )
    lines = run(environment, SH, snippet("curl-header"))
    report.same("curl", "docs: a header session", lines, '{"items":["tea"]}')
    curl_cookies(environment, report)


def curl_cookies(environment, report):
    lines = run(environment, SH, snippet("curl-cookie"))
    expected = '{"theme":"","user":"ada"}{"theme":"dark","user":"ada"}'
    report.same("curl", "docs: a cookie session", lines, expected)

    api, jar = environment.base["api"], environment.folder / "jar"
    both = ["-b", str(jar), "-c", str(jar)]
    foreign = curl(environment, *both, "-H", "Origin: https://evil.example", "-d", "", api + "/theme")
    report.same("curl", "an Origin that is not listed: 403", foreign.status, 403)
    kept = "__Host-sid" in jar.read_text()
    curl(environment, *both, "-d", "", api + "/logout")
    report.same(
        "curl", "the logout removes the cookie", (kept, "__Host-sid" in jar.read_text()), (True, False)
    )
    asked = ["-X", "OPTIONS", "-H", "Access-Control-Request-Method: POST"]
    for origin, allowed in (("https://app.shop.example", True), ("https://evil.example", False)):
        answer = curl(environment, *asked, "-H", f"Origin: {origin}", api + "/sessions")
        seen = answer.headers.get("access-control-allow-origin") == origin
        report.same(
            "curl",
            f"a preflight of {origin}: {'allowed' if allowed else 'not allowed'}, and no session",
            (seen, "x-user-session" in answer.headers),
            (allowed, False),
        )

    port = environment.base["api-http"].rpartition(":")[2]
    for host, kept in (("localhost", True), ("127.0.0.1", True), ("api.shop.example", False)):
        jar.unlink(missing_ok=True)
        resolve = ["--resolve", f"{host}:{port}:127.0.0.1"]
        curl(environment, *both, *resolve, "-d", "user=ada", f"http://{host}:{port}/login")
        report.same(
            "curl",
            f"http://{host}: the __Host- cookie is {'kept' if kept else 'refused'}",
            "__Host-sid" in jar.read_text(),
            kept,
        )


NODE_REDIRECT = """
const headers = { 'X-User-Session': 'a', Authorization: 'Bearer b', Cookie: 'c=d' };
const seen = await (await fetch(process.env.MOVED, { headers })).json();
console.log(JSON.stringify([seen['x-user-session'], seen.authorization, seen.cookie]));
"""
NODE_STREAM = """
const opened = await fetch(process.env.PLAIN + '/sessions', { method: 'POST' });
const sid = opened.headers.get('X-User-Session');
async function* body() {
  yield '{"item":"';
  for (let piece = 0; piece < Number(process.env.PIECES); piece += 1) yield 'x'.repeat(4096);
  yield '"}';
}
const headers = { 'X-User-Session': sid, 'Content-Type': 'application/json' };
const options = { method: 'POST', duplex: 'half', body: ReadableStream.from(body()), headers };
const added = await (await fetch(process.env.PLAIN + '/cart/items', options)).json();
const bearer = { Authorization: `Bearer ${sid}` };
const head = await fetch(process.env.PLAIN + '/sessions/current', { method: 'HEAD', headers: bearer });
await fetch(process.env.PLAIN + '/sessions/current', { method: 'DELETE', headers: bearer });
const after = await fetch(process.env.PLAIN + '/sessions/current', { headers: bearer });
console.log(JSON.stringify([added.items[0].length, head.status, after.status,
  after.headers.get('Content-Type'), after.headers.get('WWW-Authenticate')]));
"""
SEEN = [4096 * PIECES, 200, 401, "application/problem+json", 'Bearer error="invalid_token"']
WHOLE = "a streamed upload, a bearer token, HEAD, and 401 problem+json after the logout"


def variables(environment):
    moved = f"{environment.base['pages']}/moved?to={environment.base['elsewhere']}/echo"
    return {"PLAIN": environment.base["plain"], "MOVED": moved, "PIECES": str(PIECES)}


def node_checks(environment, report):
    report.same(
        "node", "docs: a header session", run(environment, NODE, snippet("node-header")), '{"items":["tea"]}'
    )
    lines = run(environment, NODE, snippet("node-cookie"))
    report.same("node", "docs: a cookie session", lines, '{"theme":"","user":"ada"}')
    lines = run(environment, NODE, NODE_STREAM, **variables(environment))
    report.same("node", WHOLE, lines, json.dumps(SEEN, separators=(",", ":")))
    report.same(
        "node",
        "fetch sends X-User-Session to another origin, but neither Authorization nor Cookie",
        run(environment, NODE, NODE_REDIRECT, **variables(environment)),
        '["a",null,null]',
    )


PYTHON_REDIRECT = """
import json, os, requests
headers = {"X-User-Session": "a", "Authorization": "Bearer b"}
seen = requests.get(os.environ["MOVED"], headers=headers).json()
print(json.dumps([seen.get("x-user-session"), seen.get("authorization")]))
"""
PYTHON_STREAM = """
import json, os, requests
plain = os.environ["PLAIN"]
sid = requests.post(plain + "/sessions").headers["X-User-Session"]
def body():
    yield b'{"item":"'
    for _ in range(int(os.environ["PIECES"])):
        yield b"x" * 4096
    yield b'"}'
headers = {"X-User-Session": sid, "Content-Type": "application/json"}
added = requests.post(plain + "/cart/items", data=body(), headers=headers).json()
api = requests.Session()
api.headers["Authorization"] = "Bearer " + sid
current = plain + "/sessions/current"
head = api.head(current)
api.delete(current)
after = api.get(current)
print(json.dumps([len(added["items"][0]), head.status_code, after.status_code,
    after.headers["Content-Type"], after.headers["WWW-Authenticate"]]))
"""
PYTHON_HTTP = """
import os, requests
site = requests.Session()
print(site.post(os.environ["HTTP"] + "/login", data={"user": "ada"}).text)
"""


def python_checks(environment, report, program):
    lines = run(environment, program, snippet("python-header"))
    report.same("requests", "docs: a header session", lines, '{"items":["tea"]}')
    lines = run(environment, program, snippet("python-cookie"))
    report.same("requests", "docs: a cookie session", lines, '{"theme":"","user":"ada"}')
    lines = run(environment, program, PYTHON_STREAM, **variables(environment))
    report.same("requests", WHOLE, lines, json.dumps(SEEN))
    report.same(
        "requests",
        "a redirect sends X-User-Session to another origin, but not Authorization",
        run(environment, program, PYTHON_REDIRECT, **variables(environment)),
        '["a", null]',
    )
    report.same(
        "requests",
        "http: the Secure cookie is kept and never sent, not even on localhost",
        run(environment, program, PYTHON_HTTP, HTTP=environment.base["api-http"]),
        '{"user":null}',
    )
