"""Authentication-Results (RFC 8601), as far as it is judged: who says what of SPF, DKIM and DMARC."""

from __future__ import annotations

import re
from collections.abc import Mapping
from email import policy
from email.message import EmailMessage
from email.parser import BytesHeaderParser
from email.utils import parseaddr
from typing import Final

from attrs import field, frozen

HEADER: Final = "Authentication-Results"
LONGEST: Final = 65536
"""Characters of one header that are read: receivers write some hundred."""

# A name is tried from its beginning alone: from each of its letters, 60 kB of them take minutes.
_PAIR: Final = re.compile(r"(?<![\w.-])([\w.-]+(?:/\d+)?)\s*=\s*(\"(?:[^\"\\]|\\.)*\"|[^\s;\"]+)")


@frozen
class Result:
    """One method's: `pass`, `fail` and so on (RFC 8601 2.7), with what it is about (`header.d`, `smtp.mailfrom`)."""

    method: str
    result: str
    about: Mapping[str, str] = field(factory=dict)

    @property
    def domain(self) -> str:
        """The domain that it speaks for; "" where it names none."""
        for name in ("header.d", "header.i", "smtp.mailfrom", "header.from", "smtp.helo"):
            if found := self.about.get(name):
                return found.rpartition("@")[2].rstrip(".").lower()
        return ""


def parsed(raw: bytes) -> EmailMessage:
    """A mail's header; whatever bytes these are, something is made of them, and nothing of parts in parts in parts."""
    message: EmailMessage = BytesHeaderParser(policy=policy.compat32.clone(max_line_length=0)).parsebytes(raw)  # type: ignore[assignment]
    return message


def author(message: EmailMessage) -> str:
    """The domain in From, which DMARC is about (RFC 7489 3.1); "" where there is none."""
    try:
        return parseaddr(str(message.get("From", ""))[:LONGEST])[1].rpartition("@")[2].lower()
    except RecursionError:  # comments in comments in comments
        return ""


def results(message: EmailMessage, server: str = "") -> tuple[Result, ...]:
    """What `server` says; without a name, the last one that handled the mail, whose words are on top.

    Words of others may have been written by whoever sent the mail (RFC 8601 5).
    """
    said = [_parts(str(value)) for value in message.get_all(HEADER, [])]
    trusted = server or (_server(said[0]) if said else "")
    return tuple(
        result
        for parts in said
        if _server(parts).lower() == trusted.lower()
        for result in map(_result, parts)
        if result
    )


def _server(parts: list[str]) -> str:
    """Who says it; some leave their name out."""
    first = parts[0].split()
    return first[0] if first and "=" not in parts[0] else ""


def _parts(text: str) -> list[str]:
    """What stands between semicolons, without comments, which may hold anything, also comments (RFC 5322 3.2.2)."""
    parts: list[list[str]] = [[]]
    depth, quoted, escaped = 0, False, False
    for letter in text[:LONGEST]:
        if escaped or letter == "\\":
            escaped = not escaped
        elif letter == '"' and not depth:
            quoted = not quoted
        elif letter == "(" and not quoted:
            depth += 1
        elif letter == ")" and depth:
            depth -= 1
            continue
        elif letter == ";" and not quoted and not depth:
            parts.append([])
            continue
        if not depth:
            parts[-1].append(letter)
    return [" ".join("".join(part).split()) for part in parts]


def _result(part: str) -> Result | None:
    pairs = [(name.lower(), value.strip('"')) for name, value in _PAIR.findall(part)]
    if not pairs:
        return None
    (method, result), *about = pairs
    return Result(method.partition("/")[0], result.lower(), dict(about))


def aligned(domain: str, author_domain: str, *, strict: bool) -> bool:
    """Whether a domain stands for the author's (RFC 7489 3.1): the same, or, relaxed, above or below it."""
    if domain == author_domain:
        return bool(domain)
    near = domain.endswith(f".{author_domain}") or author_domain.endswith(f".{domain}")
    return not strict and near and "." in domain
