"""A headless Chromium, controlled with the DevTools protocol over two pipes."""

import fcntl
import json
import os
import select
import subprocess
import time

TIMEOUT = 60  # seconds for one reply, far more than one takes
FLAGS = """--headless --no-sandbox --disable-gpu --disable-quic --disable-dev-shm-usage --no-first-run
--no-default-browser-check --disable-background-networking --disable-component-update --disable-sync
--disable-extensions --disable-default-apps --ignore-certificate-errors --remote-debugging-pipe""".split()


class Chromium:
    def __init__(self, program, folder, hosts):
        """`hosts` maps names to addresses: {"app.example": "127.0.0.1:8443"}."""
        rules = ", ".join(f"MAP {name} {address}" for name, address in hosts.items())
        to_us, from_it = high(os.pipe())
        to_it, from_us = high(os.pipe())
        script = f'exec "$@" 3<&{to_it} 4>&{from_it}'
        self.process = subprocess.Popen(
            ["bash", "-c", script, "chromium", program, *FLAGS]
            + [f"--user-data-dir={folder}", f"--host-resolver-rules={rules}", "about:blank"],
            pass_fds=(to_it, from_it),
            env={**os.environ, "HOME": str(folder), "XDG_CONFIG_HOME": str(folder)},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(to_it)
        os.close(from_it)
        self.reading, self.writing = to_us, from_us
        self.buffer, self.number, self.events = b"", 0, []

    def close(self):
        try:
            self.ask("Browser.close")
        except (OSError, RuntimeError):
            pass
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        os.close(self.reading)
        os.close(self.writing)

    def ask(self, method, session=None, **params):
        self.number += 1
        message = {"id": self.number, "method": method, "params": params}
        if session:
            message["sessionId"] = session
        os.write(self.writing, json.dumps(message).encode() + b"\0")
        number = self.number
        answer = self.receive(lambda message: message.get("id") == number, method)
        if "error" in answer:
            raise RuntimeError(f"{method}: {answer['error']}")
        return answer["result"]

    def receive(self, wanted, what):
        """Returns the next message that `wanted` accepts; events before it are kept."""
        until = time.monotonic() + TIMEOUT
        while True:
            while b"\0" in self.buffer:
                text, _, self.buffer = self.buffer.partition(b"\0")
                message = json.loads(text)
                if "method" in message:
                    self.events.append(message)
                if wanted(message):
                    return message
            left = until - time.monotonic()
            if left <= 0 or not select.select([self.reading], [], [], left)[0]:
                raise RuntimeError(f"no reply to {what} within {TIMEOUT} s")
            data = os.read(self.reading, 1 << 20)
            if not data:
                raise RuntimeError("chromium has ended")
            self.buffer += data

    def profile(self):
        """A profile with separate cookies, like another user's."""
        return self.ask("Target.createBrowserContext")["browserContextId"]

    def page(self, profile, url):
        target = self.ask("Target.createTarget", url="about:blank", browserContextId=profile)
        session = self.ask("Target.attachToTarget", targetId=target["targetId"], flatten=True)
        return Page(self, session["sessionId"], url)


class Page:
    def __init__(self, browser, session, url):
        self.browser, self.session = browser, session
        self.ask("Page.enable")
        self.ask("Network.enable")
        self.leave(lambda: self.ask("Page.navigate", url=url))

    def ask(self, method, **params):
        return self.browser.ask(method, self.session, **params)

    def leave(self, go):
        """Runs `go`, which navigates to another page, and waits until it is loaded."""
        start = len(self.browser.events)
        go()
        loaded = lambda message: (
            message.get("method") == "Page.loadEventFired" and message.get("sessionId") == self.session
        )
        if not any(loaded(event) for event in self.browser.events[start:]):
            self.browser.receive(loaded, "a navigation")

    def run(self, script):
        """Runs the body of an async function; returns its value, or an error as a string."""
        wrapped = f"(async () => {{ {script} }})().catch(error => String(error))"
        answer = self.ask(
            "Runtime.evaluate", expression=wrapped, awaitPromise=True, returnByValue=True
        )
        return answer["result"].get("value")

    def submit(self, action, **fields):
        """Submits a form to `action`, and returns the text of the resulting page."""
        inputs = "".join(f'<input name="{name}" value="{value}">' for name, value in fields.items())
        form = f'<form method="post" action="{action}">{inputs}</form>'
        self.leave(
            lambda: self.run(
                f"document.body.innerHTML = {json.dumps(form)}; document.forms[0].submit()"
            )
        )
        return self.run("return document.body.innerText")

    def cookies(self, url):
        return self.ask("Network.getCookies", urls=[url])["cookies"]

    def handshake(self, url):
        """Tries to open a WebSocket; returns the status of the response if it is not 101."""
        start = len(self.browser.events)
        self.run(
            "await new Promise((done) => { const socket = new WebSocket("
            f"{json.dumps(url.replace('https:', 'wss:'))}); socket.onerror = socket.onopen = done; }})"
        )
        for event in self.browser.events[start:]:
            error = event["params"].get("errorMessage", "")
            if event.get("sessionId") == self.session and "response code: " in error:
                return int(error.rpartition(": ")[2])
        return None

    def traffic(self, method, url):
        """The request headers of the last such request, and the status of its response."""
        asked = [
            event["params"]["requestId"]
            for event in self.browser.events
            if event["method"] == "Network.requestWillBeSent"
            and event.get("sessionId") == self.session
            and event["params"]["request"]["url"] == url
            and event["params"]["request"]["method"] == method
        ]
        if not asked:
            raise RuntimeError(f"the page sent no {method} {url}")
        head = self.event("Network.requestWillBeSentExtraInfo", asked[-1])["headers"]
        status = self.event("Network.responseReceivedExtraInfo", asked[-1])["statusCode"]
        return {name.lower(): value for name, value in head.items()}, status

    def event(self, method, request):
        """An event of a request, which may arrive after the page's script has ended."""
        wanted = lambda message: (
            message.get("method") == method and message["params"]["requestId"] == request
        )
        found = next(filter(wanted, self.browser.events), None)
        return (found or self.browser.receive(wanted, method))["params"]


def high(pipe):
    """Moves a pipe to file descriptors above 4."""
    moved = [fcntl.fcntl(end, fcntl.F_DUPFD_CLOEXEC, 16) for end in pipe]
    for end in pipe:
        os.close(end)
    return moved
