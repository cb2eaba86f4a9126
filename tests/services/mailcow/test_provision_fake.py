"""The provisioner against the fake Mailcow's API, which somebody else wrote from the same PHP: they must agree."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from attrs import evolve

from mailnix import Alias, Domain, Mailbox, Topology
from mailnix.services.mailcow.guest.admin import set_admin_password
from mailnix.services.mailcow.guest.api import Api

from .conftest import HOST
from .faked import Pem, provision, running


@pytest.fixture
def fake(tmp_path: Path) -> Iterator[Api]:
    with running(tmp_path) as api:
        yield api


def test_both_agree_and_a_second_run_changes_nothing(fake: Api, topology: Topology, pem: Pem, tmp_path: Path) -> None:
    more = Domain("bücher.example", mailboxes=["info"], aliases=[Alias("sales", to=["info", "me@else.example"])])
    topology = evolve(topology, domains=[*topology.domains, more])
    first = provision(fake, topology, pem, tmp_path)
    assert (first.refusals, first.changes) == ([], 9)
    second = provision(fake, topology, pem, tmp_path)
    assert (second.refusals, second.changes) == ([], 0)


def test_both_agree_about_changes(fake: Api, topology: Topology, pem: Pem, tmp_path: Path) -> None:
    provision(fake, topology, pem, tmp_path)
    domain = evolve(
        topology.domains[0],
        mailboxes=[Mailbox("alice", quota="5 GiB", name="Alice A.", sends_per_hour=0), Mailbox("postmaster")],
        aliases=[Alias("info", to=["alice"])],
    )
    changed = evolve(topology, domains=[domain])
    work = provision(fake, changed, pem, tmp_path)
    # An alias removed, a mailbox changed, its limit taken away, one added, one switched off, an alias added.
    assert (work.refusals, work.changes) == ([], 6)
    assert provision(fake, changed, pem, tmp_path).changes == 0
    rows = {row["username"]: row for row in fake.items("get/mailbox/all/example.org")}
    assert int(rows["bob@example.org"]["active"]) == 0
    assert int(rows["alice@example.org"]["quota"]) == 5 * 2**30
    assert [row["rl"] for row in rows.values()] == [
        False,
        {"value": "300", "frame": "h"},
        {"value": "300", "frame": "h"},
    ]


def test_both_agree_about_refusals(fake: Api, topology: Topology, pem: Pem, tmp_path: Path) -> None:
    work = provision(fake, evolve(topology, domains=[Domain(HOST), *topology.domains]), pem, tmp_path)
    assert work.refusals == [f"{HOST}: added: refused: domain_cannot_match_hostname"]


def test_both_agree_about_the_admin(fake: Api, tmp_path: Path) -> None:
    assert set_admin_password(fake, "fresh-Password-1", tmp_path, print) == 1
    assert set_admin_password(fake, "fresh-Password-1", tmp_path, print) == 0


def test_both_agree_that_two_factors_stay_forced(fake: Api, tmp_path: Path) -> None:
    fake.edit("admin", "admin", {"force_tfa": 1})
    set_admin_password(fake, "fresh-Password-1", tmp_path, print)
    (admin,) = fake.items("get/admin/all")
    assert admin["attributes"] == {"force_tfa": "1", "force_pw_update": "0"}
