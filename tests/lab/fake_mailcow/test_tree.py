"""The tree is laid and set up by the same programs as Mailcow's own, so it must fit what they write and start."""

from __future__ import annotations

import re

import pytest

from mailnix.image.images_disk import LABEL
from mailnix.lab.fake_mailcow.archive import programs
from mailnix.lab.fake_mailcow.build import PACKAGES, tree
from mailnix.lab.fake_mailcow.guest.api.server import DATABASE
from mailnix.model.clientport import KNOWN, OFFERED, ClientPort
from mailnix.run import run
from mailnix.services.mailcow.guest.backup import SCRIPT
from mailnix.services.mailcow.guest.backups import DATASETS

COMPOSE = tree()["docker-compose.yml"].decode()
MAIN = tree()["data/conf/postfix/main.cf"].decode()
SERVICES = ("postfix", "dovecot", "nginx", "redis", "rspamd")


@pytest.mark.parametrize("service", SERVICES)
def test_services_have_mailcows_names_and_a_program(service: str) -> None:
    assert f"\n  {service}-mailcow:\n" in COMPOSE
    assert f'command: ["/fake-mailcow/{service}.sh"]' in COMPOSE
    assert f"{service}.sh" in programs()


@pytest.mark.parametrize("variable", ["SMTP", "HTTP", "HTTPS"])
def test_ports_come_from_mailcow_conf(variable: str) -> None:
    assert re.search(rf'"(\$\{{{variable[:5]}\w*_BIND:-\}}:)?\$\{{{variable}_PORT:-\d+\}}:', COMPOSE)


@pytest.mark.parametrize("client", KNOWN, ids=lambda client: client.name)
def test_every_port_of_mail_programs_is_published_where_mailcow_conf_says(client: ClientPort) -> None:
    service = COMPOSE.split(f"\n  {client.container}:\n")[1].split("\n\n")[0]
    assert f'- "${{{client.variable}:-{client.port}}}:{client.port}"\n' in service


@pytest.mark.parametrize("client", OFFERED, ids=lambda client: client.name)
def test_a_server_listens_on_every_port_that_is_offered(client: ClientPort) -> None:
    listening = {
        "postfix-mailcow": rf"^{client.variable.removesuffix('_PORT').lower()} +inet ",  # a name of /etc/services
        "dovecot-mailcow": rf"^    port = {client.port}$",
    }
    servers = tree()["data/conf/postfix/master.cf"] + tree()["data/conf/dovecot/dovecot.conf"]
    assert re.search(listening[client.container], servers.decode(), re.MULTILINE)


def test_every_protocol_of_dovecots_has_its_package() -> None:
    """Debian calls what a `service imap-login` needs dovecot-imapd, and so on."""
    services = re.findall(r"^service ([a-z]+?)(?:-login)? \{", tree()["data/conf/dovecot/dovecot.conf"].decode(), re.M)
    assert {"imap", "lmtp"} <= {*services}
    assert {f"dovecot-{service}d" for service in services if service != "auth"} <= {*PACKAGES}


def test_usr_is_the_disk_that_the_image_came_on() -> None:
    assert f"device: /dev/disk/by-label/{LABEL}" in COMPOSE
    assert "o: ro" in COMPOSE


def test_what_people_override_comes_last_in_main_cf() -> None:
    assert MAIN.rstrip().endswith("# Overrides #")
    assert MAIN.count("Overrides") == 1


def test_every_lookup_of_main_cf_exists_and_reads_the_apis_database() -> None:
    names = set(re.findall(r"sqlite:/opt/postfix/conf/sql/(\w+\.cf)", MAIN))
    there = {path.removeprefix("postfix/"): text for path, text in programs().items() if path.startswith("postfix/")}
    assert names == set(there)
    assert all(f"dbpath = {DATABASE}\n".encode() in text for text in there.values())
    assert f"DATABASE={DATABASE}\n".encode() in programs()["common.sh"]


def test_clients_are_trusted_as_mailcow_trusts_them() -> None:
    assert "mynetworks_style = subnet\n" in MAIN
    assert "\nmynetworks =" not in MAIN
    assert "smtpd_authorized_xclient_hosts" not in MAIN


def test_its_backup_has_the_words_and_archives_of_mailcows_own() -> None:
    script = tree()[SCRIPT].decode()
    volumes = set(re.findall(r"^  ([a-z]+)-vol-1:", COMPOSE, re.MULTILINE))
    packed = {dataset for dataset in DATASETS if dataset.volume.removesuffix("-vol-1") in volumes}
    assert {dataset.volume for dataset in DATASETS} - {dataset.volume for dataset in packed} == {"crypt-vol-1"}
    for dataset in packed:
        name = dataset.archive.removeprefix("backup_")
        assert re.search(rf"pack \S+ {dataset.top}( {name})?( ;;&)?$", script, re.MULTILINE), dataset
    assert run(["bash", "-n"], stdin=script.encode(), check=False).stderr == ""


@pytest.mark.parametrize("path", sorted(path for path in programs() if path.endswith(".sh")))
def test_entry_points_are_shell(path: str) -> None:
    text = programs()[path]
    assert run(["sh", "-n"], stdin=text, check=False).stderr == ""
    if path != "common.sh":
        assert text.startswith(b"#!/bin/sh\n")
