"""Names as mail and DNS have them: host names, domains, local parts, machine names, sizes.

Each `*_problem` says in one sentence why a text is not such a name, or None where it is; nothing here raises for a
user's mistake, so that `mailnix check` can report all of them at once.
"""

from __future__ import annotations

import re
from typing import Final

_LABEL: Final = re.compile(r"[a-z0-9_]([a-z0-9-]{0,61}[a-z0-9])?")
_ATEXT: Final = re.compile(r"[A-Za-z0-9!#$%&'*/=?^_`{|}~-]+(\.[A-Za-z0-9!#$%&'*/=?^_`{|}~-]+)*")
_MAILBOX: Final = re.compile(r"[a-z0-9._-]+")
_NO_ADDRESS: Final = {
    "/": "which Mailcow's pages cannot name in a URL",
    "%": "which Mailcow's Postfix takes for a route to elsewhere and refuses",
    "!": "which Mailcow's Postfix takes for a route to elsewhere and refuses",
}
_NO_MAILBOX: Final = {
    "/": "which is a folder to Dovecot",
    "*": "after which Dovecot reads the name of somebody else, who logs in for them",
}
_PASTED: Final = re.compile(
    r"(?:mailto:|.*<\s*(?:mailto:)?)(?P<address>[^<>\s?]+@[^<>\s?]+)\s*(?:>.*|\?.*)?", re.IGNORECASE
)
_MACHINE: Final = re.compile(r"[a-z]([a-z0-9-]{0,30}[a-z0-9])?")
_SIZE: Final = re.compile(r"(?P<number>\d+(\.\d+)?)\s*(?P<unit>[KMGT]i?B?|B)?", re.IGNORECASE)
_FACTOR: Final = {"": 1, "b": 1, "k": 2**10, "m": 2**20, "g": 2**30, "t": 2**40}

MAX_NAME: Final = 253  # RFC 1035 2.3.4, without the trailing dot
MAX_LOCAL_PART: Final = 64  # RFC 5321 4.5.3.1.1
MAX_ADDRESS: Final = 254  # RFC 5321 4.5.3.1.3: a path of 256 with its < and >
MIB: Final = 2**20
MAX_SIZE: Final = 2**60  # bytes; keeps MiB in what every database and JSON parser holds exactly


def to_ascii(name: str) -> str:
    """A DNS name as A-labels in lower case (RFC 5891); a text that cannot be encoded stays as it is, for the check."""
    text = name.strip().removesuffix(".")
    if text.isascii():
        return text.lower()
    import idna

    try:
        return idna.encode(text, uts46=True).decode()
    except idna.IDNAError:
        return text


def to_unicode(name: str) -> str:
    """A DNS name for people: A-labels shown as Unicode."""
    if "xn--" not in name:
        return name
    import idna

    try:
        return idna.decode(name)
    except idna.IDNAError:
        return name


def domain_problem(name: object) -> str | None:
    """Why this is not a domain that mail can be sent to, or None."""
    if not isinstance(name, str) or not name:
        return "a domain name is missing"
    if more := _more_than_a_name(name):
        return more
    if not name.isascii():
        return f"{name!r} is not a domain name (IDNA 2008 refuses it)"
    if len(name) > MAX_NAME:
        return f"{name[:40]}… is longer than {MAX_NAME} characters"
    labels = name.split(".")
    for label in labels:
        if not _LABEL.fullmatch(label) or label.startswith("_"):
            return (
                f"{name!r} is not a domain name: {label!r} is not a DNS label"
                if label
                else f"{name!r} has an empty label"
            )
    if len(labels) < 2:
        return f"{name!r} has no dot"
    if labels[-1].isdigit():
        return f"{name!r} is an address, not a name"
    return _idn_problem(name)


def _more_than_a_name(text: str) -> str | None:
    """What was pasted where only a name belongs: an address bar's content, or somebody's address."""
    if "/" in text:
        host = text.partition("://")[2] or text
        return f"{text!r} is a URL; write only the name in it: {re.split('[/:?#]', host)[0]}"
    if "@" in text:
        return f"{text!r} is a mail address; write only what follows the @: {text.rpartition('@')[2]}"
    return None


def _idn_problem(name: str) -> str | None:
    if "xn--" not in name:
        return None
    import idna

    try:
        idna.decode(name)
    except idna.IDNAError as error:
        return f"{name!r} is not a domain name (IDNA 2008: {error})"
    return None


def host_problem(name: object) -> str | None:
    """Why this is not a host name that Mailcow accepts (fully qualified, two dots), or None."""
    problem = domain_problem(name)
    if problem is None and str(name).count(".") < 2:
        return f"{name!r} has fewer than two dots; Mailcow needs a name such as mail.example.org"
    return problem


def local_part_problem(text: object) -> str | None:
    """Why this is not a local part (RFC 5321 4.1.2, dot-string), or None.

    Quoted strings are legal there but refused by Mailcow and most clients; `+` starts a sub-address.
    """
    if not isinstance(text, str) or not text:
        return "a local part is missing"
    if "@" in text:
        return f"{text!r} is a whole address; write only the part before the @"
    if "+" in text:
        return f"{text!r} contains '+', which starts a sub-address of the mailbox before it"
    if not text.isascii():
        return f"{text!r} is not ASCII; Mailcow does not offer SMTPUTF8"
    if not _ATEXT.fullmatch(text):
        return f"{text!r} is not a local part that RFC 5321 allows without quotes"
    if len(text) > MAX_LOCAL_PART:
        return f"{text[:20]}… is longer than {MAX_LOCAL_PART} characters"
    return None


def mail_problem(address: str) -> str | None:
    """Why nobody can have this address, here or elsewhere, or None; a tag (+) may be in it."""
    local_part, _, name = address.rpartition("@")
    return local_part_problem(local_part.replace("+", "-")) or domain_problem(name) if name else "is no mail address"


def address_problem(text: object) -> str | None:
    """Why this cannot be the local part of an address of ours, mailbox or alias, or None.

    Postfix refuses what `allow_percent_hack` and `swap_bangpath` would send elsewhere, and a leading `-`
    (`allow_min_user`): all three are as postconf(5) has them by default, and so in Mailcow.
    """
    problem = local_part_problem(text)
    if problem is not None or not isinstance(text, str):
        return problem
    if text.startswith("-"):
        return f"{text!r} begins with '-', which Mailcow's Postfix refuses"
    return next((f"{text!r} has {sign!r}, {why}" for sign, why in _NO_ADDRESS.items() if sign in text), None)


def mailbox_problem(text: object) -> str | None:
    """Why nobody could log in to a mailbox of this local part, or None: Dovecot's `auth_username_chars` allow no more,
    and Mailcow leaves them as they are.
    """
    problem = local_part_problem(text)
    if problem is not None or not isinstance(text, str):
        return problem
    if text == "0":
        return "'0' counts as no local part to Mailcow's PHP"
    bad = _MAILBOX.sub("", text)[:1]
    if bad:
        why = _NO_MAILBOX.get(bad, "with which nobody can log in")
        return f"{text!r} has {bad!r}, {why}: Mailcow's Dovecot knows letters, digits and '.', '_', '-'"
    return address_problem(text)


def length_problem(address: str) -> str | None:
    """Why a whole address fits no envelope, or None."""
    return f"{address[:20]}… is longer than {MAX_ADDRESS} characters" if len(address) > MAX_ADDRESS else None


def bare_address(text: str) -> str | None:
    """The address in what was pasted with more around it, a link ("mailto:…") or a name ("Alice <…>"); else None."""
    match = _PASTED.fullmatch(text.strip())
    return match["address"] if match else None


def machine_problem(name: object) -> str | None:
    """Why this cannot name a machine (and be its Linux host name), or None."""
    if isinstance(name, str) and _MACHINE.fullmatch(name):
        return None
    return f"{name!r} is not a machine name: use lower-case letters, digits and '-', at most 32, starting with a letter"


def parse_size(text: str | int) -> int:
    """Bytes of a size such as "2 GiB", "500M" or a number of bytes; units are powers of 1024.

    Raises ValueError where the text is no size.
    """
    if isinstance(text, int) and not isinstance(text, bool):
        if not 0 <= text <= MAX_SIZE:
            raise ValueError(f"{text} bytes is no size of a mailbox")
        return text
    match = _SIZE.fullmatch(str(text).strip())
    if match is None:
        raise ValueError(f'{text!r} is not a size; write for example "2 GiB" or "500 MiB"')
    number = float(match["number"]) * _FACTOR[(match["unit"] or "")[:1].lower()]
    if number > MAX_SIZE:
        raise ValueError(f"{str(text)[:20]!r} is more than a disk holds")
    return int(number)
