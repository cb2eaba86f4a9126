"""Machines that a tunnel ties together: it changes at both ends, or at none."""

from __future__ import annotations

import pytest

from mailnix import Internal, Proxy, Tunnel
from mailnix.deploy.deploying import Failed, deploy
from mailnix.deploy.machine import Busy, Unreached
from mailnix.deploy.values import End
from mailnix.errors import DeployError
from mailnix.plan import derive
from tests.deploy.machines import Stage, ends, generations
from tests.descriptions import sound


class TestATunnelThatChanges:
    """Both ends, or none."""

    @pytest.fixture
    def changed(self, stage: Stage) -> Stage:
        stage.plan = derive(sound(tunnel=Tunnel(port=51999)))
        stage.packages.digests |= {"internal": "another port", "proxy": "another port"}
        return stage

    def test_is_switched_on_both_before_either_is_confirmed(self, changed: Stage) -> None:
        done: list[str] = []
        for host, machine in changed.machines.items():
            machine.on_call = lambda verb, host=host: done.append(f"{host} {verb}")  # type: ignore[misc]
        deploy(changed.deploying())
        steps = [step for step in done if step.split()[1] in ("switch", "extend", "confirm")]
        assert steps == [
            "internal switch 2", "proxy switch 2", "internal extend 2", "proxy extend 2",
            "internal confirm 2", "proxy confirm 2",
        ]  # fmt: skip

    @pytest.mark.parametrize("host", ["proxy", "internal"])
    def test_is_confirmed_though_one_connection_times_out_at_the_very_end(self, changed: Stage, host: str) -> None:
        changed[host].lost = {"extend"}
        assert set(ends(deploy(changed.deploying())).values()) == {End.CONFIRMED}

    @pytest.mark.parametrize("named", ["proxy", "internal"])
    def test_is_refused_where_one_machine_alone_is_named(self, changed: Stage, named: str) -> None:
        with pytest.raises(DeployError, match=r"the tunnel to proxy changes \(its port\)") as caught:
            deploy(changed.deploying(named))
        assert caught.value.hint == "deploy them together: mailnix deploy mail.py internal proxy"
        assert changed.calls("receive") == []

    def test_is_taken_back_on_both(self, changed: Stage) -> None:
        changed["internal"].answers = lambda question: (
            (False, "no handshake yet") if changed["internal"].pending and question[0] == "handshake" else (True, "220")
        )
        with pytest.raises(Failed, match="the tunnel's handshake") as caught:
            deploy(changed.deploying())
        assert ends(caught.value.report) == {"internal": End.BACK, "proxy": End.BACK}
        assert generations(changed) == {"proxy": 1, "internal": 1}

    def test_is_taken_back_by_one_end_though_the_other_is_busy(self, changed: Stage) -> None:
        def busy(verb: str) -> None:
            if verb == "back":
                raise Busy("a generation is being installed or taken back just now")

        changed["proxy"].on_call = busy
        changed["internal"].answers = lambda question: (
            question[0] != "handshake" or not changed["internal"].pending,
            "",
        )
        with pytest.raises(Failed, match="the tunnel's handshake") as caught:
            deploy(changed.deploying())
        assert ends(caught.value.report) == {"internal": End.BACK, "proxy": End.BACK}
        assert "back" in changed["internal"].calls
        assert generations(changed) == {"proxy": 1, "internal": 1}

    def test_may_cut_off_home_until_the_proxy_has_changed_too(self, changed: Stage) -> None:
        changed["internal"].lost = {"switch"}

        def off(_verb: str) -> None:
            if changed["internal"].pending and not changed["proxy"].pending and not changed["proxy"].current == 2:
                raise Unreached("root@internal is not reached: no route to host")

        changed["internal"].on_call = off
        assert set(ends(deploy(changed.deploying())).values()) == {End.CONFIRMED}

    def test_is_told_to_home_before_the_proxy_takes_its_way_away(self, changed: Stage) -> None:
        """Busy emulated machines met it: home never heard of the change, and after the proxy's nobody got there."""
        internal, proxy, deaf = changed["internal"], changed["proxy"], ["switch 2", "status"]

        def far(verb: str) -> None:
            if internal.pending is None and (proxy.pending is not None or proxy.current == 2):
                raise Unreached("root@internal is not reached: no route to host")
            if "switch 2" in internal.calls and deaf and verb == deaf[0]:
                del deaf[0]
                raise Unreached("root@internal is not reached: connection timed out during banner exchange")

        internal.on_call = far
        assert set(ends(deploy(changed.deploying())).values()) == {End.CONFIRMED}
        assert internal.calls.count("switch 2") == 2

    def test_by_its_keys_is_one_that_changes(self, stage: Stage) -> None:
        end = stage.plan.tunnels[0].proxy
        stage.secrets["proxy"] = {end.private_key: b"another"}
        stage.secrets["internal"][stage.plan.tunnels[0].internal.peer_public_key] = b"another"
        with pytest.raises(DeployError, match=r"changes \(its keys\)"):
            deploy(stage.deploying("proxy"))
        deploy(stage.deploying())
        assert generations(stage) == {"proxy": 2, "internal": 2}


def test_another_proxys_tunnel_is_left_in_peace(stage: Stage) -> None:
    proxies = [Proxy("proxy", ipv4="5.9.100.1", ipv6="2a01:4f8:10::1"), Proxy("second", ipv4="5.9.200.1")]
    bigger = Stage(stage.folder, plan=derive(sound(proxies=proxies)), clock=stage.clock, packages=stage.packages)
    bigger.machines |= stage.machines
    bigger.packages.digests |= {"internal": "two tunnels", "second": "new"}
    report = deploy(bigger.deploying())
    assert ends(report)["second"] is End.CONFIRMED
    assert [line for line in bigger.heard if "switching" in line] == [
        "internal: switching to generation 2",
        "second: switching to generation 1",
    ]


def test_home_is_reached_by_the_address_that_its_tunnel_has_now(stage: Stage) -> None:
    before = stage.plan.internal.ipv4
    stage.plan = derive(sound(internal=Internal("internal", ssh_via_proxy=True), tunnel=Tunnel(subnet="10.99.0.0/24")))
    deploy(stage.deploying(dry_run=True))
    assert (f"root@{before}", "root@5.9.100.1") in [(way.target, way.jump) for way in stage["internal"].ways]
