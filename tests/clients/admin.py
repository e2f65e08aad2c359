"""Chromium on the page of the example `admin-page`: its forms, its accessibility by axe-core, and its pictures."""

import base64
import json
import os
import shutil
import subprocess

from commands import curl
from environment import ROOT

# `PICTURES=write scripts/clients` writes them.
WRITES_PICTURES = os.environ.get("PICTURES") == "write"
AXE_VERSION = "4.14.1"
AXE_FOLDER = ROOT / "target" / "axe"
PASSWORD = "the password of the staff"
DEVICES = ("Firefox on Linux", "Chrome on Android", "Safari on iPhone")
# Submits the form that this selector finds, after it has set the values of its fields.
SUBMIT = """const submit = (selector, values = {}) => {
    const form = document.querySelector(selector);
    for (const [name, value] of Object.entries(values)) { form.elements[name].value = value; }
    form.requestSubmit();
};"""


def axe():
    """The script of axe-core, or `None`."""
    script = AXE_FOLDER / "node_modules" / "axe-core" / "axe.min.js"
    return script.read_text() if script.exists() else None


def install():
    """Installs axe-core from npm, because Debian has no package of it."""
    if axe() or not shutil.which("npm"):
        return
    print("installing axe-core", flush=True)
    AXE_FOLDER.mkdir(parents=True, exist_ok=True)
    subprocess.run(
        ["npm", "install", "--silent", "--no-audit", "--no-fund", "--prefix", str(AXE_FOLDER)]
        + [f"axe-core@{AXE_VERSION}"],
        timeout=300,
        check=False,
    )


def run(environment, report, browser):
    base = "http://localhost:{1}".format(*environment.start("admin-page", ADMIN_PASSWORD=PASSWORD))
    same = lambda what, seen, expected: report.same("chromium", f"admin: {what}", seen, expected)
    for device in DEVICES:
        open_session(environment, base, "ada@example.com", device)
    open_session(environment, base, "<script>alert(1)</script>", "\"><b>")

    page = browser.page(browser.profile(), base + "/admin")
    refused = page.run("return JSON.parse(document.body.innerText).status")
    same("nobody sees it without a login", refused, 403)
    log_in(page, base, "grace")
    same("a login leads to it", heading(page), "Sessions of Shop")
    check_axe(report, page, "home")
    picture(page, "home")

    leave(page, f"{SUBMIT} submit('.search form', {{ subject: 'ada@example.com' }})")
    same("a user has a session for each device", len(rows(page)), len(DEVICES))
    check_axe(report, page, "user")
    picture(page, "user")
    leave(page, "document.querySelector('tbody a').click()")
    same("a session shows the names of its fields", rows(page)[-2:], ["items", "visits"])
    check_axe(report, page, "session")
    picture(page, "session")

    keyboard(page, same)
    same("the script of a name does not run", escaped(page, base), 0)
    leave(page, f"location.href = '{base}/admin?subject=ada%40example.com'")
    leave(page, f"{SUBMIT} submit('td form')")
    same("a form ends one session", (notice(page), len(rows(page))), ("One session was ended.", 2))
    page.run("document.querySelector('details').open = true")
    check_axe(report, page, "end all")
    leave(page, f"{SUBMIT} submit('details form')")
    same("a form ends all of a user", notice(page), "2 sessions were ended.")
    check_axe(report, page, "empty")
    leave(page, f"location.href = '{base}/admin?id=wrong'")
    check_axe(report, page, "error")

    auditor = browser.page(browser.profile(), base + "/log-in")
    log_in(auditor, base, "auditor")
    leave(auditor, f"location.href = '{base}/admin?subject=%3Cscript%3Ealert(1)%3C%2Fscript%3E'")
    forms = auditor.run("return document.querySelectorAll('form[method=post]').length")
    same("an auditor sees no button that ends", (len(rows(auditor)), forms), (1, 0))


def keyboard(page, same):
    """Every control is reached with Tab, in the order of the page."""
    seen = []
    page.run("document.activeElement.blur()")
    for _ in range(20):
        for kind in ("keyDown", "keyUp"):
            page.ask("Input.dispatchKeyEvent", type=kind, key="Tab", code="Tab", windowsVirtualKeyCode=9)
        seen.append(page.run("return document.activeElement.id || document.activeElement.tagName"))
        if seen[-1] == "BODY":
            break
    controls = [name for name in seen if name in ("subject", "id", "BUTTON")]
    same("the keyboard reaches every control", controls[:5], ["subject", "BUTTON", "id", "BUTTON", "BUTTON"])


def escaped(page, base):
    page.run("window.alert = () => { document.title = 'run'; }")
    leave(page, f"location.href = '{base}/admin?subject=%3Cscript%3Ealert(1)%3C%2Fscript%3E'")
    return page.run("return document.querySelectorAll('script, main b').length")


def check_axe(report, page, what):
    """Runs axe-core in both color schemes. The DevTools protocol is not subject to the page's policy."""
    script = axe()
    if script is None:
        return report.fail("chromium", f"admin: axe-core checks {what}", "axe-core is not installed")
    for scheme in ("light", "dark"):
        prefer(page, scheme)
        page.ask("Runtime.evaluate", expression=script)
        found = page.run(
            "const found = await axe.run(document); return found.violations.map("
            "({ id, nodes }) => `${id}: ${nodes.map((node) => node.html).join(' ')}`)"
        )
        report.same("chromium", f"admin: axe finds nothing: {what}, {scheme}", found, [])


def picture(page, name):
    """Writes docs/admin-NAME-light.png and docs/admin-NAME-dark.png, if the environment asks for it."""
    if not WRITES_PICTURES:
        return
    for scheme in ("light", "dark"):
        prefer(page, scheme)
        resize(page, 400)
        resize(page, page.run("return document.documentElement.scrollHeight"))
        shot = page.ask("Page.captureScreenshot", format="png")
        (ROOT / "docs" / f"admin-{name}-{scheme}.png").write_bytes(base64.b64decode(shot["data"]))


def resize(page, height):
    size = {"width": 1180, "height": height, "deviceScaleFactor": 1, "mobile": False}
    page.ask("Emulation.setDeviceMetricsOverride", **size)


def prefer(page, scheme):
    feature = {"name": "prefers-color-scheme", "value": scheme}
    page.ask("Emulation.setEmulatedMedia", features=[feature])


def open_session(environment, base, name, device):
    customer = {"name": name, "device": device, "items": ["tea"]}
    curl(environment, "-X", "POST", base + "/sessions", "--json", json.dumps(customer))


def log_in(page, base, name):
    leave(page, f"location.href = '{base}/log-in'")
    leave(page, f"{SUBMIT} submit('form', {{ name: '{name}', password: '{PASSWORD}' }})")


def leave(page, script):
    page.leave(lambda: page.run(script))


def heading(page):
    return page.run("return document.querySelector('h1').textContent")


def notice(page):
    return page.run("return document.querySelector('[role=status]').textContent")


def rows(page):
    return page.run("return [...document.querySelectorAll('tbody th')].map((cell) => cell.innerText)")
