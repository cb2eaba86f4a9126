"""What haraka-out does before receivers that are busy, odd or broken; Postfix is asked the same, and must agree."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack

import pytest
from attrs import frozen

import rig as stands
from rig import Stand
from tests.services.haraka import senders

pytestmark = pytest.mark.skipif(bool(stands.missing()), reason=stands.missing() or "runs")

HASTE = 4.0  # seconds: before any retry, which comes after 5
TLS = "250-sink\n250 STARTTLS"


@pytest.fixture(scope="module")
def stand() -> Iterator[Stand]:
    with stands.stand() as here:
        yield here


@frozen
class Case:
    """The answers of the first of two servers for a domain, and where the mail is then.

    `first` or `second`: delivered there in the first attempt; or `bounced`. `postfix` where that does otherwise, for
    the reason beside the case.
    """

    name: str
    replies: Mapping[str, str]
    fate: str
    nonsense: bytes = b""
    postfix: str = ""


CASES = (
    Case("STARTTLS is refused for now", {"EHLO": TLS, "STARTTLS": "454 no TLS now"}, "first"),
    Case("STARTTLS is refused for ever", {"EHLO": TLS, "STARTTLS": "500 what"}, "first"),
    # Postfix goes on to the next server, and comes back in clear once the mail is `minimal_backoff_time` old.
    Case("the handshake is nonsense", {"EHLO": TLS}, "first", b"500 this is no TLS\r\n", postfix="second"),
    Case("EHLO is unknown", {"EHLO": "502 no"}, "first"),
    Case("the greeting is 554", {"": "554 no service"}, "second"),
    Case("the greeting is 421", {"": "421 too busy"}, "second"),
    # Postfix takes this for an answer about the mail. It is one about ourselves, whose name may be wrong for an hour.
    Case("EHLO and HELO are refused", {"EHLO": "550 no", "HELO": "550 no"}, "second", postfix="bounced"),
    Case("the connection ends at MAIL", {"MAIL": ""}, "second"),
    Case("MAIL is refused for now", {"MAIL": "451 later"}, "second"),
    Case("MAIL is refused", {"MAIL": "550 5.7.1 not you"}, "bounced"),
    Case("the recipient is refused", {"RCPT": "550 5.1.1 no such user"}, "bounced"),
    Case("the recipient is refused for now", {"RCPT": "450 4.2.1 later"}, "second"),
    Case("DATA is refused", {"DATA": "554 5.6.0 no"}, "bounced"),
    Case("the greeting is no SMTP", {"": "SSH-2.0-OpenSSH"}, "second"),
)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
@pytest.mark.parametrize("server", ["haraka-out", "Postfix"])
def test_a_receiver_is_treated_as_postfix_treats_it(stand: Stand, server: str, case: Case) -> None:
    first = {"replies": case.replies, "nonsense": case.nonsense}
    with ExitStack() as stack, senders.sinks(first, {}, {}) as (one, two, home):
        routes = {"example.net": [one, two], "example.org": [home]}
        start = senders.haraka_out if server == "haraka-out" else senders.postfix_out
        start(stack, stand, routes).send()
        places = {"first": one, "second": two, "bounced": home}
        fate = (server == "Postfix" and case.postfix) or case.fate
        stands.until(lambda: bool(places[fate].messages), f"the mail is {fate}", HASTE)
        assert {name: len(place.messages) for name, place in places.items() if place.messages} == {fate: 1}
