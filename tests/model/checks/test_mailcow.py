"""Mailcow's own settings in a description: what may be said there, and what is said elsewhere."""

from __future__ import annotations

import os
import re
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import pytest

from mailnix import Backup, Internal, Topology
from mailnix.errors import Severity
from mailnix.model import mailcow
from mailnix.model.check import problems
from mailnix.model.mailcow import ExtraLines, Setting
from tests.descriptions import sound


def described(settings: Any = (), extra_lines: Any = (), **more: Any) -> Topology:
    internal = Internal("internal", backup=Backup(), settings=settings, extra_lines=extra_lines, **more)
    return sound(internal=internal)


def said(topology: Topology) -> dict[str, str]:
    return {problem.path: f"{problem.message}; {problem.hint}" for problem in problems(topology)}


def test_a_table_is_kept_in_its_order() -> None:
    internal = described({"SKIP_UNBOUND_HEALTHCHECK": "y", "LOG_LINES": 500}).internal
    assert internal.settings == (Setting("SKIP_UNBOUND_HEALTHCHECK", "y"), Setting("LOG_LINES", 500))


def test_lines_may_be_one_text_or_many() -> None:
    for lines in ("a = 1\nb = 2", "a = 1\nb = 2\n", ["a = 1", "b = 2"]):
        internal = described(extra_lines={"postfix/extra.cf": lines}).internal
        assert internal.extra_lines == (ExtraLines("postfix/extra.cf", "a = 1\nb = 2\n"),)


@pytest.mark.parametrize(
    "settings",
    [
        {"SKIP_UNBOUND_HEALTHCHECK": "y"},
        {"SKIP_UNBOUND_HEALTHCHECK": True},
        {"LOG_LINES": 500, "FTS_HEAP": "512", "WATCHDOG_SUBJECT": "Watchdog: something fails"},
        {"MAILCOW_PASS_SCHEME": "SSHA256", "ACL_ANYONE": "allow"},
    ],
)
def test_what_mailcow_knows_and_is_not_ours_may_be_set(settings: dict[str, Any]) -> None:
    assert said(described(settings)) == {}


@pytest.mark.parametrize(
    ("name", "what"),
    [
        ("MAILCOW_HOSTNAME", "say it by Topology.hostname"),
        ("SKIP_CLAMD", "say it by Internal.antivirus"),
        ("IMAPS_PORT", "say it by Topology.client_services"),
        ("IPV4_NETWORK", "say it by Internal.docker_subnet"),
        ("DBPASS", "mailnix secrets"),
        ("SNAT_TO_SOURCE", "hide everybody"),
        ("HTTP_BIND", "the tunnel"),
        ("SKIP_LETS_ENCRYPT", "Caddy"),
    ],
)
def test_what_is_ours_is_refused_by_name_with_what_says_it(name: str, what: str) -> None:
    found = said(described({name: "x"}))[f"internal.settings.{name}"]
    assert name in found
    assert what in found


def test_every_owner_that_is_a_field_exists() -> None:
    import mailnix

    for owner in set(mailcow.OWNED.values()):
        if re.match(r"[A-Z]\w+\.", owner):
            table, field = owner.split(".")
            assert field in {attribute.name for attribute in getattr(mailnix, table).__attrs_attrs__}, owner


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"SKIP_UNBOUND_HEALTCHECK": "y"}, "did you mean SKIP_UNBOUND_HEALTHCHECK"),
        ({"log_lines": 5}, "did you mean LOG_LINES"),
        ({"NONSENSE_AT_ALL": "y"}, "no variable of Mailcow's"),
        ({"USE_WATCHDOG": "yes"}, "neither y nor n"),
        ({"LOG_LINES": "many"}, "not a whole number"),
        ({"LOG_LINES": -1}, "not a whole number"),
        ({"LOG_LINES": True}, "not a whole number"),
        ({"WATCHDOG_SUBJECT": "it's"}, "cannot stand in mailcow.conf"),
        ({"WATCHDOG_SUBJECT": "a\nDBPASS=b"}, "cannot stand in mailcow.conf"),
        ({"SPAMHAUS_DQS_KEY": "abc"}, "whoever reads what is emitted"),
        ((Setting("LOG_LINES", 1), Setting("LOG_LINES", 2)), "given twice"),
        ({"LOG_LINES": 1.5}, "is the number 1.5"),
        ("LOG_LINES=5", "write a table"),
    ],
)
def test_a_mistake_is_named(settings: Any, message: str) -> None:
    (found,) = said(described(settings)).values()
    assert message in found


def test_the_health_check_is_said_in_one_way() -> None:
    assert "leave one" in str(said(described({"SKIP_UNBOUND_HEALTHCHECK": "n"}, resolver_check=False)))
    assert said(described({"SKIP_UNBOUND_HEALTHCHECK": "y"}, resolver_check=False)) == {}


@pytest.mark.parametrize("file", ["dovecot/extra.conf", "rspamd/override.d/options.inc", "nginx/site.more.custom"])
def test_mailcows_places_for_more_lines_take_them(file: str) -> None:
    assert said(described(extra_lines={file: "x = 1"})) == {}


@pytest.mark.parametrize(
    ("file", "message"),
    [
        ("data/conf/postfix/extra.cf", "write postfix/extra.cf"),
        ("postfix/extra.conf", "did you mean postfix/extra.cf"),
        ("unbound/unbound.conf", "no file of Mailcow's that takes more lines"),
        ("rspamd/override.d/sub/options.inc", "no file of Mailcow's"),
        ("rspamd/override.d/../../web/x", "no file of Mailcow's"),
        ("rspamd/override.d/", "no file of Mailcow's"),
        ("rspamd/override.d/worker-proxy.inc", ".custom.inc takes more"),
        ("mysql/my.cnf", "take a file beside it"),
    ],
)
def test_any_other_file_is_refused(file: str, message: str) -> None:
    (found,) = said(described(extra_lines={file: "x = 1"})).values()
    assert message in found


@pytest.mark.parametrize(
    "name",
    [
        "default_transport",
        "transport_maps",
        "relay_transport",
        "sender_dependent_default_transport_maps",
        "sender_dependent_relayhost_maps",
        "smtpd_relay_restrictions",
        "smtpd_recipient_restrictions",
        "smtpd_sender_login_maps",
        "smtpd_sender_restrictions",
        "mydestination",
        "relay_domains",
        "relay_recipient_maps",
        "virtual_alias_maps",
        "virtual_alias_domains",
        "virtual_mailbox_maps",
        "virtual_mailbox_domains",
        "virtual_transport",
        "recipient_delimiter",
    ],
)
def test_another_name_for_what_is_ours_is_refused_too(name: str) -> None:
    assert name in mailcow.POSTFIX


def test_transports_of_ones_own_have_a_place() -> None:
    found = said(described(extra_lines={"postfix/extra.cf": "transport_maps = pcre:/opt/postfix/conf/mine.pcre"}))
    assert "postfix/custom_transport.pcre" in found["internal.extra_lines.postfix/extra.cf"]


@pytest.mark.parametrize(
    ("file", "lines", "what"),
    [
        ("postfix/extra.cf", "smtpd_milters =", "nothing looks for spam"),
        ("postfix/extra.cf", "smtpd_milters=inet:clamav:7357", "nothing looks for spam"),
        ("postfix/extra.cf", "a = 1\nnon_smtpd_milters =\nb = 1", "by itself"),
        ("dovecot/extra.conf", "protocols = imap pop3", "no mail is delivered"),
        ("dovecot/extra.conf", "protocols = imap lmtp\n  protocols = imap sieve", "no mail is delivered"),
        ("dovecot/extra.conf", "protocols =", "no mail is delivered"),
    ],
)
def test_lines_that_end_what_mail_needs_are_warned_of(file: str, lines: str, what: str) -> None:
    (problem,) = problems(described(extra_lines={file: lines}))
    assert problem.severity is Severity.WARNING
    assert what in problem.message


@pytest.mark.parametrize(
    ("file", "lines"),
    [
        ("postfix/extra.cf", "smtpd_milters = inet:clamav:7357,\n  inet:rspamd:9900"),
        ("postfix/extra.cf", "# smtpd_milters =\nmilter_protocol = 6"),
        ("dovecot/extra.conf", "protocols = imap lmtp sieve"),
        ("dovecot/extra.conf", "protocols = $protocols submission"),
        ("dovecot/extra.conf", "#protocols = imap\nssl_min_protocol = TLSv1.3"),
    ],
)
def test_other_lines_are_the_owners(file: str, lines: str) -> None:
    assert said(described(extra_lines={file: lines})) == {}


@pytest.mark.parametrize("name", sorted(mailcow.POSTFIX))
def test_what_we_own_of_postfix_stays(name: str) -> None:
    found = said(described(extra_lines={"postfix/extra.cf": f"# mine\nsmtp_helo_timeout = 60s\n{name}=x\n"}))
    assert f"{name} is ours" in found["internal.extra_lines.postfix/extra.cf"]


def empty(file: Path) -> bool:
    """Whether comments are all that a file says."""
    return all(line.startswith(b"#") for line in file.read_bytes().splitlines())


def test_every_name_of_the_pinned_mailcow_is_known_and_no_other() -> None:
    tree = os.environ.get("MAILNIX_MAILCOW_TREE")
    if not tree:
        pytest.skip("MAILNIX_MAILCOW_TREE names no tree of Mailcow")
    compose = (Path(tree) / "docker-compose.yml").read_text()
    generated = (Path(tree) / "generate_config.sh").read_text().split("cat << EOF > mailcow.conf")[1].split("\nEOF")[0]
    theirs = set(re.findall(r"\$\{([A-Z0-9_]+)", compose)) | set(re.findall(r"^#?([A-Z][A-Z0-9_]+)=", generated, re.M))
    azure = {name for name in theirs if name.startswith("AZUREDNS_")}  # examples of one DNS provider's
    assert theirs - azure == mailcow.FREE | mailcow.OWNED.keys()
    first = dict(re.findall(r"^([A-Z0-9_]+)=(.*)$", generated, re.M))
    assert {name: value for name, value in first.items() if name in mailcow.FREE} == mailcow.USUAL
    conf = Path(tree) / "data/conf"
    files = {str(path.relative_to(conf)) for path in conf.rglob("*") if path.is_file() and not empty(path)}
    there = {file for file in files if any(fnmatchcase(file, pattern) for pattern in mailcow.PLACES)}
    assert there == mailcow.THEIRS - {"rspamd/override.d/worker-controller-password.inc"}  # written by its pages
