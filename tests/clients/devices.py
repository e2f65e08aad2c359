"""Chromium on the pages of the example `devices`, over plain http on localhost."""

import base64
import hashlib
import hmac
import time

PASSWORD = "correct horse battery staple"
# Puts values into a form, submits it like a person, and returns at once.
FILL = """const fill = (selector, values = {}) => {
    const form = document.querySelector(selector);
    for (const [name, value] of Object.entries(values)) { form.elements[name].value = value; }
    form.requestSubmit(form.querySelector('button'));
};"""
# Resolves when `found` returns a value, with that value.
SEEN = """const seen = (found) => new Promise((resolve) => {
    const look = () => { const value = found(); value ? resolve(value) : setTimeout(look, 10); };
    look();
});"""
DIALOG = "const dialog = document.querySelector('dialog');"


def run(environment, report, browser):
    base = environment.base["devices-http"]
    same = lambda what, seen, expected: report.same("chromium", f"devices: {what}", seen, expected)
    laptop = browser.page(browser.profile(), base + "/")
    phone = browser.page(browser.profile(), base + "/")

    account = f"{{ name: 'ada', password: '{PASSWORD}' }}"
    submit(laptop, "#sign-up", account)
    same("a sign-up over http://localhost logs in", title(laptop), "Your devices")
    phone.run(f"{FILL} fill('#log-in', {{ name: 'ada', password: 'a guess' }})")
    refusal = phone.run(f"{SEEN} return seen(() => document.querySelector('#error').textContent)")
    same("a wrong password is refused on the page", refusal, "wrong name or password")
    submit(phone, "#log-in", account)
    reload(laptop)
    labels = """return [...document.querySelectorAll('#devices li')].map((item) => [
        item.querySelector('b').textContent, item.querySelector('em')?.textContent ?? 'another'])"""
    expected = [["Chrome on Linux", "another"], ["Chrome on Linux", "this device"]]
    same("two devices are shown, and which is this one", laptop.run(labels), expected)

    submit(laptop, "#log-out-others")
    same("the others are logged out", laptop.run(labels), expected[1:])
    reload(phone)
    same("another device is logged out at its next request", title(phone), "Welcome")
    submit(phone, "#log-in", account)
    reload(laptop)
    submit(laptop, "#devices form")
    phone.leave(lambda: phone.run(f"{FILL} fill('#password', {{ password: 'mine from now on' }})"))
    same("nor can it send a form", title(phone), "Welcome")
    reload(laptop)

    reauthenticate(same, laptop)
    step_up(same, laptop, base)
    submit(laptop, "#log-out")
    same("a logout removes the cookie", (title(laptop), laptop.cookies(base)), ("Welcome", []))


def reauthenticate(same, page):
    """The first response is made up: the real one needs five minutes."""
    page.run(
        """const real = window.fetch;
        window.fetch = async () => {
            window.fetch = real;
            return Response.json({ type: '#reauthentication-required' }, { status: 401 });
        };"""
    )
    page.run(f"{FILL} fill('#password', {{ password: 'mine from now on' }})")
    page.run(f"{SEEN}{DIALOG} await seen(() => dialog.open)")
    page.run(f"{FILL} fill('dialog form', {{ password: 'a guess' }})")
    error = page.run(f"{SEEN}{DIALOG} return seen(() => dialog.querySelector('[role=alert]').textContent)")
    same("a wrong password is refused in the dialog", error, "wrong password")
    page.leave(lambda: page.run(f"{FILL} fill('dialog form', {{ password: '{PASSWORD}' }})"))
    same("after the right one the form is sent again", title(page), "Your devices")
    submit(page, "#log-out")
    submit(page, "#log-in", "{ name: 'ada', password: 'mine from now on' }")
    same("so the new password counts", title(page), "Your devices")
    submit(page, "#password", f"{{ password: '{PASSWORD}' }}")


def step_up(same, page, base):
    go(page, base + "/codes")
    submit(page, "#set-up")
    secret = page.run("return document.querySelector('code').textContent")
    now = int(time.time())
    submit(page, "#confirm", f"{{ code: '{one_time_code(secret, now)}' }}")
    # This device has just proved itself; a new login has not.
    go(page, base + "/")
    submit(page, "#log-out")
    submit(page, "#log-in", f"{{ name: 'ada', password: '{PASSWORD}' }}")

    go(page, base + "/close-account")
    opened = page.run(f"{SEEN}{DIALOG} await seen(() => dialog.open); return dialog.innerText")
    same("a page that needs a code asks for it", "authenticator app" in opened, True)
    page.run(f"{FILL} fill('dialog form', {{ code: '{one_time_code(secret, now)}' }})")
    error = page.run(f"{SEEN}{DIALOG} return seen(() => dialog.querySelector('[role=alert]').textContent)")
    same("a used code is refused in the dialog", error, "wrong code, or one that was used before")
    code = one_time_code(secret, now + 30)
    page.leave(lambda: page.run(f"{FILL} fill('dialog form', {{ code: '{code}' }})"))
    same("the next one opens the page", title(page), "Close the account")

    go(page, base + "/")
    submit(page, "#log-out")
    submit(page, "#log-in", f"{{ name: 'ada', password: '{PASSWORD}' }}")
    go(page, base + "/close-account")
    cancel = "document.querySelector('dialog button[value=cancel]').click()"
    page.run(f"{SEEN}{DIALOG} await seen(() => dialog.open)")
    page.leave(lambda: page.run(cancel))
    same("who cancels the dialog is at the start again", title(page), "Your devices")


def title(page):
    return page.run("return document.querySelector('h1').textContent")


def go(page, url):
    page.leave(lambda: page.ask("Page.navigate", url=url))


def reload(page):
    page.leave(lambda: page.ask("Page.reload"))


def submit(page, selector, values="{}"):
    """Submits a form, and waits for the next page."""
    page.leave(lambda: page.run(f"{FILL} fill({selector!r}, {values})"))


def one_time_code(secret, seconds):
    """RFC 6238, as an authenticator app computes it."""
    key = base64.b32decode(secret + "=" * (-len(secret) % 8))
    digest = hmac.digest(key, (seconds // 30).to_bytes(8, "big"), hashlib.sha1)
    start = digest[-1] & 15
    number = int.from_bytes(digest[start : start + 4], "big") & 0x7FFFFFFF
    return f"{number % 1_000_000:06}"
