"""Schemathesis: compares the answers of an API with its OpenAPI document."""

import shutil
import subprocess
import sys

from commands import curl
from environment import ROOT

VERSION = "4.32.5"
FOLDER = ROOT / "target" / "schemathesis"


def program():
    own = FOLDER / "bin" / "st"
    return str(own) if own.exists() else shutil.which("st")


def install():
    """Installs it into a virtual environment, because Debian has no package of it."""
    if program():
        return
    print("installing schemathesis", flush=True)
    for command in (
        [sys.executable, "-m", "venv", str(FOLDER)],
        [str(FOLDER / "bin" / "pip"), "install", "--quiet", f"schemathesis=={VERSION}"],
    ):
        try:
            ran = subprocess.run(command, capture_output=True, text=True, timeout=300)
        except OSError as error:
            print(error, flush=True)
            return
        if ran.returncode:
            print(ran.stdout[-1000:], ran.stderr[-1000:], flush=True)
            return


# `openapi-api` has a generator's document, `rest_api` one that is written by hand.
EXAMPLES = ("openapi-api", "rest_api")


def run(environment, report, program):
    for example in EXAMPLES:
        run_example(environment, report, program, example)
    run_admin(environment, report, program)


def run_example(environment, report, program, example):
    base = "http://{}:{}".format(*environment.start(example))
    runs = {
        "without a session": [],
        "with a session": ["--header", f"x-user-session: {logged_in(environment, base)}"]
        # They would end the session of the other requests.
        + ["--exclude-path", "/login", "--exclude-path", "/sessions/current"],
    }
    for what, arguments in runs.items():
        compare(environment, report, program, f"{example}, {what}", base, arguments)


def run_admin(environment, report, program):
    base = "http://{}:{}".format(*environment.start("admin-page", ADMIN_PASSWORD="secret"))
    cookie = staff_cookie(environment, base)
    base += "/admin"
    # It does not resolve the relative URL of the server.
    arguments = ["--url", base, "--header", f"cookie: {cookie}"]
    compare(environment, report, program, "the page for administrators", base, arguments)


def compare(environment, report, program, what, base, arguments):
    ran = subprocess.run(
        [program, "run", base + "/openapi.json", "--checks", "all", "--max-examples", "100"]
        + ["--seed", "1", "--no-color", *arguments],
        cwd=environment.folder,
        capture_output=True,
        text=True,
        timeout=300,
    )
    found = (ran.returncode, "Tested: " in ran.stdout)
    report.check("schemathesis", f"{what}: nothing found", found == (0, True), ran.stdout + ran.stderr)


def staff_cookie(environment, base):
    """The cookie of a member of the staff, who may end sessions."""
    answer = curl(environment, base + "/log-in", "-d", "name=grace&password=secret")
    return answer.headers["set-cookie"].partition(";")[0]


def logged_in(environment, base):
    """The sid of a user who is logged in."""
    opened = curl(environment, "-X", "POST", base + "/login", "--json", '{"user":"ada"}')
    return opened.headers["x-user-session"]
