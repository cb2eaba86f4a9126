"""Sieve filters that hand mail on (RFC 5228, RFC 3894): written, and told from others'.

A receiver that refuses what was handed on sends it back to the mailbox, as a bounce: mail without a sender (RFC 5321
4.5.5). Where no copy is kept, that would be handed on and refused again, and nobody would ever see it, so it is kept.
"""

from __future__ import annotations

import re
from collections.abc import Collection

from .description import Forward

UNLESS_SPAM = 'if not header :contains "X-Spam-Flag" "YES" {'
OF_BOUNCES = 'if envelope :is "from" "" {'
_COMMENT = re.compile(r'("[^"]*")|#[^\n]*|/\*.*?\*/', re.DOTALL)


def _spaced(text: str) -> str:
    """A pattern for a text, however it is spaced."""
    return r"\s*".join(map(re.escape, text.split(" ")))


_STATEMENT = re.compile(
    r'\s*(?:redirect\s+(?P<copy>:copy\s+)?"(?P<to>[^"\\\s]+@[^"\\\s]+)"\s*;'
    r'|(?P<keep>keep)\s*;|require\s*(?:"[^"]*"|\[[^\]]*\])\s*;'
    rf"|(?P<bounces>{_spaced(OF_BOUNCES)}\s*keep\s*;\s*\}})"
    rf"|(?P<open>{_spaced(UNLESS_SPAM)})|(?P<close>\}}))\s*",
    re.IGNORECASE,
)


def script(forward: Forward, here: Collection[str]) -> str:
    """A script that hands mail on; spam goes to those targets alone whose mail ends `here`."""
    inside = [to for to in forward.to if to in here]
    outside = [to for to in forward.to if to not in here]
    redirect = 'redirect :copy "{}";' if forward.keep_copy else 'redirect "{}";'
    lines = ["# By mailnix, from its description: a change made here does not last."]
    lines += ['require ["copy"];'] if forward.keep_copy else ['require ["envelope"];', OF_BOUNCES, "  keep;", "}"]
    lines += [redirect.format(to) for to in inside]
    if outside:
        lines.append(UNLESS_SPAM)
        lines += [f"  {redirect.format(to)}" for to in outside]
        lines.append("}")
    return "\n".join(lines) + "\n"


def forward_of(text: str) -> Forward | None:
    """Whom a script hands mail on to, sorted, where it does that and nothing else; with or without spam is the same."""
    bare = _COMMENT.sub(lambda found: found[1] or " ", text).strip()
    to: set[str] = set()
    kept, taken, depth, at = False, False, 0, 0
    while at < len(bare):
        found = _STATEMENT.match(bare, at)
        if found is None:
            return None
        at = found.end()
        depth += bool(found["open"]) - bool(found["close"])
        if depth not in (0, 1) or ((found["keep"] or found["bounces"]) and depth):
            return None
        if found["to"]:
            to.add(found["to"].lower())
            taken |= not found["copy"]
        kept |= bool(found["keep"])
    return Forward(tuple(sorted(to)), kept or not taken) if to and not depth else None
