"""The tunnel heals: with `wg`, `getent` and what they answer played, look after look."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from attrs import define

from mailnix import Family, Proxy, Tunnel
from mailnix.formats.debian_part import DebianPart
from mailnix.plan import Plan, derive
from mailnix.run import run
from mailnix.services.wireguard import units
from mailnix.services.wireguard.debian import debian
from tests.descriptions import PUBLIC4, PUBLIC6, sound

SCRIPTS = Path(units.__file__).parent / "templates"
DOWN = 3  # looks, with the default keepalive

WG = """
case "$1 $3" in
"show latest-handshakes") [ -e "$PLAYED/handshake" ] && printf 'KEY=\\t%s\\n' "$(cat "$PLAYED/handshake")" ;;
"show endpoints") printf 'KEY=\\t%s\\n' "$(cat "$PLAYED/endpoint")" ;;
showconf*) [ ! -e "$PLAYED/silent" ] || exit 1; echo "its configuration" ;;
setconf*) echo "wg $* <- $(cat "$3")" >>"$PLAYED/log" ;;
set*)
    echo "wg $*" >>"$PLAYED/log"
    [ "$3" != peer ] || echo "$6" >"$PLAYED/endpoint"
    ;;
esac
"""
GETENT = 'cat "$PLAYED/$1" 2>/dev/null || exit 2'


@define
class Home:
    """A machine's programs, played: what they answer stands in files."""

    folder: Path

    def answers(self, **files: str) -> Home:
        for name, text in files.items():
            (self.folder / name).write_text(text)
        return self

    def look(self, times: int = 1, *, dials: str = f"wg-proxy ipv4 vpn.example.net 51820 {DOWN}") -> list[str]:
        """Run redial; what was printed the last time."""
        (self.folder / "tunnels").write_text(f"{dials}\n")
        return self._run(times, "redial", self.folder / "tunnels", self.folder)

    def readmit(self, times: int = 1) -> list[str]:
        return self._run(times, "readmit", "wg0", str(units.READMIT_AFTER), self.folder)

    def done(self) -> list[str]:
        """What was set since it was asked last."""
        log = self.folder / "log"
        lines = log.read_text().splitlines() if log.exists() else []
        log.write_text("")
        return lines

    def _run(self, times: int, script: str, *words: str | Path) -> list[str]:
        env = {"PATH": f"{self.folder}/bin:{os.environ['PATH']}", "PLAYED": str(self.folder)}
        printed: list[str] = []
        for _ in range(times):
            argv = ["sh", SCRIPTS / f"{script}.sh", *words]
            done = run(argv, env=env, timeout=60)
            assert done.stderr == ""
            printed = done.stdout.splitlines()
        return printed


@pytest.fixture
def home(tmp_path: Path) -> Home:
    programs = tmp_path / "bin"
    programs.mkdir()
    for name, text in {"wg": WG, "getent": GETENT, "timeout": 'shift\n"$@"'}.items():
        (programs / name).write_text(f"#!/bin/sh\n{text}\n")
        (programs / name).chmod(0o755)
    return Home(tmp_path).answers(
        handshake="1000",
        endpoint="203.0.113.10:51820",
        ahostsv4="203.0.113.10 STREAM vpn.example.net\n",
        ahostsv6="2001:db8::10 STREAM vpn.example.net\n",
    )


def test_while_handshakes_come_nothing_is_touched_whatever_the_clock_says(home: Home) -> None:
    for handshake in ("1000", "1120", "50", "4000000000", "4000000120"):
        assert home.answers(handshake=handshake).look(2) == []
    assert home.done() == []


def test_a_tunnel_that_is_down_is_dialled_from_another_port(home: Home) -> None:
    assert home.look(DOWN) == []
    assert home.done() == []
    (line,) = home.look()
    assert line == "<5>mailnix: wg-proxy is down: dialling vpn.example.net anew, every minute"
    assert home.done() == ["wg set wg-proxy peer KEY= endpoint 203.0.113.10:51820", "wg set wg-proxy listen-port 0"]


def test_it_says_that_once_and_goes_on_and_says_when_it_is_over(home: Home) -> None:
    home.look(DOWN + 1)
    home.done()
    assert home.look(5) == []
    assert home.done().count("wg set wg-proxy listen-port 0") == 5
    assert home.answers(handshake="2000").look() == ["<5>mailnix: wg-proxy is up again"]
    assert home.look(DOWN - 1) == []
    assert home.done() == []


def test_a_name_that_has_another_address_is_followed(home: Home) -> None:
    home.look(DOWN)
    home.answers(ahostsv4="198.51.100.7 STREAM vpn.example.net\n198.51.100.7 DGRAM\n")
    printed = home.look()
    assert "<5>mailnix: vpn.example.net is 198.51.100.7:51820 now, for wg-proxy" in printed
    assert home.done()[0] == "wg set wg-proxy peer KEY= endpoint 198.51.100.7:51820"


def test_a_name_that_is_not_known_now_leaves_the_endpoint_and_changes_the_port(home: Home) -> None:
    (home.folder / "ahostsv4").unlink()
    home.look(DOWN + 1)
    assert home.done() == ["wg set wg-proxy listen-port 0"]


def test_a_name_that_was_not_known_at_boot_is_dialled_as_soon_as_it_is(home: Home) -> None:
    home.answers(handshake="0", endpoint="(none)")
    (home.folder / "ahostsv4").unlink()
    assert home.look() == []
    home.answers(ahostsv4="203.0.113.10 STREAM\n").look()
    assert home.done() == ["wg set wg-proxy peer KEY= endpoint 203.0.113.10:51820"]


def test_over_ipv6_the_name_is_looked_up_there(home: Home) -> None:
    home.look(dials=f"wg-proxy ipv6 vpn.example.net 443 {DOWN}")  # networkd took the other address
    assert home.done() == ["wg set wg-proxy peer KEY= endpoint [2001:db8::10]:443"]
    home.answers(endpoint="[2001:db8::10]:443").look(dials=f"wg-proxy ipv6 vpn.example.net 443 {DOWN}")
    assert home.done() == []


def test_an_ipv4_address_in_ipv6_form_is_none(home: Home) -> None:
    home.answers(ahostsv6="::ffff:203.0.113.10 STREAM vpn.example.net\n")
    home.look(dials=f"wg-proxy ipv6 vpn.example.net 51820 {DOWN}")
    assert home.done() == []


def test_before_there_is_an_interface_nothing_happens(home: Home) -> None:
    (home.folder / "handshake").unlink()
    assert home.look(2 * DOWN) == []
    assert home.done() == []


def test_each_tunnel_is_looked_at_by_itself(home: Home) -> None:
    both = f"wg-a ipv4 a.example.net 51820 1\nwg-b ipv4 b.example.net 51820 {DOWN}"
    home.look(2, dials=both)
    assert {line.split()[2] for line in home.done()} == {"wg-a"}


def test_a_proxy_makes_its_peers_anew_when_nobody_has_called_for_minutes(home: Home) -> None:
    home.readmit(units.READMIT_AFTER)
    assert home.done() == []
    home.readmit()
    assert home.done() == ["wg setconf wg0 /dev/stdin <- its configuration"]
    home.readmit(units.READMIT_AFTER - 1)
    assert home.done() == []
    home.readmit()
    assert len(home.done()) == 1


def test_a_proxy_that_cannot_read_them_keeps_them(home: Home) -> None:
    """An empty configuration would take the interface its key and its peer."""
    home.answers(silent="").readmit(units.READMIT_AFTER + 1)
    assert home.done() == []


def test_a_proxy_leaves_a_tunnel_alone_that_is_up(home: Home) -> None:
    for handshake in ("1000", "1120", "50"):
        home.answers(handshake=handshake).readmit(2)
    assert home.done() == []


def written(part: DebianPart) -> dict[str, str]:
    return {entry.path: getattr(entry, "content", "") for entry in part.entries}


def test_the_machine_at_home_dials_what_the_plan_says(two_proxies: Plan) -> None:
    texts = written(debian(two_proxies, two_proxies.internal))
    lines = [line.split() for line in texts["/etc/mailnix/tunnels"].splitlines()]
    assert [line[0] for line in lines] == ["wg-east", "wg-west"]
    assert {(line[1], line[3], line[4]) for line in lines} == {("ipv4", "51820", str(DOWN))}
    assert [line[2] for line in lines] == [str(link.endpoint) for link in two_proxies.tunnels]
    assert "/usr/lib/mailnix/redial /etc/mailnix/tunnels" in texts["/etc/systemd/system/mailnix-redial.service"]


def test_a_name_and_the_family_are_handed_on() -> None:
    proxy = Proxy("proxy", PUBLIC4, PUBLIC6, endpoint="vpn.example.net")
    plan = derive(sound(proxies=[proxy], tunnel=Tunnel(over=Family.IPV6, port=443, keepalive=120)))
    assert units.dials(plan.internal) == "wg-proxy ipv6 vpn.example.net 443 5\n"


def test_only_home_dials_and_only_a_proxy_readmits(plan: Plan) -> None:
    timers = {
        host.name: [w.unit for w in debian(plan, host).wanted if w.unit.endswith(".timer")] for host in plan.hosts
    }
    assert timers == {"proxy": ["mailnix-readmit.timer"], "internal": ["mailnix-redial.timer"]}


def test_every_program_that_a_unit_starts_is_there(plan: Plan) -> None:
    for host in plan.hosts:
        texts = written(debian(plan, host))
        started = [
            word
            for path, text in texts.items()
            for line in text.splitlines()
            if path.endswith(".service") and line.startswith("ExecStart=")
            for word in line.removeprefix("ExecStart=").split()
            if word.startswith(("/usr/lib/mailnix/", "/etc/mailnix/"))
        ]
        assert started
        assert set(started) <= set(texts)
