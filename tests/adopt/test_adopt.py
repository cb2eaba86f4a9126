"""From a description into Mailcow, and from Mailcow back into a description: the same."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve

from mailnix import Alias, Domain, Mailbox, Topology
from mailnix.adopt import Adopted, DkimKey, Existing, adopted
from mailnix.adopt.existing import Row
from mailnix.adopt.https import Get, read
from mailnix.config import load
from mailnix.lab.fake_mailcow.guest.api.routes import Routes
from mailnix.lab.fake_mailcow.guest.api.server import Gate, server
from mailnix.model.mailcow import Setting
from mailnix.plan import derive
from mailnix.services.mailcow.contents import provision_json
from mailnix.services.mailcow.guest import api as mailcow_api
from mailnix.services.mailcow.guest import description, provision
from tests.adopt.conftest import ANSWERS, HOST, KEY, serving
from tests.descriptions import many, sound
from tests.services.mailcow.conftest import pem  # noqa: F401  # a fixture

Pem = Callable[[str], str]
Provision = Callable[[Topology], None]
EVIL = 'He said "hi" \\ \'\'\' """ \n# -*- coding: latin-1 -*-\u202e\u2028\x1b[31m {x} 🐮 \U000e0001'


@pytest.fixture
def provisioned(routes: Routes, gate: Gate, pem: Pem, tmp_path: Path) -> Iterator[Provision]:  # noqa: F811
    """Brings the fake Mailcow to a description, with the program that the machines run."""
    with serving(server(gate, routes, 0)) as base:

        def bring(topology: Topology) -> None:
            path = tmp_path / "provision.json"
            path.write_text(provision_json(derive(topology)))
            keys = {d.name: description.DkimKey(d.dkim_selector, pem(d.name)) for d in topology.domains}
            boxes = [f"{box.local_part}@{domain.name}" for domain in topology.domains for box in domain.mailboxes]
            secrets = description.Secrets(keys, dict.fromkeys(boxes, "first-Password-1"), "x")
            api = mailcow_api.Api(f"{base}/api/v1", f"{KEY}-write", HOST, timeout=10)
            work = provision.Provisioner(api, secrets, lambda _: None)
            work.run(description.read(path))
            assert work.refusals == []

        yield bring


def loaded(made: Adopted, tmp_path: Path) -> Topology:
    """The value that the script has when it is run."""
    file = tmp_path / "adopted.py"
    file.write_text(made.text)
    return load(file)


def by_name(item: Mailbox | Alias | str) -> str:
    return item if isinstance(item, str) else item.local_part


def in_order(domains: tuple[Domain, ...]) -> list[Domain]:
    """Domains with what is in them by name: Mailcow keeps no order."""
    return sorted(
        (
            evolve(
                domain,
                mailboxes=sorted(
                    (evolve(box, send_as=sorted(box.send_as)) for box in domain.mailboxes if isinstance(box, Mailbox)),
                    key=by_name,
                ),
                catch_all=sorted(domain.catch_all),
                aliases=sorted((evolve(alias, to=sorted(alias.to)) for alias in domain.aliases), key=by_name),
            )
            for domain in domains
        ),
        key=lambda domain: domain.name,
    )


ROUND_TRIPS = [
    sound(),
    sound(
        domains=[
            Domain(
                "example.org",
                [
                    Mailbox("alice", quota="5 GiB", name='Alice Ä. O\'Neil "the" \\ cow', sends_per_hour=0),
                    Mailbox("bob", quota="1500 MiB", name="🐮", sends_per_hour=7),
                    Mailbox("carol.d_e-f"),
                ],
                [Alias("postmaster", to=["alice"]), Alias("team", to=["alice", "bob", "me@elsewhere.example"])],
                dkim_selector="mail_2026.a",
            ),
            Domain(
                "example.net",
                [
                    Mailbox("left", state="archived"),
                    Mailbox("gone", state="inactive", protocols=["imap", "smtp"]),
                    Mailbox("boss", send_as=["gone", "@example.org", "bob@example.org"]),
                ],
                [Alias("postmaster", to=["boss"]), Alias("noreply", discard=True)],
                catch_all=["boss", "alice@example.org"],
            ),
            Domain("example.com", alias_of="example.net"),
            Domain("bücher.example", mailboxes=["info"], aliases=[Alias("postmaster", to=["bob@example.org"])]),
        ]
    ),
    many(3),
]


@pytest.mark.parametrize("topology", ROUND_TRIPS, ids=["two mailboxes", "names, limits, IDN", "thirty mailboxes"])
def test_what_was_described_is_described_again(
    topology: Topology, provisioned: Provision, get: Get, url: str, tmp_path: Path
) -> None:
    provisioned(topology)
    made = adopted(read(url, get, HOST), ANSWERS)
    assert in_order(loaded(made, tmp_path).domains) == in_order(topology.domains)
    assert made.notes == ()


def test_the_script_is_the_value(provisioned: Provision, get: Get, url: str, tmp_path: Path) -> None:
    provisioned(ROUND_TRIPS[1])
    made = adopted(read(url, get, HOST), ANSWERS)
    assert loaded(made, tmp_path) == made.topology


def held(**changed: Any) -> Existing:
    """A Mailcow with one domain, a mailbox and an alias of it; keyword arguments replace or add columns of the rows."""
    box = {"username": "alice@example.org", "local_part": "alice", "domain": "example.org", "quota": "1073741824"}
    alias = {"address": "postmaster@example.org", "domain": "example.org", "goto": "alice@example.org"}
    return Existing(
        "https://mail.example.org",
        HOST,
        settings=changed.get("settings", {}),
        domains=(Row({"domain_name": "example.org", "max_quota_for_mbox": 2**30, **changed.get("domain", {})}),),
        mailboxes=(Row({**box, **changed.get("box", {})}), *map(Row, changed.get("boxes", ()))),
        aliases=(Row({**alias, **changed.get("alias", {})}), *map(Row, changed.get("aliases", ()))),
        **changed.get("more", {}),
    )


NOTHING = {f"{name}_access": "0" for name in ("imap", "pop3", "smtp", "sieve", "eas", "dav", "sogo")}


def test_texts_of_others_are_literals_and_comments_and_nothing_else(tmp_path: Path) -> None:
    """Every text that a stranger may choose is one that ends strings, comments and lines, and says another encoding."""
    row = {"hostname": EVIL, "username": EVIL, "destination": EVIL, "nexthop": EVIL, "host": EVIL, "source": EVIL}
    made = adopted(
        held(
            settings={"TZ": EVIL, "IPV4_NETWORK": EVIL},
            box={"name": EVIL, "authsource": EVIL, "sender_acl": [EVIL], "rl": {"value": "5", "frame": EVIL}},
            aliases=[{"address": f"{EVIL}@example.org", "domain": "example.org", "goto": f"{EVIL}@x.example"}],
            more={
                "version": EVIL,
                "relayhosts": (Row(row),),
                "transports": (Row(row),),
                "forwarding_hosts": (Row(row),),
                "alias_domains": (Row({"alias_domain": EVIL, "target_domain": "example.org"}),),
                "keys": {"example.org": DkimKey(EVIL)},
                "further": {EVIL: 1},
            },
        ),
        ANSWERS,
    )
    assert all(line.isprintable() for line in made.text.split("\n"))
    again = loaded(made, tmp_path)
    assert again == made.topology
    assert [box.local_part for box in again.domains[0].mailboxes] == ["alice"]


def test_a_name_with_a_line_break_is_left_out_and_said(tmp_path: Path) -> None:
    made = adopted(held(box={"name": "Alice\nimport os"}), ANSWERS)
    assert made.topology.domains[0].mailboxes == (Mailbox("alice", quota="1 GiB", sends_per_hour=0),)
    assert made.notes == (
        'name of Mailbox("alice", quota="1 GiB", name="Alice\\u000aimport os", sends_per_hour=0) is left out: '
        "is not a name: it has line breaks or control characters, or is too long",
    )


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"box": {"attributes": NOTHING}}, "may use no protocol at all"),
        ({"alias": {"address": "@example.org", "goto": "null@localhost"}}, "its catch-all throws everything away"),
        ({"alias": {"goto": "spam@localhost"}}, "is left out: it learns what comes as spam"),
        ({"box": {"quota": "0"}}, "it has no quota in Mailcow"),
        ({"box": {"rl": {"value": "10", "frame": "d"}}}, "its limit in Mailcow is 10 in 1d"),
        ({"box": {"rl": {"value": "10", "frame": "h"}, "rl_scope": "domain"}}, "one for the whole domain"),
        ({"box": {"authsource": "ldap"}}, "it logs in by ldap"),
        ({"box": {"sender_acl": ["x@elsewhere.example"]}}, "send_as of Mailbox("),
        ({"alias": {"internal": 1}}, "from its own users alone"),
        ({"alias": {"private_comment": "mailnix: ask Eva"}}, "the private comment in Mailcow: ask Eva"),
        ({"alias": {"address": "@example.org", "private_comment": "x"}}, "of its catch-all, the private comment in"),
        ({"alias": {"sender_allowed": "0"}}, "nobody may write under it"),
        ({"domain": {"relayhost": "3"}}, "its mail leaves by the relay host 3"),
        ({"more": {"further": {"sync jobs": 4}}}, "sync jobs: 4"),
    ],
)
def test_what_a_description_cannot_say_is_a_comment(changed: dict[str, Any], said: str, tmp_path: Path) -> None:
    made = adopted(held(**changed), ANSWERS)
    assert said in " ".join(line.strip().removeprefix("# ") for line in made.text.splitlines())
    assert any(said in note for note in made.notes)
    assert loaded(made, tmp_path) == made.topology


def test_who_is_switched_off_stays_so_and_what_is_is_left_out() -> None:
    left = {"username": "bob@example.org", "local_part": "bob", "domain": "example.org", "active": "0"}
    mirror = Row({"alias_domain": "example.net", "target_domain": "example.org", "active": "0"})
    alias = {"address": "off@example.org", "domain": "example.org", "goto": "alice@example.org", "active": "0"}
    made = adopted(held(boxes=[left], aliases=[alias], more={"alias_domains": (mirror,)}), ANSWERS)
    assert [box.state for box in made.topology.domains[0].mailboxes] == ["active", "inactive"]
    assert len(made.topology.domains) == 1
    assert any("off@example.org to alice@example.org is left out: it is switched off" in note for note in made.notes)
    assert any("example.net mirrors it there, is switched off" in note for note in made.notes)


def test_an_alias_to_somebody_who_is_left_out_loses_that_target_or_goes(tmp_path: Path) -> None:
    gone = {"address": "team@example.org", "domain": "example.org", "goto": "alice@example.org,bob@example.org"}
    lost = {"address": "bobs@example.org", "domain": "example.org", "goto": "bob@example.org"}
    chain = {"address": "chain@example.org", "domain": "example.org", "goto": "bobs@example.org"}
    made = adopted(held(aliases=[gone, lost, chain]), ANSWERS)
    assert made.topology.domains[0].aliases == (Alias("postmaster", to=["alice"]), Alias("team", to=["alice"]))
    assert [note for note in made.notes if "there is no bob@example.org" in note] != []


def test_a_loop_of_aliases_is_left_out() -> None:
    loop = [
        {"address": "a@example.org", "domain": "example.org", "goto": "b@example.org"},
        {"address": "b@example.org", "domain": "example.org", "goto": "a@example.org"},
    ]
    assert adopted(held(aliases=loop), ANSWERS).topology.domains[0].aliases == (Alias("postmaster", to=["alice"]),)


def test_settings_of_mailcow_are_fields_of_the_machine_at_home() -> None:
    settings = {"SKIP_CLAMD": "n", "SKIP_FTS": "y", "TZ": "Europe/Berlin", "IPV4_NETWORK": "172.29.5"}
    made = adopted(held(settings=settings), ANSWERS).topology
    assert (made.internal.antivirus, made.internal.full_text_search) == (True, False)
    assert (made.timezone, made.internal.docker_subnet) == ("Europe/Berlin", "172.29.5.0/24")


def test_a_setting_that_no_machine_of_ours_can_have_is_the_default() -> None:
    made = adopted(held(settings={"IPV4_NETWORK": "999.1.2", "TZ": "Mars/North", "IPV6_NETWORK": "no"}), ANSWERS)
    assert (made.topology.timezone, made.topology.internal.docker_subnet) == ("Etc/UTC", "172.22.1.0/24")


def test_other_settings_of_mailcow_are_said_where_they_are_not_its_first_ones(tmp_path: Path) -> None:
    usual = {"SKIP_SOGO": "n", "FTS_HEAP": "128", "WATCHDOG_NOTIFY_START": "y", "SKIP_OLEFY": "n"}
    changed = {"USE_WATCHDOG": "no", "SOGO_EXPIRE_SESSION": "60", "WATCHDOG_SUBJECT": "cow's", "LOG_LINES": "many"}
    found = adopted(held(settings={**usual, **changed, "SPAMHAUS_DQS_KEY": "secret"}), ANSWERS)
    assert found.topology.internal.settings == (Setting("SOGO_EXPIRE_SESSION", "60"), Setting("USE_WATCHDOG", "n"))
    assert 'settings={"SOGO_EXPIRE_SESSION": "60", "USE_WATCHDOG": "n"},' in found.text
    assert [note.partition(" of ")[0] for note in found.notes] == ["LOG_LINES", "WATCHDOG_SUBJECT"]
    assert loaded(found, tmp_path) == found.topology


def test_what_is_ours_in_mailcow_conf_is_named_where_somebody_has_set_it() -> None:
    settings = {"ADDITIONAL_SAN": "imap.example.org", "SKIP_LETS_ENCRYPT": "n", "SNAT_TO_SOURCE": ""}
    notes = [note for note in adopted(held(settings=settings), ANSWERS).notes if "in its mailcow.conf" in note]
    assert notes == [
        "ADDITIONAL_SAN=imap.example.org in its mailcow.conf; here, the certificate, which comes through the proxy's "
        "Caddy decides that"
    ]
