"""The snippets of docs/clients.md, so that the checks run exactly what readers copy."""

import re

from environment import ROOT

TEXT = (ROOT / "docs" / "clients.md").read_text()
# ```js node-header: the language, and the name by which a check finds the snippet.
SNIPPETS = dict(re.findall(r"^```\w+ ([\w-]+)\n(.*?)^```$", TEXT, re.M | re.S))


def snippet(name):
    """The text of a snippet. `unused` lists the snippets that no check used."""
    USED.add(name)
    return SNIPPETS[name]


def unused():
    return sorted(SNIPPETS.keys() - USED)


def copied(name, path):
    """Whether a file contains a snippet verbatim."""
    return snippet(name) in (ROOT / path).read_text()


USED = set()
