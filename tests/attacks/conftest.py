"""The servers that are attacked, started once: haraka-in before a recording server and before Postfix; Postfix."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

import rig as stands
from rig import Haraka, Postfix, Sink, Stand
from tests.services.haraka.incoming import XCLIENT, haraka_in

# As Postfix does by itself since 3.9 and 3.10.
STRICT = """\
smtpd_authorized_xclient_hosts = 127.0.0.1
smtpd_forbid_bare_newline = reject
smtpd_forbid_unauth_pipelining = yes
"""


@pytest.fixture(scope="package")
def stand() -> Iterator[Stand]:
    if stands.missing():
        pytest.skip(stands.missing())
    with stands.stand() as here:
        yield here


@pytest.fixture(scope="package")
def backend(stand: Stand) -> Iterator[Sink]:
    """In Mailcow's place; takes everything."""
    with stands.sink(replies=XCLIENT) as running:
        yield running


@pytest.fixture(scope="package")
def proxy(stand: Stand, backend: Sink) -> Iterator[Haraka]:
    """haraka-in before `backend`."""
    with haraka_in(stand, backend.port) as running:
        yield running


@pytest.fixture(scope="package")
def postfix(stand: Stand) -> Iterator[Postfix]:
    """Postfix as a proxy would have it, and as Mailcow's."""
    with stands.postfix(stand, extra=STRICT) as running:
        yield running


@pytest.fixture(scope="package")
def path(stand: Stand, postfix: Postfix) -> Iterator[Haraka]:
    """haraka-in before `postfix`."""
    with haraka_in(stand, postfix.port) as running:
        yield running
