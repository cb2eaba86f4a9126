"""What `mailnix emit --backend nixos` writes, without any nixpkgs at hand."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mailnix import Backup, Domain, Internal, Mailbox, Proxy, Topology
from mailnix.config import load
from mailnix.formats.nix import Apply, Attrs
from mailnix.lab.internet import leases
from mailnix.lab.internet.machine import internet as lab_internet
from mailnix.lab.internet.nixos import FACTS
from mailnix.lab.internet.nixos import files as internet_files
from mailnix.lab.internet.zones import PUBLISHED
from mailnix.lab.ready import INTERNET_UNITS
from mailnix.nixos import host as hosts
from mailnix.nixos.carried import Reference, copied
from mailnix.nixos.flake import emit, flake, machines
from mailnix.plan import Plan, derive
from mailnix.services.base.debian import TIMEOUTS
from tests.nixos import regenerate
from tests.nixos.conftest import Nix

REPOSITORY = Path(__file__).resolve().parents[2]
EXAMPLE = REPOSITORY / "docs/examples/two_machines.py"


@pytest.fixture(scope="module")
def plan() -> Plan:
    return derive(load(EXAMPLE))


def other_topology(**changes: Any) -> Topology:
    values: dict[str, Any] = {
        "hostname": "post.bücher.example",
        "proxies": [
            Proxy(
                "edge-one",
                ipv4="198.51.100.7",
                ipv6="2001:db8:7::7",
                admin_cidrs=["192.0.2.0/24"],
                card="52-54-00-AB-CD-EF",
                gateway="198.51.100.1",
                gateway6="fe80::1",
                prefix6=128,
                nameservers=["127.0.0.1"],
                extra_addresses=["192.168.133.7/17", "2001:db8:7::8/128"],
            ),
            Proxy("edge2", ipv4="203.0.113.9", floating=True, ipv6="2001:db8::9", hostname="mx2.bücher.example"),
        ],
        "internal": Internal(
            "home",
            lan_admin_cidrs=["192.168.3.0/24"],
            docker_subnet="172.30.5.0/24",
            backup=Backup("/mnt/backups"),
            ipv4="192.168.3.20",
            gateway="192.168.3.1",
            nameservers=["192.168.3.1"],
            card="enp2s0",
        ),
        "domains": [
            Domain("bücher.example", mailboxes=[Mailbox("jürgen".replace("ü", "ue"), name="Jürgen \"${J}\" ''")])
        ],
        "admin_keys": [],
    }
    return Topology(**{**values, **changes})


def ipv4_only_topology() -> Topology:
    """One proxy without IPv6, names and networks of its own, nothing optional."""
    return Topology(
        hostname="mx.post.example",
        proxies=[Proxy("vps", ipv4="198.51.100.20")],
        internal=Internal("cellar", docker_subnet="172.29.9.0/24"),
        domains=[Domain("post.example", mailboxes=[Mailbox("a")])],
    )


def test_the_hosts_in_the_repository_are_the_example_as_it_is_emitted_now(plan: Plan) -> None:
    committed = {
        f"/{path.relative_to(REPOSITORY)}": path.read_bytes()
        for path in (REPOSITORY / "hosts").rglob("*")
        if path.is_file()
    }
    assert committed == {f.path: f.data for f in machines(plan)}, "run tests/nixos/regenerate.py, and read its diff"


def test_the_texts_of_the_vm_check_in_the_repository_are_what_mailnix_writes_now(plan: Plan) -> None:
    written = {file.path: file.data for file in regenerate.exchange(plan)}
    folder = REPOSITORY / regenerate.EXCHANGE[1:]
    committed = {
        f"/{path.relative_to(REPOSITORY)}": path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and path.suffix != ".nix"
    }
    assert committed == written, "run tests/nixos/regenerate.py, and read its diff"


def test_the_vm_checks_internet_has_all_that_the_labs_has_but_for_what_is_debians(plan: Plan) -> None:
    left_to_nix = ("/etc/systemd/system/", "/usr/lib/mailnix-internet/", "/etc/sysusers.d/", "/etc/tmpfiles.d/")
    debians = {"/etc/hostname", "/etc/hosts", "/etc/resolv.conf", "/etc/mailname", "/etc/default/named", TIMEOUTS.path}
    lab = {entry.path for entry in lab_internet(plan).entries}
    here = {file.path for file in internet_files(plan)} - {FACTS}
    assert here < lab
    assert {path for path in lab - here if not path.startswith(left_to_nix)} == debians | {PUBLISHED}


def test_every_program_and_unit_of_the_labs_internet_is_on_the_vm_checks_too(plan: Plan) -> None:
    text = (REPOSITORY / regenerate.EXCHANGE[1:] / "internet.nix").read_text()
    for entry in lab_internet(plan).entries:
        if entry.path.startswith("/usr/lib/mailnix-internet/"):
            assert f'(program "{entry.path.rpartition("/")[2]}")' in text
        if entry.path.startswith("/etc/systemd/system/mailnix-internet"):
            unit = entry.path.rpartition("/")[2].rpartition(".")[0]
            # Servers of DHCP are made there for the bridges that the facts name.
            assert (f'"{leases.STEM}${{bridge}}"' if unit.startswith(leases.STEM) else unit) in text
    for unit in INTERNET_UNITS:
        assert f"    {unit.removesuffix('.service')} = {{" in text


def test_emission_is_the_same_every_time(plan: Plan) -> None:
    assert emit(plan, copied()) == emit(derive(load(EXAMPLE)), copied())


def test_every_nix_file_of_the_project_parses(nix: Nix) -> None:
    files = [path for path in REPOSITORY.rglob("*.nix") if not {".venv", "node_modules"} & set(path.parts)]
    assert files
    nix.parse(*files)


@pytest.mark.parametrize("topology", [None, other_topology()], ids=["example", "two proxies, Unicode"])
def test_every_emitted_nix_file_parses(nix: Nix, tmp_path: Path, plan: Plan, topology: Topology | None) -> None:
    tree = emit(plan if topology is None else derive(topology), copied()).files
    written = [tmp_path / file.path[1:].replace("/", "-") for file in tree if file.path.endswith(".nix")]
    for path, file in zip(written, (f for f in tree if f.path.endswith(".nix")), strict=True):
        path.write_bytes(file.data)
    assert len(written) >= 3
    nix.parse(*written)


def test_lines_of_emitted_nix_have_no_trailing_space(plan: Plan) -> None:
    for file in emit(plan, copied()).files:
        if file.path.endswith(".nix"):
            assert not re.search(r"[ \t]+$", file.data.decode(), re.MULTILINE), file.path


def test_the_flake_quotes_what_it_is_given(nix: Nix, plan: Plan) -> None:
    text = flake(plan, Reference('path:/odd "${place}"'))
    assert nix.eval(f"({text}).inputs.mailnix.url") == 'path:/odd "${place}"'


def test_no_option_is_defined_twice(plan: Plan) -> None:
    for host in plan.hosts:
        paths = [path for path, _ in definitions(host, plan)]
        assert len(paths) == len(set(paths))


def test_emitting_a_topology_is_quick(plan: Plan) -> None:
    began = time.perf_counter()
    emit(plan, copied())
    large = Topology(
        hostname="mail.example.org",
        proxies=[Proxy("proxy", ipv4="203.0.113.10")],
        internal=Internal("internal"),
        domains=[Domain(f"d{n}.example", mailboxes=[Mailbox(f"m{k}") for k in range(10)]) for n in range(1000)],
    )
    emit(derive(large), copied())
    # The goals are 0.5 s and 3 s; what is asserted here only catches something quadratic on a busy machine.
    assert time.perf_counter() - began < 30


def definitions(host: Any, plan: Any) -> Iterator[tuple[str, Any]]:
    """Every option that a host sets, as (dotted path down to the leaf, value)."""
    for part in hosts.parts(plan, host):
        for entry in part.options:
            yield from _leaves(".".join(entry.path), entry.value)


def _leaves(path: str, value: Any) -> Iterator[tuple[str, Any]]:
    match value:
        case Apply(function="lib.mkDefault" | "lib.mkForce", arguments=(inner,)):
            yield from _leaves(path, inner)
        case Attrs(entries=entries):
            for entry in entries:
                yield from _leaves(".".join([path, *entry.path]), entry.value)
        case dict() if value:
            for name, inner in value.items():
                yield from _leaves(f"{path}.{name}", inner)
        case _:
            yield path, value
