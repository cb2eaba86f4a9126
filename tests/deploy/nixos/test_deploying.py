"""A deploy of machines of NixOS: the client is the one of Debian's, the machines are played."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from attrs import define, evolve, field

from mailnix import Tunnel
from mailnix.deploy.checks import Answer, Question
from mailnix.deploy.deploying import Deploying, Failed, deploy
from mailnix.deploy.machine import Machine
from mailnix.deploy.making import Makers
from mailnix.deploy.nixos.rebuild import Rebuilds
from mailnix.deploy.probe import Probe
from mailnix.deploy.remote import Remote
from mailnix.deploy.rolling import rollback
from mailnix.deploy.values import End
from mailnix.errors import DeployError
from mailnix.formats.backend import Backend
from mailnix.plan import derive
from mailnix.ssh import Way
from mailnix.tree import File, Tree
from tests.deploy.machines import Stage, ends
from tests.deploy.nixos.machine import Network, NixOS
from tests.descriptions import sound

HOME, PROXY = "internal", "proxy"


@define
class Farm:
    """Two machines of NixOS and what is described for each: a word."""

    stage: Stage
    network: Network
    described: dict[str, str] = field(factory=lambda: {HOME: "first", PROXY: "first"})
    asked: list[str] = field(factory=list)

    def __getitem__(self, host: str) -> NixOS:
        return self.network.machines[host]

    def deploying(self, *hosts: str, **changed: Any) -> Deploying:
        remotes = {host: Remote.by(host, [Way(f"root@{host}")], runner=self.network) for host in self.network.machines}
        given = self.stage.deploying(*hosts, **changed)
        maker = Makers(self.stage.packages, self.rebuilds(remotes), lambda host: remotes[host].is_nixos)
        return evolve(given, asking=evolve(given.asking, machines=remotes, maker=maker))

    def rebuilds(self, machines: Mapping[str, Machine]) -> Rebuilds:
        return Rebuilds(
            self.stage.commands, HOME, self.flake, lambda host: machines[host].way, print, runner=self.network
        )

    def flake(self) -> Tree:
        for host, word in self.described.items():
            self.network.builds[host] = self[host].system(f"{host}-{word}")
        return Tree.of(File(f"/hosts/{host}/default.nix", word) for host, word in self.described.items())

    @property
    def runs(self) -> dict[str, tuple[str, str]]:
        return {host: machine.runs for host, machine in self.network.machines.items()}

    def looks(self) -> None:
        """Where somebody waits, the timers' time comes."""
        for machine in self.network.machines.values():
            if machine.timers:
                machine.time_passes()
                machine.look()


def both(word: str) -> dict[str, tuple[str, str]]:
    return {host: (f"{host}-{word}", f"{host}-{word}") for host in (PROXY, HOME)}


@pytest.fixture
def plain(tmp_path: Path) -> Iterator[Farm]:
    """Machines that somebody installed."""
    (tmp_path / "client").mkdir()
    machines = {host: NixOS.fresh(tmp_path / host, host, ours=False) for host in (PROXY, HOME)}
    farm = Farm(Stage(tmp_path / "client"), Network(machines))
    farm.stage.secrets = {PROXY: {"network.wireguard.private.wg0": b"1"}, HOME: {"mailcow.mailboxes": b"{}"}}
    yield farm
    for machine in machines.values():
        machine.end()


@pytest.fixture
def farm(plain: Farm) -> Farm:
    """Machines that run what is described."""
    deploy(plain.deploying())
    for machine in plain.network.machines.values():
        (machine.root / "log").unlink()
    plain.network.calls.clear()
    plain.stage.heard.clear()
    return plain


def test_machines_of_others_become_ours_when_their_owner_agrees(plain: Farm) -> None:
    assert ends(deploy(plain.deploying())) == {HOME: End.CONFIRMED, PROXY: End.CONFIRMED}
    assert plain.runs == both("first")
    assert "NixOS keeps the generation that runs now" in plain.stage.questions[0]
    assert (plain[HOME].root / "etc/credstore/mailcow.mailboxes").read_text() == "{}"


def test_who_does_not_agree_keeps_them(plain: Farm) -> None:
    plain.stage.may_take_over = False
    with pytest.raises(DeployError, match="stays as it is"):
        deploy(plain.deploying())
    assert plain[PROXY].log == []


def test_what_is_as_described_is_neither_built_nor_touched(farm: Farm) -> None:
    assert ends(deploy(farm.deploying())) == {HOME: End.AS_DESCRIBED, PROXY: End.AS_DESCRIBED}
    assert farm.network.calls == []
    assert farm[HOME].log == farm[PROXY].log == []


def test_a_change_is_built_switched_home_first_and_confirmed(farm: Farm) -> None:
    farm.described = {HOME: "more", PROXY: "more"}
    report = deploy(farm.deploying())
    assert [(each.host, each.end, each.before, each.after) for each in report.machines] == [
        (HOME, End.CONFIRMED, 2, 3),
        (PROXY, End.CONFIRMED, 2, 3),
    ]
    assert farm.runs == both("more")
    assert [call[:2] for call in farm.network.calls] == [("nixos-rebuild", "build")] * 2


def test_a_second_terminal_brings_its_own_and_the_first_one_learns_of_it(farm: Farm) -> None:
    farm.described[PROXY] = "second"

    def in_between(command: str) -> None:
        if re.search(r" switch \d+ --within ", command):
            farm[PROXY].on_call = lambda _command: None
            farm.described[PROXY] = "third"
            deploy(farm.deploying())

    farm[PROXY].on_call = in_between
    with pytest.raises(Failed, match=r"another deploy has brought its own generation 3 meanwhile: begin again"):
        deploy(farm.deploying())
    assert farm[PROXY].runs == ("proxy-third", "proxy-third")


def test_a_new_credential_alone_is_brought_without_a_new_number(farm: Farm) -> None:
    farm.stage.secrets[HOME]["mailcow.mailboxes"] = b"{more}"
    report = deploy(farm.deploying())
    assert ends(report) == {HOME: End.CONFIRMED, PROXY: End.AS_DESCRIBED}
    assert (farm[HOME].root / "etc/credstore/mailcow.mailboxes").read_text() == "{more}"
    assert ends(deploy(farm.deploying())) == {HOME: End.AS_DESCRIBED, PROXY: End.AS_DESCRIBED}


def test_a_dry_run_shows_units_and_packages_and_changes_nothing(farm: Farm) -> None:
    farm.described[HOME] = "more"
    would = "printf 'would restart the following units: mailcow-provision.service\\n'"
    farm[HOME].system("internal-more", dry_activate=would)
    (farm[HOME].root / "closures").write_text("caddy: 2.6.2 → 2.10.0, +3.0 KiB\n")
    farm.stage.secrets[HOME]["mailcow.mailboxes"] = b"{more}"
    report = deploy(farm.deploying(dry_run=True))
    changes = report.machines[0].changes
    assert ends(report) == {HOME: End.PLANNED, PROXY: End.AS_DESCRIBED}
    assert changes.units == (("mailcow-provision.service", "restart"),)
    assert changes.upgraded == (("caddy", "2.6.2", "2.10.0"),)
    assert farm.runs == both("first")
    assert not (farm[HOME].root / "run/mailnix-generations/brought/credentials").exists()


def test_what_was_done_is_reported(farm: Farm) -> None:
    farm.described[HOME] = "more"
    did = "printf 'restarting the following units: mailcow-provision.service\\n' >&2"
    farm[HOME].system("internal-more", test=did)
    report = deploy(farm.deploying())
    assert report.machines[0].end is End.CONFIRMED
    assert report.machines[0].changes.units == (("mailcow-provision.service", "restart"),)


def test_who_would_be_locked_out_is_not(farm: Farm) -> None:
    farm.described[PROXY] = "shut"
    (farm[PROXY].system("proxy-shut") / "locks-out").touch()
    farm.stage.clock.on_sleep = farm.looks
    with pytest.raises(
        Failed, match=r"in time; seen last: a new SSH connection to proxy: .*; proxy runs generation 2"
    ) as caught:
        deploy(farm.deploying())
    assert ends(caught.value.report) == {HOME: End.AS_DESCRIBED, PROXY: End.BACK}
    assert farm.runs == both("first")


def test_a_check_that_fails_takes_it_back(farm: Farm) -> None:
    farm.described[PROXY] = "other"
    home = str(farm.stage.plan.internal.ipv4)

    def answers(question: Question) -> Answer:
        broken = farm[PROXY].runs[0] == "proxy-other" and question[1] == home
        return (False, "connection refused") if broken else (True, "220")

    farm[PROXY].answers = answers
    with pytest.raises(Failed, match=r"Mailcow through the tunnel \(proxy\): connection refused"):
        deploy(farm.deploying())
    assert farm.runs == both("first")


def test_a_unit_that_fails_is_named(farm: Farm) -> None:
    farm.described[PROXY] = "broken"
    farm[PROXY].system("proxy-broken", test='echo haraka-in.service >"$MAILNIX_ROOT/failed"; exit 4')
    with pytest.raises(Failed, match=r"taken back: haraka-in\.service: failed"):
        deploy(farm.deploying())
    assert farm.runs == both("first")


def test_power_is_cut_between_the_switch_and_the_confirmation(farm: Farm) -> None:
    farm.described[PROXY] = "other"

    def cut(command: str) -> None:
        if " -I - " in command and farm[PROXY].runs[0] == "proxy-other":
            farm[PROXY].power_cut()

    farm[PROXY].on_call = cut
    with pytest.raises(Failed, match="any more: the machine started anew meanwhile; proxy runs generation 2"):
        deploy(farm.deploying())
    assert farm.runs == both("first")


def port(farm: Farm, number: int) -> None:
    tunnel = Tunnel(port=number)
    farm.stage.plan = derive(evolve(sound(), tunnel=tunnel))
    farm.described = {HOME: f"port-{number}", PROXY: f"port-{number}"}


def test_both_ends_of_a_tunnel_are_tried_before_either_is_confirmed(farm: Farm) -> None:
    port(farm, 51999)
    deploy(farm.deploying())
    assert farm.runs == both("port-51999")
    port(farm, 51998)
    with pytest.raises(DeployError, match="at both ends or not at all"):
        deploy(farm.deploying(PROXY))


def test_both_ends_of_a_tunnel_go_back_together(farm: Farm) -> None:
    port(farm, 51999)
    farm[PROXY].system("proxy-port-51999", before_test="exit 2")
    with pytest.raises(Failed, match="switch-to-configuration ended with 2") as caught:
        deploy(farm.deploying())
    assert ends(caught.value.report) == {HOME: End.BACK, PROXY: End.BACK}
    assert farm.runs == both("first")


def test_a_machine_that_others_brought_up_to_date_changes_its_tunnel_with_the_other_end(farm: Farm) -> None:
    """By colmena, say: it says nothing of its tunnel."""
    for made in farm[PROXY].root.glob("var/lib/mailnix/generations/*"):
        made.unlink()
    (farm[PROXY].root / "usr").mkdir()
    receive = farm[PROXY].root / "usr/lib/mailnix/receive-credentials"
    receive.parent.mkdir(parents=True)
    receive.touch()
    farm.described[HOME] = "more"
    deploy(farm.deploying())
    tried = [host for host in farm.stage.heard if "looking whether" in host]
    assert tried == ["internal: looking whether all is well", "proxy: looking whether all is well"]
    port(farm, 51999)


def test_back_to_the_generation_before(farm: Farm) -> None:
    farm.described[PROXY] = "more"
    deploy(farm.deploying())
    report = rollback(farm.deploying(PROXY), PROXY, None)
    assert ends(report) == {PROXY: End.CONFIRMED}
    assert farm[PROXY].runs == ("proxy-first", "proxy-first")
    assert farm[PROXY].number == 2


def test_without_nixos_rebuild_it_is_said_what_to_install_and_what_to_type(farm: Farm) -> None:
    farm.described[PROXY], farm.network.rebuild = "more", False
    with pytest.raises(DeployError, match="nixos-rebuild is not installed here") as caught:
        deploy(farm.deploying())
    assert "nix profile install nixpkgs#nixos-rebuild-ng" in caught.value.hint
    assert "nixos-rebuild switch --flake ./machines#proxy --target-host root@proxy" in caught.value.hint
    assert farm.runs == both("first")


def test_a_machine_that_must_be_debian_is_refused(farm: Farm) -> None:
    with pytest.raises(DeployError, match="runs NixOS"):
        deploy(farm.deploying(backend=Backend.DEBIAN))


class TestAUserWhoIsRootBySudoAlone:
    """nixos-rebuild copies as him who logs in, and nix takes systems of whom it trusts."""

    def test_is_told_before_anything_is_built_or_sent(self, plain: Farm) -> None:
        plain[PROXY].sudo = "sudo -n"
        with pytest.raises(DeployError, match=r"the nix of proxy \(root@proxy\) takes no system from root") as caught:
            deploy(plain.deploying())
        assert "--to proxy=root@ADDRESS" in caught.value.hint
        assert plain.network.calls == []
        assert plain[PROXY].commands == ["sh -s"]

    def test_is_told_when_he_only_looks(self, plain: Farm) -> None:
        plain[PROXY].sudo = "sudo -n"
        with pytest.raises(DeployError, match="takes no system"):
            deploy(plain.deploying(dry_run=True))

    @pytest.mark.parametrize("trusted", [True, False])
    def test_may_deploy_where_nix_trusts_him_and_go_back_in_any_case(self, tmp_path: Path, *, trusted: bool) -> None:
        stage = Stage(tmp_path)
        found = Probe("nixos", "26.11", "NixOS 26.11", "proxy", "x86_64", True, True, "", False, trusted=True)
        stage[PROXY].found, stage[HOME].found = found, evolve(found, host=HOME)
        assert set(ends(deploy(stage.deploying())).values()) == {End.CONFIRMED}
        stage.packages.digests[PROXY] = "other"
        deploy(stage.deploying())
        stage[PROXY].found = evolve(found, trusted=trusted)
        assert ends(rollback(stage.deploying(), PROXY, None)) == {PROXY: End.CONFIRMED}


def test_a_debian_that_must_be_nixos_is_refused_with_nixos_anywhere(plain: Farm) -> None:
    with pytest.raises(DeployError, match=r"runs Debian GNU/Linux 13 .*, not NixOS") as caught:
        deploy(plain.stage.deploying(backend=Backend.NIXOS))
    assert "nix run github:nix-community/nixos-anywhere -- --flake path:machines#proxy root@proxy" in caught.value.hint


def test_a_machine_of_each_system_at_the_two_ends(farm: Farm) -> None:
    given = farm.deploying()
    remotes = given.asking.machines
    debian = farm.stage[PROXY]
    maker = Makers(farm.stage.packages, farm.rebuilds(remotes), lambda host: host == HOME)
    asking = evolve(given.asking, machines={**remotes, PROXY: debian}, maker=maker)
    farm.described[HOME] = "more"
    report = deploy(evolve(given, asking=asking))
    assert ends(report) == {HOME: End.CONFIRMED, PROXY: End.CONFIRMED}
    assert (farm[HOME].runs[0], debian.current) == ("internal-more", 1)
