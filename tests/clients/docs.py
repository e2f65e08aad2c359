"""The snippets of docs/clients.md: what is run here is what a reader copies."""

import re

from environment import ROOT

TEXT = (ROOT / "docs" / "clients.md").read_text()
# ```js node-header: the language, and a name by which a check finds the snippet.
SNIPPETS = dict(re.findall(r"^```\w+ ([\w-]+)\n(.*?)^```$", TEXT, re.M | re.S))


def snippet(name):
    """The text of a snippet. Those that no check asks for are told by `unused`."""
    USED.add(name)
    return SNIPPETS[name]


def unused():
    return sorted(SNIPPETS.keys() - USED)


def copied(name, path):
    """Whether a snippet stands word for word in a file."""
    return snippet(name) in (ROOT / path).read_text()


USED = set()
