"""The servers for the clients: the examples, a TLS proxy in front of them, and pages of other origins.

All of them listen on free ports of the loopback interface and stop with the environment.
"""

import asyncio
import http.server
import json
import os
import pathlib
import shutil
import ssl
import subprocess
import tempfile
import threading
import urllib.parse

ROOT = pathlib.Path(__file__).resolve().parents[2]
EXAMPLES = ("rest_api", "browser_api", "shared_cookie")
# Examples that are packages of their own.
PACKAGES = ("admin-page", "devices", "openapi-api")
NAMES = "DNS:localhost,IP:127.0.0.1,DNS:*.shop.example,DNS:evil.example"


class Environment:
    """`plain` is rest_api, `api` is browser_api, `shared` is shared_cookie, `devices` is devices; `pages` and
    `elsewhere` are two origins with pages. `programs` are the paths of the examples."""

    def __init__(self, scripts):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="clients-"))
        self.closing = []
        try:
            self.build(scripts)
        except BaseException:
            self.close()
            raise

    def build(self, scripts):
        self.certificate = certify(self.folder)
        tls = Tls(self.certificate)
        self.closing.append(tls.close)
        self.ports, self.base = {}, {}
        self.programs = build_examples()
        for name, example in (
            ("plain", "rest_api"),
            ("api", "browser_api"),
            ("shared", "shared_cookie"),
            ("devices", "devices"),
        ):
            address = self.start(example)
            self.base[name + "-http"] = f"http://localhost:{address[1]}"
            self.ports[name] = tls.start_port(address)
        pages = Pages(scripts)
        self.closing.append(pages.close)
        for name in ("pages", "elsewhere"):
            self.ports[name] = tls.start_port(pages.server_address)
        for name, port in self.ports.items():
            self.base[name] = f"https://localhost:{port}"

    def start(self, example, **variables):
        """Starts an example, and returns its address."""
        program, address = start(self.programs[example], variables)
        self.closing.append(lambda: end(program))
        return address

    def environment(self):
        """Environment variables that make every client trust the certificate."""
        path = str(self.certificate)
        names = ("CURL_CA_BUNDLE", "NODE_EXTRA_CA_CERTS", "REQUESTS_CA_BUNDLE")
        return {**os.environ, **dict.fromkeys(names, path), "API": self.base["api"]}

    def close(self):
        for close in reversed(self.closing):
            close()
        self.closing = []
        shutil.rmtree(self.folder, ignore_errors=True)


def build_examples():
    examples = [word for name in EXAMPLES for word in ("--example", name)]
    packages = [word for name in PACKAGES for word in ("--package", name)]
    # Separately, because features of packages that are built together unify.
    programs = {**build(examples, "example"), **build(packages, "bin")}
    if programs.keys() != {*EXAMPLES, *PACKAGES}:
        raise SystemExit(f"not all examples were built: {sorted(programs)}")
    return programs


def build(arguments, kind):
    command = ["cargo", "build", "--quiet", "--message-format=json", *arguments]
    built = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    messages = [json.loads(line) for line in built.stdout.splitlines()]
    if built.returncode:
        errors = [message["message"]["rendered"] for message in messages if "message" in message]
        raise SystemExit("the examples do not build:\n" + "\n".join(errors))
    return {
        message["target"]["name"]: message["executable"]
        for message in messages
        if message.get("executable") and kind in message["target"]["kind"]
    }


def start(program, variables):
    process = subprocess.Popen(
        [program], env={**os.environ, "PORT": "0", **variables}, stdout=subprocess.PIPE, text=True
    )
    for line in process.stdout:
        if line.startswith("listening on http://"):
            host, port = line.strip().removeprefix("listening on http://").split(":")
            threading.Thread(target=process.stdout.read, daemon=True).start()
            return process, (host, int(port))
    raise SystemExit(f"{program} does not print its address")


def end(process):
    process.terminate()
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def certify(folder):
    """Creates a self-signed certificate for the names of this environment."""
    certificate = folder / "certificate.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"]
        + ["-nodes", "-days", "2", "-subj", "/CN=localhost", "-addext", f"subjectAltName={NAMES}"]
        + ["-keyout", str(folder / "key.pem"), "-out", str(certificate)],
        check=True,
        capture_output=True,
    )
    return certificate


class Tls:
    """A proxy that terminates TLS and forwards the bytes unchanged."""

    def __init__(self, certificate):
        self.context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        self.context.load_cert_chain(certificate, certificate.with_name("key.pem"))
        self.loop = asyncio.new_event_loop()
        # Ignore clients that disconnect.
        self.loop.set_exception_handler(lambda loop, context: None)
        self.thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self.thread.start()

    def start_port(self, address):
        """Starts a TLS port for the program at `address`; returns its number."""

        async def serve():
            server = await asyncio.start_server(
                lambda reader, writer: forward(reader, writer, address),
                "127.0.0.1",
                0,
                ssl=self.context,
            )
            return server.sockets[0].getsockname()[1]

        return asyncio.run_coroutine_threadsafe(serve(), self.loop).result(10)

    def close(self):
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join(10)


async def forward(reader, writer, address):
    async def pump(source, sink):
        try:
            while data := await source.read(65536):
                sink.write(data)
                await sink.drain()
        finally:
            sink.close()

    there_reader, there_writer = await asyncio.open_connection(*address)
    await asyncio.gather(
        pump(reader, there_writer), pump(there_reader, writer), return_exceptions=True
    )


class Pages(http.server.ThreadingHTTPServer):
    """Serves empty pages, scripts, redirects, and an echo of the request headers."""

    daemon_threads = True

    def __init__(self, scripts):
        super().__init__(("127.0.0.1", 0), Page)
        self.scripts = scripts
        self.thread = threading.Thread(target=self.serve_forever, daemon=True)
        self.thread.start()

    def close(self):
        self.shutdown()
        self.server_close()


class Page(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        path, _, query = self.path.partition("?")
        if path == "/moved":
            location = urllib.parse.parse_qs(query)["to"][0]
            self.answer(307, "text/plain", "", ("Location", location))
        elif path == "/echo":
            seen = {name.lower(): value for name, value in self.headers.items()}
            self.answer(200, "application/json", json.dumps(seen))
        elif path in self.server.scripts:
            self.answer(200, "text/javascript", self.server.scripts[path])
        else:
            self.answer(200, "text/html", "<!doctype html><title>a page</title>")

    def do_OPTIONS(self):
        self.answer(204, "text/plain", "")

    def answer(self, status, kind, body, *more):
        # Allow every origin to read these pages, with any header.
        allowed = self.headers.get("Access-Control-Request-Headers", "")
        self.send_response(status)
        for name, value in (
            ("Content-Type", kind),
            ("Content-Length", str(len(body.encode()))),
            ("Access-Control-Allow-Origin", "*"),
            ("Access-Control-Allow-Headers", allowed),
            *more,
        ):
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, *_):
        pass
