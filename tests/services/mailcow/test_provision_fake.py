"""The provisioner against the fake Mailcow's API, which somebody else wrote from the same PHP: they must agree."""

import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from attrs import evolve

from mailnix import Alias, Domain, Mailbox, Topology
from mailnix.lab.fake_mailcow.guest.api.resp import Redis
from mailnix.lab.fake_mailcow.guest.api.routes import Routes
from mailnix.lab.fake_mailcow.guest.api.server import Gate, server
from mailnix.lab.fake_mailcow.guest.api.store import Store
from mailnix.plan import derive
from mailnix.services.mailcow.guest.admin import set_admin_password
from mailnix.services.mailcow.guest.api import Api, wait_until_up
from mailnix.services.mailcow.guest.description import DkimKey, Secrets, read
from mailnix.services.mailcow.guest.provision import Provisioner
from mailnix.services.mailcow.render import provision_json

from .conftest import HOST, KEY

Pem = Callable[[str], str]


class Hashes(Redis):
    """As much of Redis as the API uses, in this process."""

    def __init__(self) -> None:
        self.tables: dict[str, dict[str, str]] = {}

    def __call__(self, *words: str) -> object:
        command, table, *others = words
        rows = self.tables.setdefault(table, {})
        match command, others:
            case "HGET", [key]:
                return rows.get(key)
            case "HSET", [key, value]:
                rows[key] = value
            case "HDEL", [key]:
                rows.pop(key, None)
            case _:
                raise AssertionError(f"Redis is not asked for {command}")
        return 1


@pytest.fixture
def fake(tmp_path: Path) -> Iterator[Api]:
    routes = Routes(Store(tmp_path / "database/mailcow.sqlite"), Hashes(), HOST, str.upper)
    gate = Gate({"API_KEY": KEY, "API_ALLOW_FROM": "127.0.0.1"})
    with server(gate, routes, 0) as running:
        thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield Api(f"http://127.0.0.1:{running.server_address[1]}/api/v1", KEY, HOST, timeout=10)
        running.shutdown()
        thread.join()


def provision(api: Api, topology: Topology, pem: Pem, folder: Path) -> Provisioner:
    path = folder / "provision.json"
    path.write_text(provision_json(derive(topology)))
    keys = {domain.name: DkimKey(domain.dkim_selector, pem(domain.name)) for domain in topology.domains}
    addresses = [f"{box.local_part}@{domain.name}" for domain in topology.domains for box in domain.mailboxes]
    work = Provisioner(api, Secrets(keys, dict.fromkeys(addresses, "first-Password-1"), "x"), print)
    wait_until_up(api, print, seconds=1)
    work.run(read(path))
    return work


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
