"""A secret's bytes come out where they are asked for, and nowhere by accident."""

from __future__ import annotations

import copy
import json
import pickle
from collections.abc import Callable

import attrs
import cattrs
import jinja2
import pytest

from mailnix.secrets import Secret

BYTES = b"correct horse battery staple"


@attrs.frozen
class Holder:
    secret: Secret


SPILLS: dict[str, Callable[[Secret], object]] = {
    "str": str,
    "f-string": lambda s: f"{s}",
    "format": lambda s: format(s, ">40"),
    "percent": lambda s: "%s" % s,  # noqa: UP031  # the old way is the point
    "join": lambda s: "".join([s]),  # type: ignore[list-item]
    "bytes": bytes,  # type: ignore[dict-item]
    "jinja": lambda s: jinja2.Template("{{ s }}").render(s=s),
    "json": json.dumps,
    "json of cattrs": lambda s: json.dumps(cattrs.unstructure(Holder(s))),
    "json of attrs": lambda s: json.dumps(attrs.asdict(Holder(s))),
    "pickle": pickle.dumps,
    "pickle in a value": lambda s: pickle.dumps(Holder(s)),
    "copy": copy.copy,
    "deepcopy": copy.deepcopy,
    "vars": vars,
}


@pytest.mark.parametrize("spill", SPILLS.values(), ids=SPILLS.keys())
def test_a_secret_refuses_to_become_text(spill: Callable[[Secret], object]) -> None:
    with pytest.raises((TypeError, AttributeError)) as caught:
        spill(Secret(BYTES))
    assert BYTES.decode() not in str(caught.value)


def test_a_secret_shows_nothing_where_it_must_not_fail() -> None:
    assert "horse" not in repr(Secret(BYTES)) + repr(Holder(Secret(BYTES))) + f"{[Secret(BYTES)]!r}"


def test_a_secret_can_be_compared_and_read_on_purpose() -> None:
    assert Secret(BYTES) == Secret(BYTES)
    assert Secret(BYTES) != Secret(b"other")
    assert Secret(BYTES) != BYTES
    assert Secret(BYTES).reveal() == BYTES


def test_a_secret_does_not_change_and_is_no_key() -> None:
    with pytest.raises(AttributeError):
        Secret(BYTES)._bytes = b""
    with pytest.raises(TypeError):
        {Secret(BYTES)}
