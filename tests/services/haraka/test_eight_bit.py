"""Mail with 8-bit bodies (RFC 6152): as it is where the server takes it, else converted, never raw."""

from __future__ import annotations

import base64
import email
import email.policy
import json
from collections.abc import Iterator
from contextlib import ExitStack
from email.message import EmailMessage, MIMEPart

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import rig as stands
from rig import Stand, senders
from tests.attacks.marks import Kind, attack

pytestmark = pytest.mark.skipif(bool(stands.missing()), reason=stands.missing() or "runs")

HEAD = b"From: alice@example.org\r\nTo: dave@example.net\r\nSubject: x\r\n"
MIME = HEAD + b"MIME-Version: 1.0\r\n"
EIGHT = b"Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n"
BODY = "Grüße\r\n.ein Punkt\r\nspace at the end \r\n\r\n=3D und ".encode() + "ü".encode() * 600 + b"\r\n"
NESTED = (
    b'Content-Type: multipart/mixed; boundary="a b"\r\nContent-Transfer-Encoding: 8bit\r\n\r\n'
    b"--a b\r\n" + EIGHT + BODY + b"--a b\r\nContent-Type: message/rfc822\r\nContent-Transfer-Encoding: 8bit\r\n\r\n"
    b"From: eve@example.net\r\n" + MIME[len(HEAD) :] + EIGHT + BODY + b"--a b\r\n"
    b"Content-Type: application/octet-stream\r\nContent-Transfer-Encoding: base64\r\n\r\nAAECAw==\r\n--a b--\r\n"
)
MESSAGES = {"one part": MIME + EIGHT + BODY, "parts in parts": MIME + NESTED}
UNDECLARED = {
    "no MIME at all": HEAD + b"\r\n" + BODY,
    "said to be 7-bit": MIME + EIGHT.replace(b"8bit", b"7bit") + BODY,
}
DECLARED = ["BODY=8BITMIME"]


@pytest.fixture(scope="module")
def stand() -> Iterator[Stand]:
    with stands.stand() as here:
        yield here


def texts(message: bytes) -> list[object]:
    """The contents of all parts, decoded."""
    parsed = email.message_from_bytes(message, policy=email.policy.SMTP)
    assert isinstance(parsed, EmailMessage | MIMEPart)
    leaves = (part for part in parsed.walk() if not part.is_multipart())
    return [part.get_payload(decode=True) for part in leaves]


def body(message: bytes) -> bytes:
    return message.split(b"\r\n\r\n", 1)[1]


@pytest.mark.parametrize("name", MESSAGES)
@pytest.mark.parametrize("server", ["haraka-out", "Postfix"])
def test_8_bit_parts_are_converted_for_a_server_that_takes_7_bits(stand: Stand, server: str, name: str) -> None:
    start = senders.haraka_out if server == "haraka-out" else senders.postfix_out
    with ExitStack() as stack, senders.sinks({}) as (world,):
        start(stack, stand, {"example.net": [world]}).send(message=MESSAGES[name], options=DECLARED)
        stands.until(lambda: bool(world.messages), "the mail")
    (arrived,) = world.messages
    assert body(arrived).isascii()
    assert max(map(len, arrived.splitlines())) < 998
    assert texts(arrived) == texts(MESSAGES[name])
    assert "BODY=" not in str(world.commands)


@pytest.mark.parametrize("name", UNDECLARED)
@attack(Kind.RECEIVER, right="never raw", source="RFC 6152 3; RFC 5321 2.4")
def test_8_bit_bytes_that_nothing_declares_are_not_sent_raw_either(stand: Stand, name: str) -> None:
    with ExitStack() as stack, senders.sinks({}) as (world,):
        senders.haraka_out(stack, stand, {"example.net": [world]}).send(message=UNDECLARED[name])
        stands.until(lambda: bool(world.messages), "the mail")
    (arrived,) = world.messages
    assert arrived.isascii()
    assert texts(arrived) == [BODY]


@pytest.mark.parametrize("server", ["haraka-out", "Postfix"])
def test_a_server_with_8bitmime_gets_every_byte(stand: Stand, server: str) -> None:
    start = senders.haraka_out if server == "haraka-out" else senders.postfix_out
    with ExitStack() as stack, senders.sinks({"replies": {"EHLO": "250-sink\n250 8BITMIME"}}) as (world,):
        start(stack, stand, {"example.net": [world]}).send(message=MESSAGES["parts in parts"], options=DECLARED)
        stands.until(lambda: bool(world.messages), "the mail")
    assert world.messages[0].endswith(MESSAGES["parts in parts"])
    assert [line for line in world.commands if line.startswith("MAIL")] == [
        "MAIL FROM:<alice@example.org> BODY=8BITMIME"
    ]


CONVERT = """
const { converted, eight_bit_parts } = require(`${PLUGINS}/deliveries/eightbit`)
async function convert(text) {
    const bytes = Buffer.from(text, 'base64')
    const chunks = []
    for (let at = 0; at < bytes.length; at += 7) chunks.push(bytes.subarray(at, at + 7))
    const written = []
    for await (const chunk of converted(chunks, await eight_bit_parts(chunks))) written.push(chunk)
    return Buffer.concat(written).toString('base64')
}
Promise.all(messages.map(convert)).then((all) => console.log(JSON.stringify(all)))
"""

lines = st.lists(
    st.text(st.characters(codec="utf-8", exclude_characters="\r\n\0"), max_size=90), min_size=1, max_size=6
)


@settings(deadline=None, max_examples=10)
@given(bodies=st.lists(st.tuples(lines, lines), min_size=20, max_size=20))
def test_whatever_the_parts_say_it_can_be_read_after_conversion(bodies: list[tuple[list[str], list[str]]]) -> None:
    def message(parts: tuple[list[str], list[str]]) -> bytes:
        inner = b"".join(b"--b1\r\n" + EIGHT + "".join(f"{line}\r\n" for line in part).encode() for part in parts)
        kind = b"Content-Type: multipart/mixed; boundary=b1\r\nContent-Transfer-Encoding: 8bit\r\n\r\n"
        return MIME + kind + inner + b"--b1--\r\n"

    def stuffed(text: bytes) -> bytes:
        return text.replace(b"\r\n.", b"\r\n..")

    originals = [message(parts) for parts in bodies]
    given_in = json.dumps([base64.b64encode(stuffed(each)).decode() for each in originals])
    for original, text in zip(originals, stands.javascript(f"const messages = {given_in}\n{CONVERT}"), strict=True):
        arrived = base64.b64decode(text).replace(b"\r\n..", b"\r\n.")
        assert arrived.isascii()
        assert texts(arrived) == texts(original)
