"""What machines answer becomes values that are equal where the machines are; samples are real output, cut short."""

from __future__ import annotations

import io
import json
import tarfile
from typing import Any

import pytest

from mailnix.services.haraka.values import SECRET_FILE
from tests.parity.facts import Values
from tests.parity.kinds import accounts, files, firewall, kernel, network, programs, sockets
from tests.parity.kinds.words import told

FIREWALL: dict[str, Any] = {
    "nftables": [
        {"metainfo": {"version": "1.1.3"}},
        {"table": {"family": "inet", "name": "mailnix", "handle": 1}},
        {
            "set": {
                "family": "inet",
                "name": "smtp4",
                "table": "mailnix",
                "type": "ipv4_addr",
                "handle": 4,
                "size": 65536,
                "flags": ["timeout", "dynamic"],
                "timeout": 120,
                "elem": [{"elem": {"val": "198.51.100.25", "expires": 34}}],
            }
        },
        {"chain": {"family": "inet", "table": "mailnix", "name": "input", "handle": 9, "policy": "drop"}},
        {
            "rule": {
                "family": "inet",
                "table": "mailnix",
                "chain": "input",
                "handle": 30,
                "expr": [{"counter": {"packets": 3, "bytes": 200}}, {"accept": None}],
            }
        },
    ]
}


def test_a_port_has_the_program_behind_it() -> None:
    line = '{} LISTEN 0 511 {} *:* users:(("MainThread",pid=645,fd=26))\n'
    found = sockets.read((line.format("tcp", "*:25") * 2 + "udp UNCONN 0 0 0.0.0.0:51820 0.0.0.0:*\n").encode())
    assert found == {"tcp *:25": "MainThread", "udp 0.0.0.0:51820": "kernel"}


def test_a_port_that_the_kernel_gave_is_any() -> None:
    found = sockets.read(b'tcp LISTEN 0 9 127.0.0.1:39995 0.0.0.0:* users:(("containerd",pid=1,fd=2))\n')
    assert found == {"tcp 127.0.0.1:any": "containerd"}


def test_a_ruleset_is_the_same_whatever_traffic_there_was() -> None:
    found = firewall.read(json.dumps(FIREWALL).encode())
    rule = FIREWALL["nftables"][-1]["rule"]
    later = json.loads(
        json.dumps(FIREWALL).replace('"packets": 3', '"packets": 90').replace("198.51.100.25", "1.2.3.4")
    )
    assert firewall.read(json.dumps(later).encode()) == found
    assert found["inet mailnix chain input rule 1"] == '[{"counter": null}, {"accept": null}]'
    assert '"policy": "drop"' in found["inet mailnix chain input"]
    assert rule["handle"] not in found.values()


def test_a_rule_more_is_seen() -> None:
    more = {"nftables": [*FIREWALL["nftables"], FIREWALL["nftables"][-1]]}
    found = firewall.read(json.dumps(more).encode())
    assert set(found) - set(firewall.read(json.dumps(FIREWALL).encode())) == {"inet mailnix chain input rule 2"}


def test_rules_of_containers_are_the_same_in_whatever_order_they_started() -> None:
    place = {"family": "ip", "table": "nat", "chain": "DOCKER", "handle": 1}
    rules = [{"rule": {**place, "expr": [{"dnat": {"port": port}}]}} for port in (25, 143)]
    there = firewall.read(json.dumps({"nftables": rules[::-1]}).encode())
    assert firewall.read(json.dumps({"nftables": rules}).encode()) == there
    ours = json.loads(json.dumps(rules).replace('"ip"', '"inet"'))
    assert firewall.read(json.dumps({"nftables": ours}).encode()) != firewall.read(
        json.dumps({"nftables": ours[::-1]}).encode()
    )


def test_a_route_says_by_which_way_and_how_good_it_is() -> None:
    route = {"dst": "default", "gateway": "203.0.113.1", "dev": "ens4", "protocol": "dhcp", "metric": 1024, "flags": []}
    sixth = {"dst": "default", "gateway": "fe80::1:2ff:fe03:4", "dev": "ens4", "protocol": "ra", "metric": 1024}
    assert network.routes(json.dumps([[route], [sixth]]).encode()) == {
        "ipv4 main unicast default ens4": "gateway 203.0.113.1, metric 1024, protocol dhcp",
        "ipv6 main unicast default ens4": "gateway link-local, metric 1024, protocol ra",
    }


def test_rules_are_those_of_both_families() -> None:
    rule = {"priority": 100, "src": "all", "fwmark": "0x6d01", "table": "27901"}
    found = network.rules(json.dumps([[rule], [rule]]).encode())
    assert found["ipv4 100"] == found["ipv6 100"] == '{"fwmark": "0x6d01", "src": "all", "table": "27901"}'


def test_of_a_tunnel_no_key_is_asked_for() -> None:
    (command,) = (question.command for question in network.QUESTIONS if question.kind == "tunnel")
    assert "print" in command
    assert not any(f"print {column}" in command for column in ("$2", "$3"))
    assert network.tunnels(b"wg0 own:a key, port 51820, mark off\n") == {"wg0 own": "a key, port 51820, mark off"}
    assert network.tunnels(b"wg0 peer:a key, from 192.0.2.1:1025, x\n") == {"wg0 peer": "a key, from 192.0.2.1:any, x"}
    there = network.tunnels(b"wg0 own:a key, port 45101, mark off\nwg0 peer:a key, from 192.0.2.1:54571, 10.0.0.1/32\n")
    assert there == {"wg0 own": "a key, port any, mark off", "wg0 peer": "a key, from 192.0.2.1:any, 10.0.0.1/32"}


def test_settings_of_the_kernel_are_those_that_stay() -> None:
    found = kernel.read(b"net.ipv4.ip_forward = 1\nkernel.random.uuid = 1-2\nnet.ipv4.conf.vethab1.rp_filter = 0\n")
    assert found == {"net.ipv4.ip_forward": "1"}


def test_users_are_told_without_their_numbers() -> None:
    said = (
        "user:haraka-in:x:{0}:{0}:Haraka:/:/usr/sbin/nologin\ngroup:haraka-in:x:{0}:\npassword:haraka-in:none lets in\n"
    )
    found = accounts.read(said.format(998).encode())
    assert found == accounts.read(said.format(101).encode())
    assert found["user haraka-in"] == "a system's, group haraka-in, home /, shell nologin"
    assert found["password haraka-in"] == "none lets in"


def test_a_mode_is_told_with_its_owner_and_a_link_without() -> None:
    found = files.modes(b"700 root root d /etc/credstore\n777 root root l /etc/ssh/x\n640 root haraka f /run/a b\n")
    assert found == {
        "/etc/credstore": "folder 0700 root:root",
        "/etc/ssh/x": "link",
        "/run/a b": "file 0640 root:haraka",
    }


def test_no_secret_is_asked_for() -> None:
    (command,) = (question.command for question in files.QUESTIONS if question.kind == "text")
    for name in (SECRET_FILE, "redis.conf", "*sql*", "*password*"):
        assert f"--exclude={name}" in command
    assert "DBPASS" in files.OF_MAILCOW.command
    assert "(secret)" in files.OF_MAILCOW.command


def test_settings_say_the_same_in_any_order() -> None:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        for name, text in (("a.ini", b"; why\nb=2\na=1\n\n[m]\nd=4\nc=3\n"), ("b.ini", b"a=1\nb=2\n[m]\nc=3\nd=4")):
            member = tarfile.TarInfo(name)
            member.size = len(text)
            archive.addfile(member, io.BytesIO(text))
    found = files.texts(packed.getvalue())
    assert found["/a.ini"] == found["/b.ini"] == "a=1\nb=2\n[m]\nc=3\nd=4"


def test_an_address_of_a_container_says_nothing_and_one_of_the_machine_does() -> None:
    place = {"family": "ip", "table": "nat", "chain": "DOCKER", "handle": 1}

    def ruleset(machine: str, container: str) -> Values:
        dnat = {"dnat": {"addr": container, "port": 25}}
        match = {"match": {"op": "==", "left": {"payload": {"protocol": "ip", "field": "daddr"}}, "right": machine}}
        return firewall.read(json.dumps({"nftables": [{"rule": {**place, "expr": [match, dnat]}}]}).encode())

    assert ruleset("10.83.119.2", "172.22.1.253") == ruleset("10.83.119.2", "172.22.1.3")
    assert ruleset("10.83.119.2", "172.22.1.253") != ruleset("0.0.0.0", "172.22.1.253")
    assert ruleset("10.83.119.2", "172.22.1.253") != ruleset("10.83.119.2", "172.22.9.253")


def test_texts_are_read_from_an_archive() -> None:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        member = tarfile.TarInfo("run/haraka-in/config/me")
        member.size = 5
        archive.addfile(member, io.BytesIO(b"name\n"))
    assert files.texts(packed.getvalue()) == {"/run/haraka-in/config/me": "name"}


def test_a_variable_of_mailcow_is_its_value_however_it_is_quoted() -> None:
    assert files.settings(b"# no\nTZ='Etc/UTC'\nHTTP_PORT=8080\n") == {"TZ": "Etc/UTC", "HTTP_PORT": "8080"}


def test_sshd_says_what_it_does() -> None:
    assert programs.sshd(b"port 22\nhostkey /a\nhostkey /b\n") == {"port": "22", "hostkey": "/a /b"}


def test_each_leaf_of_caddys_configuration_counts() -> None:
    found = programs.caddy(b'{"apps": {"http": {"servers": [{"listen": [":443"]}]}}}')
    assert found == {"/apps/http/servers/0/listen/0": ":443"}


def test_unbounds_settings_are_the_same_however_they_are_laid_out() -> None:
    debian = b'server:\n  interface: 127.0.0.1\n  num-threads: 1\ninclude-toplevel: "/etc/x/*.conf"\n'
    assert programs.unbound(debian) == programs.unbound(b"server:\n  num-threads: 1 # few\n  interface: 127.0.0.1\n")


def test_the_last_word_counts_in_systemds_own_files() -> None:
    journald = "# /etc/systemd/journald.conf\n[Journal]\nSystemMaxUse=1G\n"
    more = "# /usr/lib/systemd/journald.conf.d/ours.conf\n[Journal]\nSystemMaxUse=200M\n"
    found = programs.managers(f"{journald}{more}# /a/systemd/logind.conf\nA=false\n".encode())
    assert found == {"journald SystemMaxUse": "200M", "logind A": "no"}


@pytest.mark.parametrize(
    "text",
    [
        "/usr/bin/docker compose up",
        "/nix/store/bp3nwpv8m2rr2fda1zsqn9fs68y93iqv-docker-29.6.0/bin/docker compose up",
        "/run/current-system/sw/bin/docker compose up",
    ],
)
def test_a_program_is_the_same_wherever_it_lies(text: str) -> None:
    assert told(text) == "docker compose up"


def test_a_file_of_the_store_has_its_name() -> None:
    store = "/nix/store/a2bhl74v5d0mlryz6i312wihc6b9zr2s"
    assert told(f"{store}-bash-5.3/bin/bash {store}-redial.sh {store}-tunnels") == "bash STORE:redial.sh STORE:tunnels"
    assert told(f'"{store}-x/lib/y" {store}-z') == '"STORE/lib/y" STORE:z'


def test_a_path_that_is_no_programs_stays() -> None:
    assert told("caddy run --config /etc/caddy/Caddyfile") == "caddy run --config /etc/caddy/Caddyfile"
