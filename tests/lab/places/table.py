"""docs/reference/places.md from the places themselves: `python -m tests.lab.places.table` writes it anew."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import attrs

from mailnix.lab.places import shown
from mailnix.lab.places.catalogue import PLACES
from mailnix.lab.places.events import EVENTS
from mailnix.lab.places.place import PUBLIC4, PUBLIC6, Login, Place
from mailnix.model.topology import Internal, Proxy, Tunnel

PAGE = Path(__file__).resolve().parents[3] / "docs/reference/places.md"
HEAD = """\
# Places that both machines are tested in

Generated from the places, by `python -m tests.lab.places.table`; `pytest vm-tests/test_emulated_places.py` goes to
each. A router plays the networks of the proxy's provider, of the home, and the internet between them. The proxy is the
image that `mailnix build` makes, the machine at home is its own without Docker and Mailcow. They boot once, in the
first place; to the others they are brought as [a change of the description](../howto/change.md) is, their services
started anew or, where it says so, the machines.
"""
HEALS = """
What happens while they run, after which the tunnel comes up again by itself (the minutes that its timer waits between
two looks are left out):
"""


def page() -> str:
    """The page's text."""
    lines = [HEAD, "Every place shows:\n"]
    lines += [f"- {_sentence(check)}" for check in shown.EVERYWHERE]
    lines += [f"\n{len(PLACES)} places:\n", "| place | described | shown besides |", "|---|---|---|"]
    lines += [f"| {place.told} | {described(place)} | {'; '.join(besides(place))} |" for place in PLACES]
    lines.append(HEALS)
    lines += [f"- {event.told} (in: {event.place.told})" for event in EVENTS]
    return "\n".join(lines) + "\n"


def described(place: Place) -> str:
    """What a description says of a place that it need not say everywhere."""
    words = [word for value in (place.proxy, place.internal, place.tunnel) for word in _words(value)]
    return "; ".join(words) or "nothing more than addresses"


def _words(value: Proxy | Internal | Tunnel) -> Iterator[str]:
    said = [
        f"{field.name}={_text(getattr(value, field.name))}"
        for field in attrs.fields(type(value))
        if getattr(value, field.name) != field.default and not _usual(field.name, getattr(value, field.name))
    ]
    if isinstance(value, Proxy) and value.ipv6 is None:
        said.append("no ipv6")
    if said:
        yield f"`{type(value).__name__}({', '.join(said)})`"


def _usual(name: str, value: object) -> bool:
    return name == "name" or value in (PUBLIC4, PUBLIC6)


def _text(value: object) -> str:
    return json.dumps(value) if isinstance(value, tuple | str) else str(value)


def besides(place: Place) -> Iterator[str]:
    """What a place shows that others do not."""
    yield from (_sentence(check) for check in shown.besides(place))
    if Login.PROXY in place.login:
        yield "SSH to the machine at home goes through the proxy (`ssh -J`)"
    if place.seldom:
        yield "gone to only with `MAILNIX_PLACES=all`"
    yield from (f"the {name} machine is switched off and on" for name in place.reboots)


def _sentence(check: object) -> str:
    return (check.__doc__ or "").strip().removesuffix(".")


if __name__ == "__main__":
    PAGE.write_text(page())
