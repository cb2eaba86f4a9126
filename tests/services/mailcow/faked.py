"""The fake Mailcow's API in this process, and the provisioner that is run against it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from attrs import evolve

from mailnix import Domain, Mailbox, Topology
from mailnix.lab.fake_mailcow.guest.api.resp import Redis
from mailnix.lab.fake_mailcow.guest.api.routes import Routes
from mailnix.lab.fake_mailcow.guest.api.server import Gate, server
from mailnix.lab.fake_mailcow.guest.api.store import Store
from mailnix.plan import derive
from mailnix.secrets.bundles import mailboxes
from mailnix.services.mailcow.contents import provision_json
from mailnix.services.mailcow.guest.api import Api, wait_until_up
from mailnix.services.mailcow.guest.description import DkimKey, Secrets, read
from mailnix.services.mailcow.guest.provision import Provisioner
from rig import servers
from tests.lab.fake_mailcow.test_lookups import look_up

from .conftest import HOST, KEY

Pem = Callable[[str], str]
PASSWORD = "first-Password-1"
ALICE, CAROL = "alice@example.org", "carol@example.org"


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


class Watched(Api):
    """The API as the provisioner has it; `writes` has every change that was asked for, `after` looks on after each."""

    def __init__(self, base: str, database: Path) -> None:
        super().__init__(base, KEY, HOST, timeout=120)
        self.database = database
        self.calls: list[str] = []
        self.writes: list[tuple[str, Any]] = []
        self.after: Callable[[str], None] = lambda path: None

    def get(self, path: str) -> Any:
        self.calls.append(path)
        return super().get(path)

    def post(self, path: str, body: object) -> None:
        self.calls.append(path)
        self.writes.append((path, body))
        super().post(path, body)
        self.after(path)

    def paths(self) -> Sequence[str]:
        """What was asked to change."""
        return [path for path, _ in self.writes]


@contextmanager
def running(folder: Path) -> Iterator[Watched]:
    """The API of a new, empty fake Mailcow."""
    database = folder / "database/mailcow.sqlite"
    routes = Routes(Store(database), Hashes(), HOST, str.upper)
    gate = Gate({"API_KEY": KEY, "API_ALLOW_FROM": "127.0.0.1"})
    with servers.running(server(gate, routes, 0)) as port:
        yield Watched(f"http://127.0.0.1:{port}/api/v1", database)


def provision(api: Api, topology: Topology, pem: Pem, folder: Path) -> Provisioner:
    """Provision a description once; gives the run."""
    path = folder / "provision.json"
    path.write_text(provision_json(derive(topology)))
    keys = {domain.name: DkimKey(domain.dkim_selector, pem(domain.name)) for domain in topology.domains}
    secrets = Secrets(keys, dict.fromkeys(mailboxes(topology), PASSWORD), "x")
    work = Provisioner(api, secrets, print, lambda seconds: None)
    wait_until_up(api, print, seconds=1)
    work.run(read(path))
    return work


class Mailcow:
    """The fake one, and what is described of it."""

    def __init__(self, api: Watched, topology: Topology, pem: Pem, folder: Path) -> None:
        self.api, self.topology, self._pem, self._folder = api, topology, pem, folder

    def once(self, *domains: Domain) -> Provisioner:
        return provision(self.api, evolve(self.topology, domains=domains), self._pem, self._folder)

    def has(self, *domains: Domain) -> list[str]:
        """Provision a description; gives the refusals, having run twice: the second time nothing is left to do."""
        self.api.writes.clear()
        first = self.once(*domains)
        seen = [*self.api.writes]
        second = self.once(*domains)
        assert (second.changes, self.api.writes) == (0, seen)
        assert second.refusals == first.refusals
        return first.refusals

    def box(self, address: str = ALICE) -> dict[str, Any]:
        return next(row for row in self.api.items("get/mailbox/all/example.org") if row["username"] == address)

    def aliases(self) -> dict[str, str]:
        return {row["address"]: row["goto"] for row in self.api.items("get/alias/all")}

    def filters(self, address: str = ALICE) -> list[str]:
        return [row["script_data"] for row in self.api.items(f"get/filters/{address}") if row["active"]]

    def finds(self, address: str) -> str:
        """Where Postfix delivers mail to an address; "" where it refuses it."""
        for name, key in (
            ("aliases", address),
            ("alias_domains", address),
            ("aliases", f"@{address.partition('@')[2]}"),
        ):
            if found := look_up(self.api.database, name, key):
                return found
        return ""


def domain(*mailboxes: Mailbox | str, aliases: Any = (), **more: Any) -> Domain:
    return Domain("example.org", ["bob", *mailboxes], aliases, **more)


def made_by_hand(mailcow: Mailcow, address: str, **more: object) -> None:
    """Make a mailbox as somebody does in Mailcow's pages, or had before mailnix came."""
    local_part, _, name = address.rpartition("@")
    words = {"local_part": local_part, "domain": name, "name": local_part, "quota": 3072, "active": 1}
    mailcow.api.add("mailbox", {**words, "password": PASSWORD, "password2": PASSWORD, **more})
