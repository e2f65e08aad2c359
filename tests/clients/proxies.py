"""nginx, HAProxy and Caddy with the snippets of docs/clients.md, each on a port of its own."""

import socket
import subprocess
import time

from commands import curl
from docs import snippet

TIMEOUT = 60  # seconds for the start of a proxy, far more than one takes


def nginx(environment, text, program):
    folder = environment.folder
    places = "".join(
        f"{name}_temp_path {folder}/nginx-{name};\n"
        for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    start = f"daemon off; pid {folder}/nginx.pid; error_log stderr;\nevents {{}}\n"
    user = "user root;\n"  # ignored for everybody else
    path = write(environment, "nginx.conf", f"{user}{start}http {{ access_log off;\n{places}{text}}}\n")
    return [program, "-e", "stderr", "-p", str(folder), "-c", path]


def haproxy(environment, text, program):
    times = "defaults\n    timeout connect 10s\n    timeout client 60s\n    timeout server 60s\n\n"
    return [program, "-db", "-f", write(environment, "haproxy.cfg", times + text)]


def caddy(environment, text, program):
    alone = "{\n    admin off\n    auto_https disable_redirects\n    skip_install_trust\n}\n"
    path = write(environment, "Caddyfile", alone + text)
    return [program, "run", "--adapter", "caddyfile", "--config", path]


# How each is started, and the headers that it sets.
PROXIES = {
    "nginx": (nginx, "x_forwarded"),
    "haproxy": (haproxy, "forwarded"),
    "caddy": (caddy, "x_forwarded"),
}


def write(environment, name, text):
    path = environment.folder / name
    path.write_text(text)
    return str(path)


def run(environment, report, name, program):
    command, headers = PROXIES[name]
    for trusted in ({}, {"TRUSTED_PROXY": headers}):
        backend = environment.start("browser_api", **trusted)
        port = free_port()
        text = adapted(environment, snippet(f"proxy-{name}"), port, backend)
        with Proxy(environment, command(environment, text, program), port):
            check(environment, report, name, f"https://localhost:{port}", bool(trusted))


def adapted(environment, text, port, backend):
    """The snippet with the paths and ports of this environment."""
    certificate = environment.certificate
    key = certificate.with_name("key.pem")
    both = environment.folder / "both.pem"
    both.write_text(certificate.read_text() + key.read_text())
    whole = both if "bind" in text else certificate
    for written, here in (
        ("/etc/ssl/shop.pem", str(whole)),
        ("/etc/ssl/shop.key", str(key)),
        ("127.0.0.1:3000", f"127.0.0.1:{backend[1]}"),
        ("shop.example.com:8443", f"localhost:{port}"),
        ("8443", str(port)),
    ):
        text = text.replace(written, here)
    return text


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


class Proxy:
    def __init__(self, environment, command, port):
        self.command, self.port = command, port
        self.log = environment.folder / "proxy.log"
        home = str(environment.folder)
        self.variables = {**environment.environment(), "HOME": home, "XDG_DATA_HOME": home}

    def __enter__(self):
        with self.log.open("w") as log:
            self.process = subprocess.Popen(
                self.command, env=self.variables, stdout=log, stderr=log, stdin=subprocess.DEVNULL
            )
        until = time.monotonic() + TIMEOUT
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return self
            except OSError:
                if self.process.poll() is not None or time.monotonic() > until:
                    self.__exit__()
                    raise RuntimeError(f"{self.command[0]}: {self.log.read_text()[-2000:]}") from None
                time.sleep(0.05)

    def __exit__(self, *_):
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


UPGRADE = ["--http1.1", "-H", "Connection: Upgrade", "-H", "Upgrade: websocket"]
UPGRADE += ["-H", "Sec-WebSocket-Version: 13", "-H", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="]
# What a client may write into the headers that a proxy sets.
FORGED = ["-H", "X-Forwarded-Host: evil.example", "-H", "X-Forwarded-Proto: https"]
FORGED += ["-H", "Forwarded: proto=https;host=evil.example"]


def check(environment, report, name, base, trusts):
    how = "trusted" if trusts else "with `Host` alone"
    jar = environment.folder / "proxied"
    jar.unlink(missing_ok=True)
    both = ["-b", str(jar), "-c", str(jar)]

    def post(origin, *more, path="/theme"):
        form = ["-H", f"Origin: {origin}", "-d", "user=ada&theme=dark"]
        return curl(environment, *both, *more, *form, base + path).status

    report.same(name, f"{how}: the site's own page logs in", post(base, path="/login"), 303)
    report.same(name, f"{how}: and changes its session", post(base), 303)
    without_port = base.rpartition(":")[0]
    for origin in ("https://evil.example", without_port):
        report.same(name, f"{how}: a page of {origin} is rejected", post(origin), 403)
    plain = base.replace("https:", "http:")
    report.same(
        name,
        f"{how}: a page of the host without TLS is {'rejected' if trusts else 'not distinguished'}",
        post(plain),
        403 if trusts else 303,
    )
    if trusts:
        report.same(
            name,
            f"{how}: what the client writes into these headers does not count",
            (post("https://evil.example", *FORGED), post(base, *FORGED)),
            (403, 303),
        )
    for origin, status in (("https://evil.example", 403), (base, 200)):
        handshake = curl(environment, *both, *UPGRADE, "-H", f"Origin: {origin}", base + "/profile")
        report.same(name, f"{how}: a WebSocket handshake from {origin}", handshake.status, status)
