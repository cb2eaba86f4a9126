"""What checks make of logs, headers and reports."""

from __future__ import annotations

import shutil
import subprocess
from ipaddress import IPv4Address, IPv6Address, ip_address
from pathlib import Path

import pytest

from mailnix import Domain, Internal, Proxy, Topology
from mailnix.lab.scenario import Scene
from mailnix.lab.scenario.disks import with_backing
from mailnix.lab.scenario.evidence import by_answer, code_of
from mailnix.lab.scenario.guessing import guessers
from mailnix.lab.scenario.isolation import expected_tcp, udp_ports
from mailnix.lab.scenario.mails import address_of, client_lines, internal_addresses, parsed
from mailnix.lab.scenario.outbound import judgement
from mailnix.lab.scenario.relay import dialog
from mailnix.lab.scenario.scene import words_of
from mailnix.model.clientport import OFFERED
from mailnix.plan import Plan, derive
from tests.lab.internet.test_probe import server

STRANGER = IPv4Address("198.51.100.66")


def test_lists_repeat_an_option_and_nothing_is_left_out_silently() -> None:
    assert words_of("p", "v", {"to": ["a", "b"], "n": 0, "x": "", "y": None}) == ("p", "v", "--to=a", "--to=b", "--n=0")


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("client=mx.elsewhere.test[198.51.100.25]", "198.51.100.25"),
        ("mail.example.org[2001:db8::1]:25", "2001:db8::1"),
        ("from x (x [IPv6:2001:db8::2])", "2001:db8::2"),
        ("nothing here", None),
    ],
)
def test_addresses_are_read_as_postfix_writes_them(text: str, address: str | None) -> None:
    assert address_of(text) == (ip_address(address) if address else None)


@pytest.mark.parametrize(
    "address", ["10.83.119.2", "fd6d:6169:6c6e::2", "172.22.1.253", "192.168.77.10", "fd4d:6169:6c63:6f77::9"]
)
def test_addresses_of_home_are_noticed(scene: Scene, address: str) -> None:
    header = f"Received: from x (x [{address}]) by mail.example.org; Sun, 22 Nov 2026 22:10:00 +0000"
    assert internal_addresses(scene, header) == (address,)


def test_times_versions_and_public_addresses_are_no_addresses_of_home(scene: Scene) -> None:
    header = "Received: from x (x [203.0.113.10]) TLSv1.3 (Postfix 3.10.0.20) id 2001:db8::1; 22:10:00 +0000"
    assert internal_addresses(scene, header) == ()


LOG = """\
postfix-mailcow-1  | Nov 22 postfix/smtpd[9]: ABC: client=unknown[198.51.100.80], \
 sasl_username=alice@example.org
postfix-mailcow-1  | Nov 22 postfix/cleanup[9]: ABC: message-id=<word-1@cafe.elsewhere.test>
postfix-mailcow-1  | Nov 22 postfix/smtpd[9]: DEF: client=other[10.83.119.1]
"""


def test_the_client_of_a_message_is_found_by_its_message_id() -> None:
    (line,) = client_lines(LOG, "word-1")
    assert "198.51.100.80" in line
    assert client_lines(LOG, "word-2") == ()


def test_only_the_judges_verdicts_count() -> None:
    message = parsed(
        "Authentication-Results: mx.elsewhere.test; spf=pass smtp.mailfrom=example.org\n"
        "Authentication-Results: mx.elsewhere.test; dkim=fail (bad)\n"
        "Authentication-Results: mail.example.org; dkim=pass; dmarc=pass\n\nhello\n"
    )
    assert judgement(message, "mx.elsewhere.test") == {"spf": "pass", "dkim": "fail"}


def test_failed_logins_are_found_in_both_logs() -> None:
    log = (
        "imap-login: Info: Disconnected: Connection closed (auth failed, 1 attempts): rip=198.51.100.66, lip=1\n"
        "warning: unknown[2001:db8::42]: SASL PLAIN authentication failed: UGFzc3dvcmQ6\n"
        "imap-login: Info: Login: user=<a>, rip=198.51.100.80\n"
    )
    assert guessers(log) == [STRANGER, IPv6Address("2001:db8::42")]


def test_everything_that_the_plan_opens_is_expected(plan: Plan) -> None:
    assert expected_tcp(plan.proxies[0], STRANGER) == {22, 25, 80, 443, *(client.port for client in OFFERED)}


def test_ssh_is_expected_for_admins_alone_where_a_plan_names_them() -> None:
    proxy = Proxy("proxy", ipv4="203.0.113.10", admin_cidrs=["198.51.100.80/32"])
    plan = derive(Topology("mail.example.org", [proxy], Internal("internal"), [Domain("example.org")]))
    assert 22 not in expected_tcp(plan.proxies[0], STRANGER)
    assert 22 in expected_tcp(plan.proxies[0], IPv4Address("198.51.100.80"))


def test_sockets_on_loopback_are_no_listeners() -> None:
    text = "UNCONN 0 0 127.0.0.53%lo:53 0.0.0.0:*\nUNCONN 0 0 0.0.0.0:51820 0.0.0.0:*\nUNCONN 0 0 [::]:51820 [::]:*\n"
    assert udp_ports(text) == {51820}


def test_bash_speaks_smtp() -> None:
    with server([b"220 hi\r\n", b"250-one\r\n250 two\r\n", b"554 no\r\n"]) as (port, heard):
        command = dialog(IPv4Address("127.0.0.1"), port, ["EHLO x", "RCPT TO:<a@b>"])
        said = subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=True).stdout
    assert heard == [b"EHLO x", b"RCPT TO:<a@b>"]
    assert said.replace("\r", "").splitlines() == [
        "220 hi",
        "> EHLO x",
        "250-one",
        "250 two",
        "> RCPT TO:<a@b>",
        "554 no",
    ]


@pytest.mark.skipif(shutil.which("qemu-img") is None, reason="qemu-img is not installed")
def test_the_image_below_an_overlay_is_searched_too(tmp_path: Path) -> None:
    base, top = tmp_path / "base.raw", tmp_path / "top.qcow2"
    base.write_bytes(bytes(1 << 20))
    subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", "-b", str(base), "-F", "raw", str(top)], check=True)
    assert with_backing(top) == (top, base)


@pytest.mark.parametrize(
    ("reply", "code"),
    [
        ("250 ok (really)", "250"),
        ("550 5.1.1 <nobody@example.org>: Recipient address rejected", "550 5.1.1"),
        ("454-4.7.1 several\n454 4.7.1 lines", "454 4.7.1"),
        ("connection closed", "connection closed"),
    ],
)
def test_evidence_shows_a_reply_by_its_code(reply: str, code: str) -> None:
    assert code_of(reply) == code


def test_equal_answers_stand_together() -> None:
    answers = {"192.0.2.1": "550", "2001:db8::1": "550", "192.0.2.2": "554"}
    assert by_answer(answers) == "550 from 192.0.2.1, 2001:db8::1; 554 from 192.0.2.2"
