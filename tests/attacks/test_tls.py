"""TLS that is none, old, renegotiated without end, or has commands in front of it."""

from __future__ import annotations

import contextlib
import ssl
import warnings

import pytest

from mailnix import run
from rig import Haraka, Postfix, Sink
from tests.attacks.dialogue import BODY, DOT, EHLO, FOREIGN, MAIL, TO_DATA, play
from tests.attacks.marks import Kind, attack
from tests.services.haraka.incoming import Raw

STARTTLS = b"STARTTLS\r\n"
SECONDS = 10.0


def before_tls(port: int, behind: bytes = b"") -> Raw:
    """A session in which TLS may begin; some bytes come in one packet with STARTTLS."""
    session = Raw.connected(port, "127.0.9.1")
    session.reply()
    session.say(EHLO)
    assert session.say(STARTTLS + behind)[:3] == "220"
    session.socket.settimeout(SECONDS)
    return session


def trusting(version: ssl.TLSVersion = ssl.TLSVersion.TLSv1_2) -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with warnings.catch_warnings(action="ignore", category=DeprecationWarning):
        context.minimum_version = version
        if version < ssl.TLSVersion.TLSv1_2:
            context.maximum_version = version
            context.set_ciphers("ALL:@SECLEVEL=0")
    return context


def secured(session: Raw, context: ssl.SSLContext | None = None) -> Raw:
    return Raw((context or trusting()).wrap_socket(session.socket))


def still_serves(port: int) -> bool:
    return play(port, (*TO_DATA, BODY + DOT)).answer[:3] == "250"


def is_over(session: Raw) -> bool:
    """Whether the other end has hung up; what it says before does not matter."""
    with contextlib.suppress(ConnectionError):
        while session.socket.recv(65536):
            pass
    return True


@attack(
    Kind.TLS,
    right="read as nothing",
    source="CVE-2011-0411; RFC 3207 4.2: what came before TLS is forgotten",
    postfix=True,
)
@pytest.mark.parametrize("server", ["proxy", "postfix"])
def test_commands_in_one_packet_with_starttls(request: pytest.FixtureRequest, server: str) -> None:
    port: int = request.getfixturevalue(server).port
    with contextlib.ExitStack() as stack:
        session = before_tls(port, behind=EHLO + MAIL + b"RCPT TO:<injected@example.org>\r\n")
        stack.callback(session.close)
        try:
            inside = secured(session)
        except (OSError, ssl.SSLError):
            return  # no TLS at all after that
        stack.callback(inside.close)
        assert inside.say(b"DATA\r\n")[:1] == "5", "no envelope is left from before"


@attack(Kind.TLS, right="no envelope, no name of before TLS", source="RFC 3207 4.2", postfix=True)
@pytest.mark.parametrize("server", ["proxy", "postfix"])
def test_an_envelope_from_before_starttls(request: pytest.FixtureRequest, server: str) -> None:
    session = Raw.connected(request.getfixturevalue(server).port, "127.0.9.2")
    session.reply()
    for step in (EHLO, MAIL, b"RCPT TO:<alice@example.org>\r\n"):
        assert session.say(step)[:3] == "250"
    if session.say(STARTTLS)[:3] == "220":  # Postfix refuses it amid a mail
        session = secured(session)
        assert session.say(b"DATA\r\n")[:1] == "5"
    session.close()


@attack(Kind.TLS, right="5xx", source="RFC 3207 4.2: only once", postfix=True)
@pytest.mark.parametrize("server", ["proxy", "postfix"])
def test_starttls_within_tls(request: pytest.FixtureRequest, server: str) -> None:
    inside = secured(before_tls(request.getfixturevalue(server).port))
    inside.say(EHLO)
    assert inside.say(STARTTLS)[:1] == "5"
    inside.close()


@attack(Kind.TLS, right="5xx or hangs up", source="RFC 5321 7.1: TLS makes nobody trusted", postfix=True)
@pytest.mark.parametrize("server", ["proxy", "postfix"])
def test_relaying_within_tls(request: pytest.FixtureRequest, server: str) -> None:
    inside = secured(before_tls(request.getfixturevalue(server).port))
    inside.say(EHLO)
    inside.say(MAIL)
    assert inside.say(FOREIGN)[:1] == "5"
    inside.close()


GARBAGE = {
    "commands": b"EHLO a\r\nMAIL FROM:<a@example.net>\r\n",
    "a record of no known type": b"\x99\x03\x03\x00\x05hello",
    "a record longer than TLS has": b"\x16\x03\x01\xff\xff" + b"\0" * 70000,
    "an alert": b"\x15\x03\x01\x00\x02\x02\x28",
    "SSL 2": b"\x80\x2e\x01\x00\x02\x00\x15\x00\x00\x00\x10" + b"\x01" * 37,
}


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(
            name,
            id=name,
            marks=attack(
                Kind.TLS, what=f"after STARTTLS: {name}", right="hangs up, others are served", source="RFC 3207 4.1"
            ),
        )
        for name in GARBAGE
    ],
)
def test_what_is_no_tls_ends_the_session(proxy: Haraka, name: str) -> None:
    session = before_tls(proxy.port)
    with contextlib.suppress(ConnectionError):
        session.send(GARBAGE[name])
    assert is_over(session)
    session.close()
    assert still_serves(proxy.port)


@attack(Kind.TLS, right="no handshake", source="RFC 8996; RFC 9325 3.1.1")
@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1], ids=["TLS 1.0", "TLS 1.1"])
def test_a_version_that_is_no_longer_safe(proxy: Haraka, version: ssl.TLSVersion) -> None:
    with pytest.raises((ssl.SSLError, ConnectionError)):
        secured(before_tls(proxy.port), trusting(version))
    assert still_serves(proxy.port)


@attack(Kind.TLS, right="no handshake", source="RFC 9325 4.1")
@pytest.mark.parametrize("cipher", ["NULL-SHA256", "AECDH-NULL-SHA", "ADH-AES128-SHA"])
def test_a_cipher_that_hides_nothing(proxy: Haraka, cipher: str) -> None:
    context = trusting()
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers(f"{cipher}:@SECLEVEL=0")
    with pytest.raises((ssl.SSLError, ConnectionError)):
        secured(before_tls(proxy.port), context)


@attack(Kind.TLS, right="ended within a few", source="CVE-2011-1473; Node's tls.CLIENT_RENEG_LIMIT")
def test_a_renegotiation_without_end(proxy: Haraka, backend: Sink) -> None:
    """openssl's client renegotiates at each line that is only an R, and says so."""
    asked = 20
    words = ["-connect", f"127.0.0.1:{proxy.port}", "-starttls", "smtp", "-tls1_2", "-legacy_renegotiation"]
    ended = run.run(
        ["openssl", "s_client", *words], stdin=b"R\n" * asked + b"NOOP\r\n", check=False, timeout=SECONDS * 3
    )
    assert "RENEGOTIATING" in ended.stderr + ended.stdout
    handshakes = (ended.stdout + ended.stderr).count("verify return:")
    assert handshakes < asked
    assert still_serves(proxy.port)


@attack(Kind.TLS, right="5xx or hangs up, others are served", source="RFC 3207: TLS begins with STARTTLS")
def test_tls_without_starttls(proxy: Haraka) -> None:
    session = Raw.connected(proxy.port, "127.0.9.3")
    with session, pytest.raises((ssl.SSLError, ConnectionError)):
        secured(session)
    assert still_serves(proxy.port)


@attack(Kind.TLS, right="the session ends with its connection", source="RFC 5321 3.8")
def test_a_handshake_that_is_broken_off(proxy: Haraka) -> None:
    for _ in range(20):
        session = before_tls(proxy.port)
        session.send(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03")
        session.close()
    assert still_serves(proxy.port)


@attack(Kind.TLS, right="AUTH is not offered", source="RFC 4954: nobody logs in on port 25")
def test_auth_within_tls(proxy: Haraka, postfix: Postfix) -> None:
    inside = secured(before_tls(proxy.port))
    inside.send(EHLO)
    offered = inside.socket.recv(65536).decode()
    assert "250" in offered
    assert "AUTH" not in offered
    assert "STARTTLS" not in offered
    inside.close()
