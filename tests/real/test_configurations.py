"""Mailcow's programs understand the configuration that its entrypoints leave, with what is described in it."""

from __future__ import annotations

import re
from http.client import HTTPConnection
from typing import Final

from mailnix.model import ports
from mailnix.run import Completed
from mailnix.services.mailcow import units
from rig.mailcow import Mailcow
from tests.real.description import SETTINGS

POSTFIX: Final = f"{units.ROOT}/data/conf/postfix"


def test_dovecot_reads_its_configuration(provisioned: Mailcow) -> None:
    done: Completed = provisioned.once("dovecot")
    assert done.status == 0, done.stderr[-2000:]
    assert "auth_mechanisms = plain login" in done.stdout
    assert "mail_max_userip_connections = 50" in done.stdout  # of the description


def test_rspamd_reads_its_configuration(provisioned: Mailcow) -> None:
    done: Completed = provisioned.once("rspamd")
    assert done.status == 0, done.stderr[-2000:]
    syntax, greylisting = done.stdout.split("*** Section greylist ***")
    assert syntax.strip().splitlines()[-1] == "syntax OK"
    assert re.search(r"^timeout = 420\b", greylisting, re.M), greylisting  # of the description: 7 minutes


def test_postfix_has_the_described_lines(provisioned: Mailcow) -> None:
    if "postfix" not in provisioned.running:
        provisioned.postfix_up()
    rate = ["postconf", "-c", POSTFIX, "-h", "smtpd_client_connection_rate_limit"]
    assert provisioned.space.run(rate).stdout.strip() == "120"


def test_nginx_answers_by_the_described_lines(provisioned: Mailcow) -> None:
    with provisioned.space.sockets():
        connection = HTTPConnection(str(provisioned.plan.internal.ipv4), ports.MAILCOW_HTTP, timeout=60)
        connection.request("GET", "/of-our-own", headers={"Host": provisioned.plan.topology.hostname})
        assert connection.getresponse().status == 204
        connection.close()


def test_containers_get_the_described_settings(provisioned: Mailcow) -> None:
    assert SETTINGS == {"LOG_LINES": 2000, "USE_WATCHDOG": False}
    assert (provisioned.setting("LOG_LINES"), provisioned.setting("USE_WATCHDOG")) == ("2000", "n")
