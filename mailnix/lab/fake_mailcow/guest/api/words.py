"""What an answer is made of, and how PHP reads values."""

from __future__ import annotations

import re
from collections.abc import Mapping

Answer = dict[str, object]
Attributes = Mapping[str, object]
Row = dict[str, object]

MIB = 1048576
TAG_LIMIT = 25
COLUMN = 255
"""Characters in a VARCHAR of Mailcow's tables."""
_HTML = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#039;"})
_SEPARATORS = re.compile(r"[ ,;\n]")
_DOMAIN = re.compile(r"[a-z\d](-*[a-z\d])*(\.[a-z\d](-*[a-z\d])*)*", re.IGNORECASE)
_ATOM = re.compile(r"[a-z\d!#$%&'*+/=?^_`{|}~-]+(\.[a-z\d!#$%&'*+/=?^_`{|}~-]+)*", re.IGNORECASE)


class Refused(Exception):
    """Mailcow says no and stops here; carries its message."""

    def __init__(self, *message: object) -> None:
        super().__init__(message)
        self.message: object = message[0] if len(message) == 1 else list(message)


class Broken(Exception):
    """The database refuses, and Mailcow's PHP ends there: status 200, and nothing in the body."""


def column(value: str, most: int = COLUMN) -> str:
    """A text as a column takes it; raises Broken for one that is too long."""
    if len(value) > most:
        raise Broken
    return value


def escaped(value: object) -> str:
    """PHP's htmlspecialchars, through which some names go before they come back in a message."""
    return str(value).translate(_HTML)


def danger(*message: object) -> Answer:
    """A refusal."""
    return {"type": "danger", "msg": message[0] if len(message) == 1 else list(message)}


def success(*message: object) -> Answer:
    """Something that was done."""
    return {"type": "success", "msg": message[0] if len(message) == 1 else list(message)}


def integer(value: object) -> int:
    """PHP's intval: 0 for what is missing or no number."""
    if isinstance(value, int | float):
        return int(value)
    found = re.match(r"\s*[+-]?\d+", value) if isinstance(value, str) else None
    return int(found.group()) if found else 0


def given(attributes: Attributes, name: str, default: object) -> int:
    """The number that was sent, or else the default: isset() and intval()."""
    value = attributes.get(name)
    return integer(default if value is None else value)


def filled(attributes: Attributes, name: str, default: object) -> int:
    """As `given`, but a zero or an empty text counts as not sent: empty()."""
    return integer(attributes.get(name) or default)


def text(attributes: Attributes, name: str) -> str:
    """A text, empty where it is missing."""
    value = attributes.get(name)
    return "" if value is None else str(value)


def words(value: object) -> list[str]:
    """The parts of a list that people type: separated by commas, semicolons, spaces or lines; none empty."""
    return [word for word in _SEPARATORS.split(str(value or "")) if word]


def several(value: object) -> list[object]:
    """A list, also of one."""
    return list(value) if isinstance(value, list) else [value]


def tags(attributes: Attributes) -> list[str]:
    """The tags that were sent, as many as Mailcow keeps."""
    value = attributes.get("tags")
    return [str(tag) for tag in value if tag][: TAG_LIMIT + 1] if isinstance(value, list) else []


def ascii_domain(name: object) -> str:
    """A domain name in lower case, as A-labels; "" for what cannot be one."""
    domain = str(name or "").strip().lower()
    try:
        return domain if domain.isascii() else domain.encode("idna").decode()
    except UnicodeError:
        return ""


def is_domain(name: str) -> bool:
    """Whether Mailcow takes a name for a domain."""
    return len(name) <= 253 and bool(_DOMAIN.fullmatch(name)) and all(len(part) <= 63 for part in name.split("."))


def is_address(address: str) -> bool:
    """Whether PHP's filter takes it for a mail address (without quoted local parts, which nobody uses)."""
    local, _, domain = address.rpartition("@")
    return bool(_ATOM.fullmatch(local)) and len(local) <= 64 and is_domain(domain) and "." in domain


def is_selector(selector: str) -> bool:
    """Whether Mailcow takes it for a DKIM selector."""
    return selector.replace("-", "").replace("_", "").replace(".", "").isalnum()
