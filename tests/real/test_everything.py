"""All that a description says of addresses and mailboxes: the shipped provisioner makes it of Mailcow's own code."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from attrs import evolve

from mailnix import Alias, Mailbox, Topology
from mailnix.model.check import ensure
from mailnix.run import Completed
from rig.mailcow import Caller, Mailcow
from tests.real.description import DESCRIPTION, IDN
from tests.real.everything import (
    EVERYTHING,
    FILE,
    FILED,
    HASH,
    HASHED,
    HERE,
    IDN_MIRROR,
    LESS,
    MIRROR,
    OUTSIDE,
    box,
    described,
    people,
)
from tests.real.logins import accepted
from tests.real.said import changes
from tests.real.senders import writers
from tests.senders import NOBODY, as_described


@pytest.fixture(scope="module")
def run(provisioned: Mailcow) -> Iterator[Completed]:
    """What the provisioner says when everything is described; in the end the domains are gone again."""
    ensure(EVERYTHING, "tests")
    file = provisioned.work / "secrets" / FILE
    file.parent.mkdir(0o700)
    file.touch(0o600)
    file.write_text(FILED + "\n", "utf-8")
    provisioned.describe(EVERYTHING)
    yield provisioned.provision(check=False)
    provisioned.describe(DESCRIPTION)
    clean(provisioned.api())


@pytest.fixture(scope="module")
def everything(run: Completed, provisioned: Mailcow) -> Mailcow:
    """Mailcow with everything."""
    return provisioned


@pytest.fixture
def restored(everything: Mailcow) -> Iterator[Mailcow]:
    """With everything again in the end."""
    yield everything
    if everything.plan.topology is not EVERYTHING:  # a test that failed on its way
        everything.describe(EVERYTHING)
        everything.provision(check=False)


def clean(api: Caller) -> None:
    """Take the domains away as somebody does in Mailcow's pages."""
    ours = (MIRROR, IDN_MIRROR, HERE)
    api.call("delete/alias", [row["id"] for row in api.rows("get/alias/all") if row["domain"] in ours])
    api.call("delete/alias-domain", [MIRROR, IDN_MIRROR])
    api.call("delete/mailbox", [row["username"] for row in api.rows(f"get/mailbox/all/{HERE}")])
    api.call("delete/domain", [HERE])
    api.call("delete/dkim", [*ours])


def kept(api: Caller) -> dict[str, Any]:
    """What Mailcow holds of the domains, without numbers and times of its own."""
    boxes = {row["username"]: row for row in api.rows(f"get/mailbox/all/{HERE}")}
    columns = ("name", "quota", "active", "rl", "sender_acl")
    return {
        "mailboxes": {
            name: {column: row[column] for column in columns}
            | {"tags": sorted(row.get("tags") or ())}
            | {key: int(value) for key, value in row["attributes"].items() if key.endswith("_access")}
            for name, row in boxes.items()
        },
        "aliases": {
            row["address"]: (sorted(row["goto"].split(",")), row["active"]) for row in api.rows("get/alias/all")
        },
        "mirrors": {row["alias_domain"]: row["target_domain"] for row in api.rows("get/alias-domain/all")},
        "filters": {
            (row["username"], row["script_desc"]): (row["filter_type"], row["script_data"].split(), row["active"])
            for name in boxes
            for row in api.rows(f"get/filters/{name}")
        },
        "app passwords": {
            (name, row["name"]): sorted(key for key in row if key.endswith("_access") and int(row[key]))
            for name in boxes
            for row in api.rows(f"get/app-passwd/all/{name}")
        },
    }


def test_everything_is_made_in_one_run_and_a_second_finds_nothing_to_do(run: Completed, everything: Mailcow) -> None:
    assert changes(run) > 0
    assert changes(everything.provision()) == 0


def test_mirrors_have_the_others_aliases_and_their_own(everything: Mailcow) -> None:
    now = kept(everything.api())
    assert now["mirrors"] == {MIRROR: HERE, IDN_MIRROR: HERE}
    for name in (HERE, MIRROR, IDN_MIRROR):
        found = {address: goto for address, (goto, _) in now["aliases"].items() if address.endswith(f"@{name}")}
        assert found.pop(f"sales@{name}", [f"shop@{HERE}"]) == [f"shop@{HERE}"]
        assert found == {
            f"@{name}": [f"ben@{HERE}"],
            f"postmaster@{name}": [f"anna@{HERE}"],
            f"team@{name}": sorted([f"anna@{HERE}", f"ben@{HERE}", f"carol@{IDN}"]),
            f"noreply@{name}": ["null@localhost"],
            f"outside@{name}": sorted([f"anna@{HERE}", OUTSIDE]),
            f"o'hara=x@{name}": [f"anna+news@{HERE}"],
        }


def test_postfix_lets_people_write_as_those_that_are_described(everything: Mailcow) -> None:
    found = writers(everything, EVERYTHING)
    assert found == as_described(EVERYTHING)
    assert found[f"{NOBODY}@{HERE}"] == {f"ben@{HERE}", f"boss@{HERE}"}  # the catch-all, everybody
    assert found[f"anna@{MIRROR}"] == {f"anna@{HERE}", f"shop@{HERE}", f"boss@{HERE}"}  # and no catch-all


@pytest.mark.parametrize(
    ("user", "password", "opened"),
    [
        ("hashed", HASHED, {"imap", "smtp", "pop3", "sieve"}),
        ("filed", FILED, {"imap", "smtp", "pop3", "sieve"}),
        ("scanner", "", {"smtp"}),
        ("scanner", "copier", {"imap", "smtp"}),  # its own, and not the mailbox's
        ("phone", "My phone 2", {"imap", "smtp"}),
        ("a.b-c_9", "", {"imap", "sieve"}),
        ("gone", "", set()),
        ("off", "", set()),
    ],
)
def test_passwords_open_what_is_described(everything: Mailcow, user: str, password: str, opened: set[str]) -> None:
    bundle = json.loads(everything.secret("mailcow.mailboxes"))
    entry = f"{user}@{HERE}/{password}".lower() if password not in ("", HASHED, FILED) else f"{user}@{HERE}"
    word = password if password in (HASHED, FILED) else bundle[entry]
    services = ("imap", "smtp", "pop3", "sieve")
    assert {each for each in services if accepted(everything, f"{user}@{HERE}", word, each)} == opened


@pytest.mark.parametrize("less", LESS.values(), ids=LESS)
def test_what_is_taken_away_goes_once_and_comes_back_as_it_was(restored: Mailcow, less: Topology) -> None:
    ensure(less, "tests")
    before = kept(restored.api())
    restored.describe(less)
    assert changes(restored.provision()) > 0
    assert changes(restored.provision()) == 0
    assert kept(restored.api()) != before
    restored.describe(EVERYTHING)
    assert changes(restored.provision()) > 0
    assert changes(restored.provision()) == 0
    assert kept(restored.api()) == before


def test_who_is_described_to_may_write_as_one_who_left(restored: Mailcow) -> None:
    boxes = box("anna", send_as=["carl"]) | box("ben", send_as=[f"@{HERE}"]) | {"carl": None}
    left = described(people(boxes, {"carl": Alias("carl", to=["ben", OUTSIDE])}))
    ensure(left, "tests")
    restored.describe(left)
    assert changes(restored.provision()) > 0
    assert changes(restored.provision()) == 0
    found = writers(restored, left)
    for name in (HERE, MIRROR, IDN_MIRROR):
        assert f"anna@{HERE}" in found[f"carl@{name}"]
        assert f"anna@{HERE}" not in found[f"phone@{name}"]
        assert f"ben@{HERE}" in found[f"phone@{name}"]  # though the catch-all, which he gets, allows less
    restored.describe(EVERYTHING)
    assert changes(restored.provision()) > 0
    assert changes(restored.provision()) == 0
    assert writers(restored, EVERYTHING) == as_described(EVERYTHING)


def test_a_mirror_that_is_described_no_more_is_off_and_may_come_back(restored: Mailcow) -> None:
    before = kept(restored.api())
    here = people(box("shop", send_as=["noreply"]))
    restored.describe(evolve(DESCRIPTION, domains=[*DESCRIPTION.domains, here]))
    assert changes(restored.provision()) > 0
    assert changes(restored.provision()) == 0
    mirrors = {row["alias_domain"]: int(row["active"]) for row in restored.api().rows("get/alias-domain/all")}
    assert (mirrors[MIRROR], mirrors[IDN_MIRROR]) == (0, 0)
    restored.describe(EVERYTHING)
    assert changes(restored.provision()) > 0
    assert changes(restored.provision()) == 0
    assert kept(restored.api()) == before


def test_a_first_password_is_given_once(restored: Mailcow) -> None:
    other = people(box("hashed", password_hash=HASH.replace("mailnix", "another")) | box("filed", password_file=None))
    restored.describe(described(other))
    assert changes(restored.provision()) == 0
    assert accepted(restored, f"hashed@{HERE}", HASHED, "imap")
    assert accepted(restored, f"filed@{HERE}", FILED, "imap")


def test_an_alias_becomes_a_mailbox_and_an_alias_again(restored: Mailcow) -> None:
    api = restored.api()
    restored.describe(described(people({"noreply": Mailbox("noreply")}, {"noreply": None})))
    assert changes(restored.provision()) > 0
    assert changes(restored.provision()) == 0
    assert f"noreply@{HERE}" in kept(api)["mailboxes"][f"shop@{HERE}"]["sender_acl"]
    restored.describe(EVERYTHING)
    assert changes(restored.provision()) > 0
    assert changes(restored.provision()) == 0
    (script,) = api.rows(f"get/filters/noreply@{HERE}")
    assert script["script_data"].strip() == "discard;"  # its mail stays, and nobody gets what comes
