"""What a machine gets for a key of its own, on both systems, and that it gets nothing without one."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import pytest

from mailnix import Proxy
from mailnix.debian.host import DebianHost, debian_hosts
from mailnix.model import acme
from mailnix.nixos.host import files
from mailnix.plan import Plan, derive
from mailnix.plan.credentials import DANE_KEY, DANE_NEXT
from mailnix.services.activation.names import LIST
from mailnix.services.caddy.render import HOP, caddyfile
from mailnix.services.dane.render import AUTHORITIES, FOLDER, client
from mailnix.services.dane.values import CERTIFICATE, KEY, USER, WEB
from mailnix.tree import File
from tests.nixos.test_emission import definitions
from tests.services.conftest import tool, topology

REPOSITORY = Path(__file__).resolve().parents[3]
SHOW, RENEW, COPY = "mailnix-dane.service", "mailnix-acme.service", "haraka-certificate.service"

TRACES = re.compile(rb"mailnix-dane|mailnix-acme|mailnix[.]dane|dehydrated|dane[.]key")


def machine(plan: Plan) -> DebianHost:
    return debian_hosts(plan)[0]


def text(host: DebianHost, path: str) -> str:
    return host.tree.file(path).data.decode()


def unit(host: DebianHost, name: str) -> list[str]:
    return text(host, f"/etc/systemd/system/{name}").splitlines()


@pytest.fixture
def described() -> Plan:
    return derive(topology(dane=True))


def test_without_it_nothing_of_it_is_emitted(plan: Plan) -> None:
    host = machine(plan)
    emitted = [entry for entry in host.tree if isinstance(entry, File)]
    assert not [entry.path for entry in emitted if TRACES.search(entry.data)]
    assert "dehydrated" not in host.packages
    assert not [file.path for file in files(plan, plan.proxies[0]) if TRACES.search(file.data)]


def test_the_machine_waits_for_the_key_and_knows_of_no_next_one(described: Plan) -> None:
    host = machine(described)
    assert DANE_KEY in text(host, "/usr/lib/mailnix/credentials").splitlines()
    assert not [e.path for e in host.tree if isinstance(e, File) and DANE_NEXT.encode() in e.data]


@pytest.mark.parametrize("name", [SHOW, RENEW])
def test_its_units_are_given_the_key_and_are_nobody_else(described: Plan, name: str) -> None:
    lines = unit(machine(described), name)
    for line in (f"LoadCredential={DANE_KEY}", f"User={USER}", "Requires=mailnix-credentials.service"):
        assert line in lines


@pytest.mark.parametrize("name", [SHOW, RENEW])
def test_its_units_are_shut_in(described: Plan, tmp_path: Path, name: str) -> None:
    for entry in machine(described).tree:
        if isinstance(entry, File):
            path = tmp_path / entry.path[1:]
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(entry.data)
            path.chmod(entry.mode)
    command = [tool("systemd-analyze"), "security", "--offline=true", f"--root={tmp_path}", "--threshold=25", name]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, (done.stdout[-200:], done.stderr)


def test_the_key_is_shown_before_harakas_take_it_and_a_pushed_one_at_once(described: Plan) -> None:
    host = machine(described)
    lines = unit(host, SHOW)
    assert f"After={SHOW}" in unit(host, COPY)
    assert "RemainAfterExit=yes" in lines  # or a push, which restarts what runs, would pass it by
    assert f"Wants={RENEW}" in lines
    watched = unit(host, "haraka-certificate.path")
    assert {f"PathChanged={CERTIFICATE}", f"PathChanged={KEY}"} <= {*watched}
    (copying,) = (line for line in unit(host, COPY) if line.startswith("ExecStart="))
    assert f" {CERTIFICATE} {KEY} mail.example.org /run/haraka-certificate " in copying


def test_harakas_take_another_certificate_as_soon_as_it_is_another_file(described: Plan, plan: Plan) -> None:
    """Where the key is switched on a second time, or off, its file does not change, which is all that a path unit sees.

    The path unit's text does change, and so it is restarted.
    """
    on, off = (machine(each).tree.file("/etc/systemd/system/haraka-certificate.path") for each in (described, plan))
    assert on != off
    assert f"Wants={COPY}" in str(on.content).splitlines()
    assert f"Wants={COPY}" in str(off.content).splitlines()
    read_by = json.loads(machine(described).tree.file(LIST).data)["read_by"]
    assert read_by[on.path]["haraka-certificate.path"] == "restart"


def test_an_authority_that_does_not_answer_is_no_failed_unit(described: Plan) -> None:
    """A failed one would take a deployment back; and the name may lead elsewhere until it has succeeded."""
    assert "SuccessExitStatus=TEMPFAIL" in unit(machine(described), RENEW)


def test_what_is_seen_to_run_is_what_stays(described: Plan) -> None:
    host = machine(described)
    wanted = json.loads(host.tree.file(LIST).data)["wanted"]
    assert {SHOW, "mailnix-acme.timer"} <= {*wanted}
    assert RENEW not in wanted


def test_the_client_asks_the_authority_that_caddy_asks_and_writes_where_caddy_serves(described: Plan) -> None:
    settings = dict(line.split("=", 1) for line in client(described).splitlines())
    assert f"cert_issuer acme {settings['CA']}\n" in caddyfile(described, described.proxies[0])
    assert settings["WELLKNOWN"] == FOLDER == f"{WEB}{acme.CHALLENGES}"
    assert settings["CONTACT_EMAIL"] == described.contact


def test_a_contact_is_one_word_to_a_shell() -> None:
    plan = derive(topology(dane=True, contact="o'brien$(id)@example.org"))
    command = f'{client(plan)}printf %s "$CONTACT_EMAIL"'
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=True)
    assert done.stdout == plan.contact


def test_challenges_of_its_own_are_looked_for_first_and_keys_are_beside_what_is_served() -> None:
    proxies = (
        Proxy("east", ipv4="203.0.113.10", hostname="mx1.example.org"),
        Proxy("west", ipv4="198.51.100.7", hostname="mx2.example.org"),
    )
    plan = derive(topology(*proxies, dane=True))
    caddy = caddyfile(plan, plan.proxies[0])
    assert caddy.index(f"root {WEB}") < caddy.index(f"header {HOP} *") < caddy.index("reverse_proxy")
    assert not Path(KEY).is_relative_to(WEB)
    assert set(re.findall(r"root [*]? ?(\S+)", caddy)) == {WEB}


def test_a_former_host_name_keeps_caddys_certificate() -> None:
    plan = derive(topology(dane=True, former_hostnames=["mx.old.example"]))
    first, second = (line for line in unit(machine(plan), COPY) if line.startswith("ExecStart="))
    assert f" {KEY} mail.example.org " in first
    assert "/mx.old.example/mx.old.example.key mx.old.example " in second


def test_nixos_gets_the_same_settings_and_harakas_the_same_files(described: Plan) -> None:
    proxy = described.proxies[0]
    texts = {file.path: file.data.decode() for file in files(described, proxy)}
    assert texts["/dehydrated.conf"] == client(described)
    given = dict(definitions(proxy, described))
    assert given["mailnix.dane.hostname"] == proxy.hostname
    for instance in ("in", "out"):
        tls = f"services.haraka.instances.{instance}.tls"
        assert (given[f"{tls}.certificate"], given[f"{tls}.key"]) == (CERTIFICATE, KEY)


def test_the_module_names_the_authorities_and_the_folder_as_debian_does() -> None:
    """Two paths that it builds itself."""
    module = (REPOSITORY / "modules/mailnix/dane.nix").read_text()
    assert f"/${{names.web}}{acme.CHALLENGES}" in module
    assert AUTHORITIES[0] in module
    assert "${credentials.nixos_anchors}.crt" in module
