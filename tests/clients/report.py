"""Prints one line for each check."""


class Report:
    def __init__(self):
        self.done = self.failures = 0

    def check(self, client, what, right, seen=None):
        self.done += 1
        self.failures += not right
        print("ok  " if right else "FAIL", f"{client:9}", what, flush=True)
        if not right:
            print("    ", "seen:", str(seen)[:1000], flush=True)

    def same(self, client, what, seen, expected):
        self.check(client, what, seen == expected, f"{seen!r}, not {expected!r}")

    def fail(self, client, what, seen):
        self.check(client, what, False, seen)
