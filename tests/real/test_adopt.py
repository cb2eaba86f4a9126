"""`mailnix adopt`, typed at Mailcow's own code: by its API, and from its tree, database and Redis as over SSH."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest
from attrs import evolve

from mailnix import Alias, Domain, Internal, Mailbox, Relay, Topology
from mailnix.config import load
from mailnix.model import ports
from mailnix.model.mailcow import Setting
from mailnix.run import Completed
from mailnix.services.mailcow import units
from rig.mailcow import Mailcow, mailcow
from tests.real.description import DESCRIPTION, HOST, PROXY
from tests.real.logins import accepted
from tests.real.seeding import ELSEWHERE, IDN, MIRROR, OLD, PASSWORD, seed

ROOT: Final = Path(__file__).parents[2]
SSH: Final = """#!/bin/sh
# In ssh's place: the same machine is there.
for word; do last=$word; done
exec sh -c "$last"
"""
LINES: Final = "SOGO_EXPIRE_SESSION=60\nWATCHDOG_NOTIFY_EMAIL=me@elsewhere.example\nADDITIONAL_SAN=imap.old.example\n"
RIGHT: Final = [
    Domain(
        OLD,
        mailboxes=[
            Mailbox(
                "alice",
                quota="1 GiB",
                name="Alice Ä",
                sends_per_hour=100,
                forward_to=[ELSEWHERE],
                send_as=["bob", f"@{MIRROR}"],
            ),
            Mailbox(
                "bob",
                quota="2 GiB",
                sends_per_hour=0,
                forward_to=[ELSEWHERE],
                keep_copy=False,
                protocols=["imap", "smtp", "sogo"],
            ),
            Mailbox("gone", quota="1 GiB", sends_per_hour=0, state="inactive"),
            Mailbox("left", quota="1 GiB", sends_per_hour=0, state="archived"),
        ],
        aliases=[
            Alias("postmaster", to=["alice"]),
            Alias("team", to=["alice", "bob", ELSEWHERE]),
            Alias("inside", to=["alice"]),
            Alias("noreply", discard=True),
            Alias("sales", to=["alice"]),
        ],
        catch_all=["bob"],
    ),
    Domain(IDN, mailboxes=[Mailbox("carol", quota="1 GiB", sends_per_hour=600)], aliases=[Alias("post", to=["carol"])]),
    Domain(MIRROR, aliases=[Alias("extra", to=[f"alice@{OLD}"])], alias_of=OLD),
]
NOTES: Final = (
    "its filter 'mine' is in Mailcow's database",
    "its app password 'phone' (imap) is in Mailcow's database",
    "its limit in Mailcow is 10 in 1m",
    "learn@old.example to spam@localhost is left out",
    "from its own users alone",
    "the private comment in Mailcow: ask Eva",
    "relay host [smtp.relay.example]:587: is a relay here",
    "transport for outlook.example by [smtp.other.example]:465: is a relay here",
    f"BCC map of alice@{OLD}: what comes for it is copied to {ELSEWHERE}",
    "TLS policies: 1",
    "forwarding host 192.0.2.44",
)
CHANGES: Final = {
    rf"{MIRROR}: DKIM key 'dkim' imported": "it had none",
    "password of Mailcow's admin set": "it is a credential of ours",
    r"\S+: aliases, mailboxes, maxquota, quota, tags changed": "a domain's limits are for admins of single ones",
    r"\S+@\S+: tags changed": "a tag remembers what a description has said of a mailbox",
    r"carol@\S+: may write to 600 recipients an hour": "a limit in minutes, and of the domain",
    r"\S+: alias of \S+ changed": "a comment marks what is described, before what was noted",
    rf"sales@{OLD}: alias of alice@{OLD} added": "a recipient map did that",
    rf"\S*@{MIRROR}: alias of \S+ added": "a domain that mirrors another has its aliases, too",
}
"""What the provisioner changes in a Mailcow whose description was read from it, each with the reason."""


@pytest.fixture(scope="module")
def existing(mailcow_tree: Path) -> Iterator[Mailcow]:
    """A Mailcow with all that, reached by its name, with a command `ssh`."""
    bare = evolve(DESCRIPTION, internal=Internal("internal"), domains=[Domain("none.example", mailboxes=["me"])])
    with mailcow(bare, mailcow_tree) as machine:
        seed(machine.api())
        with machine.space.path("/etc/hosts").open("a") as hosts:
            hosts.write(f"127.0.0.1 {HOST}\n")
        ssh = machine.space.path("/usr/local/bin/ssh")
        ssh.write_text(SSH)
        ssh.chmod(0o755)
        with (machine.tree / "mailcow.conf").open("a") as conf:
            conf.write(LINES)
        yield machine


def mailnix(machine: Mailcow, *words: str | Path) -> Completed:
    """The command, on that machine."""
    argv = [sys.executable, "-m", "mailnix", *words]
    return machine.space.run(argv, environment={"PYTHONPATH": str(ROOT)}, check=False, timeout=300)


def adopt(machine: Mailcow, source: str, *words: str | Path) -> Path:
    """Read that Mailcow; gives the file."""
    folder = machine.work / re.sub(r"\W", "", source)
    (key,) = DESCRIPTION.admin_keys
    about = ["--proxy-ipv4", PROXY, "--proxy-ipv6", "", "--admin-key", key, "--reach", "home", "--lan", ""]
    done = mailnix(machine, "adopt", source, folder, *about, "--force", *words)
    assert done.status == 0, done.stderr
    return folder / "mail.py"


@pytest.fixture(scope="module")
def by_api(existing: Mailcow) -> Path:
    key = existing.work / "key"
    key.write_text(existing.secret("mailcow.api-key"))
    certificate = f"{units.ROOT}/data/assets/ssl/cert.pem"
    return adopt(existing, f"https://{HOST}:{ports.MAILCOW_HTTPS}", "--api-key-file", key, "--ca", certificate)


@pytest.fixture(scope="module")
def by_ssh(existing: Mailcow) -> Path:
    return adopt(existing, f"root@{HOST}:{units.ROOT}", "--secrets", existing.work / "secrets")


@pytest.fixture(params=["by_api", "by_ssh"])
def written(request: pytest.FixtureRequest) -> Path:
    path = request.getfixturevalue(request.param)
    assert isinstance(path, Path)
    return path


def in_order(topology: Topology) -> dict[str, Domain]:
    """Domains by name, what is in them by theirs: Mailcow keeps no order."""

    def ordered(domain: Domain) -> Domain:
        boxes = [evolve(box, send_as=sorted(box.send_as)) for box in domain.mailboxes]
        aliases = [evolve(alias, to=sorted(alias.to)) for alias in domain.aliases]
        by_name = sorted(boxes, key=lambda box: box.local_part), sorted(aliases, key=lambda alias: alias.local_part)
        return evolve(domain, mailboxes=by_name[0], aliases=by_name[1])

    return {domain.name: ordered(domain) for domain in topology.domains}


def test_all_that_a_description_can_say_is_said(written: Path) -> None:
    assert in_order(load(written)) == in_order(evolve(DESCRIPTION, domains=RIGHT))


def test_relays_are_those_of_all_domains_and_of_receivers(written: Path) -> None:
    relays = (Relay("smtp.relay.example", user="me"), Relay("smtp.other.example", "you", ["outlook.example"], port=465))
    assert load(written).relays == relays


@pytest.mark.parametrize("note", NOTES)
def test_the_rest_is_in_comments(written: Path, note: str) -> None:
    assert note in " ".join(line.strip().removeprefix("# ") for line in written.read_text().splitlines())


def test_no_password_or_hash_is_in_the_file(written: Path) -> None:
    assert not re.search(r"relay-Secret|BLF-CRYPT|first-Password", written.read_text())


def test_it_passes_the_check(existing: Mailcow, written: Path) -> None:
    done = mailnix(existing, "check", written)
    assert done.status == 0, done.stdout + done.stderr


def test_the_tree_tells_settings(by_ssh: Path) -> None:
    settings = {each for each in load(by_ssh).internal.settings if each.name != "WATCHDOG_NOTIFY_START"}
    assert settings == {Setting("SOGO_EXPIRE_SESSION", "60"), Setting("WATCHDOG_NOTIFY_EMAIL", ELSEWHERE)}
    assert "ADDITIONAL_SAN=imap.old.example in its mailcow.conf" in by_ssh.read_text()


def test_private_dkim_keys_come_along(existing: Mailcow, by_ssh: Path) -> None:
    bundle = json.loads(existing.secret("mailcow.dkim"))
    assert {OLD, IDN} <= bundle.keys()


def test_provisioning_changes_nothing_but_what_is_listed(existing: Mailcow, by_ssh: Path) -> None:
    existing.describe(load(by_ssh))
    said = existing.provision().stdout.strip().splitlines()
    assert said[-1].endswith(" changes, 0 refused")
    changed = [
        line for line in said[:-1] if not re.search(r": has a relay host of its own|: hands mail on by a ", line)
    ]
    assert len(changed) == int(said[-1].split()[0])
    assert [line for line in changed if not any(re.fullmatch(each, line) for each in CHANGES)] == []
    assert [each for each in CHANGES if not any(re.fullmatch(each, line) for line in changed)] == []
    assert existing.provision().stdout.strip().splitlines()[-1] == "0 changes, 0 refused"


def test_what_was_there_works_after_it(existing: Mailcow, by_ssh: Path) -> None:
    assert accepted(existing, f"alice@{OLD}", PASSWORD, "imap")
    filters = existing.api().rows("get/filters/all")
    assert {row["script_desc"] for row in filters} == {"mine"}
    assert len(filters) == 3


def test_what_was_noted_of_an_alias_stays(existing: Mailcow) -> None:
    comments = {row["address"]: row["private_comment"] for row in existing.api().rows("get/alias/all")}
    assert comments[f"inside@{OLD}"] == "mailnix: ask Eva"


def test_read_again_it_is_the_same(existing: Mailcow, by_ssh: Path) -> None:
    before = load(by_ssh)
    again = adopt(existing, f"root@{HOST}:{units.ROOT}", "--secrets", existing.work / "secrets")
    assert in_order(load(again)) == in_order(before)
