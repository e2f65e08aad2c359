"""Runs client programs."""

import re
import subprocess
import sys


def curl(environment, *arguments, send=None):
    """Runs curl; returns the status, headers and body of the last response."""
    command = ["curl", "-q", "--silent", "--show-error", "--max-time", "30", "-i", *arguments]
    ran = subprocess.run(command, input=send, capture_output=True, env=environment.environment())
    head, _, body = ran.stdout.decode().partition("\r\n\r\n")
    while re.match(r"HTTP/\S+ (100|3\d\d)", head) and body.startswith("HTTP/"):
        head, _, body = body.partition("\r\n\r\n")
    lines = head.split("\r\n")
    headers = [line.partition(": ")[::2] for line in lines[1:]]
    return Response(lines[0], headers, body, ran.stderr.decode())


class Response:
    def __init__(self, line, headers, body, error):
        self.status = int(line.split()[1]) if line else None
        self.headers = {name.lower(): value for name, value in headers}
        self.body, self.error = body, error

    def __repr__(self):
        return f"{self.status} {self.headers} {self.body[:200]!r} {self.error}"


def run(environment, program, text, **variables):
    """Runs a script; returns its output, or its exit status and errors."""
    ran = subprocess.run(
        [*program, text],
        cwd=environment.folder,
        env={**environment.environment(), **variables},
        capture_output=True,
        text=True,
        timeout=120,
    )
    return ran.stdout.strip() if ran.returncode == 0 else f"exit {ran.returncode}: {ran.stderr}"


SH = ["bash", "-euc"]
NODE = ["node", "--input-type=module", "-e"]


def python():
    """The command of a Python with `requests`."""
    for program in (sys.executable, "/usr/bin/python3"):
        try:
            found = subprocess.run([program, "-c", "import requests"], capture_output=True)
        except OSError:
            continue
        if found.returncode == 0:
            return [program, "-c"]
    return None
