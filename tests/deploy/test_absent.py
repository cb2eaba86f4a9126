"""Machines that are not reached, that join, that leave, that are called something else: what becomes of the others."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from attrs import evolve

from mailnix import Internal, Proxy, Tunnel
from mailnix.deploy.deploying import Failed, deploy
from mailnix.deploy.machine import Unreached
from mailnix.deploy.values import End, Ended
from mailnix.errors import DeployError
from mailnix.plan import derive
from tests.deploy.machines import PLAIN, Played, Stage, ends
from tests.descriptions import sound

FIRST = Proxy("proxy", ipv4="5.9.100.1", ipv6="2a01:4f8:10::1")
SECOND = Proxy("second", ipv4="5.9.200.1")
CHANGED = {"internal": "changed", "proxy": "changed", "second": "changed"}


def described(stage: Stage, *proxies: Proxy, **changed: Any) -> None:
    """Another description of the same machines; new ones are plain servers."""
    stage.plan = derive(sound(proxies=proxies, **changed))
    for host in stage.plan.hosts:
        stage.machines.setdefault(host.name, Played(host.name, stage.clock))


def off(machine: Played) -> None:
    def unreached(_verb: str) -> None:
        raise Unreached(f"{machine.way} is not reached: no route to host")

    machine.on_call = unreached


@pytest.fixture
def three(stage: Stage) -> Stage:
    """Home and two proxies, which run what is described."""
    described(stage, FIRST, SECOND)
    stage.packages.digests["internal"] = "two tunnels"
    deploy(stage.deploying())
    for machine in stage.machines.values():
        machine.calls.clear()
    stage.heard.clear()
    return stage


class TestAProxyThatIsSwitchedOff:
    def test_is_passed_by_and_the_others_change(self, three: Stage) -> None:
        three.packages.digests = dict(CHANGED)
        off(three["second"])
        with pytest.raises(Failed, match="second is not reached, and stays as it is") as caught:
            deploy(three.deploying())
        assert ends(caught.value.report) == {
            "internal": End.CONFIRMED, "proxy": End.CONFIRMED, "second": End.UNREACHED
        }  # fmt: skip
        assert caught.value.hint == "once it is back: mailnix deploy mail.py second"

    def test_is_told_of_where_nothing_else_is_to_be_done_and_in_a_dry_run(self, three: Stage) -> None:
        off(three["second"])
        for dry_run in (False, True):
            with pytest.raises(Failed) as caught:
                deploy(three.deploying(dry_run=dry_run))
            assert ends(caught.value.report)["proxy"] is End.AS_DESCRIBED

    def test_keeps_records_back_until_it_knows_of_them(self, three: Stage) -> None:
        described(three, FIRST, SECOND, hostname="mx.example.org")
        three.packages.digests = dict(CHANGED)
        off(three["second"])
        with pytest.raises(Failed) as caught:
            deploy(three.deploying())
        assert (caught.value.report.publish, caught.value.report.remove) == ((), ())
        three["second"].on_call = lambda _verb: None
        report = deploy(three.deploying())
        assert ends(report)["second"] is End.CONFIRMED
        assert any(line.startswith("mx.example.org. A ") for line in report.publish)
        assert any(line.startswith("mail.example.org. A ") for line in report.remove)

    def test_that_was_named_is_waited_for_by_all(self, three: Stage) -> None:
        three.packages.digests = dict(CHANGED)
        off(three["second"])
        with pytest.raises(Unreached):
            deploy(three.deploying("proxy", "second"))
        assert three.calls("switch") == []

    def test_and_the_only_one_too(self, stage: Stage) -> None:
        stage.packages.digests = dict(CHANGED)
        off(stage["proxy"])
        with pytest.raises(Unreached):
            deploy(stage.deploying())
        assert stage.calls("switch") == []

    def test_keeps_its_tunnel_unless_somebody_names_the_others(self, three: Stage) -> None:
        described(three, FIRST, SECOND, tunnel=Tunnel(port=51999))
        three.packages.digests = dict(CHANGED)
        off(three["second"])
        with pytest.raises(
            DeployError, match=r"the tunnel to second changes \(its port\), and second is not reached"
        ) as e:
            deploy(three.deploying())
        assert e.value.hint.endswith("without it: mailnix deploy mail.py internal proxy")
        assert three.calls("receive") == []
        assert ends(deploy(three.deploying("internal", "proxy"))) == {"internal": End.CONFIRMED, "proxy": End.CONFIRMED}


class TestHomeThatIsNotReached:
    @pytest.fixture
    def split(self, stage: Stage) -> Stage:
        """Power was cut between the two confirmations: home has the new tunnel, the proxy the one before."""
        stage.plan = derive(sound(internal=Internal("internal", ssh_via_proxy=True), tunnel=Tunnel(port=51999)))
        stage.packages.digests = {"internal": "changed", "proxy": "changed"}
        proxy = stage["proxy"]
        proxy.last = Ended("x", "back", "it was not confirmed before the machine started again")
        stage["internal"].on_call = self.behind(proxy)
        return stage

    @staticmethod
    def behind(proxy: Played) -> Any:
        def call(_verb: str) -> None:
            if proxy.current != 2:
                raise Unreached("root@internal is not reached: no route to host")

        return call

    def test_because_its_tunnel_is_to_be_mended_is_passed_by(self, split: Stage) -> None:
        with pytest.raises(Failed, match="internal is not reached") as caught:
            deploy(split.deploying())
        assert ends(caught.value.report) == {"internal": End.UNREACHED, "proxy": End.CONFIRMED}
        assert caught.value.hint == "once it is back: mailnix deploy mail.py internal"
        assert any("the tunnel to proxy is mended first" in line for line in split.heard)

    def test_otherwise_keeps_the_proxies_as_they_are(self, split: Stage) -> None:
        """They would take mail of domains that it does not know, or be out of its reach."""
        split["proxy"].last = Ended("x", "confirmed")
        with pytest.raises(Unreached):
            deploy(split.deploying())
        assert split.calls("switch") == []


class TestTheOnlyProxyThatIsReplaced:
    @pytest.fixture
    def replaced(self, stage: Stage) -> Stage:
        """Home has a tunnel to the former one alone, and is reached by the new one's, which is not there yet."""
        described(stage, Proxy("edge", ipv4="5.9.100.9"), internal=Internal("internal", ssh_via_proxy=True))
        del stage.machines["proxy"]
        stage["internal"].jump = "root@5.9.100.9"
        off(stage["internal"])
        return stage

    @pytest.mark.parametrize("named", [(), ("internal", "edge")])
    def test_is_refused_with_the_way_to_do_it(self, replaced: Stage, named: tuple[str, ...]) -> None:
        with pytest.raises(Unreached, match="internal is reached by a tunnel alone, and edge has none to it yet") as e:
            deploy(replaced.deploying(*named))
        assert "add the new one, deploy, then take the old one out" in e.value.hint
        assert replaced.calls("receive") == []

    def test_is_replaced_in_two_steps(self, stage: Stage) -> None:
        edge, by_tunnel = Proxy("edge", ipv4="5.9.100.9"), Internal("internal", ssh_via_proxy=True)
        stage["internal"].on_call = self.by_its_tunnels(stage)
        described(stage, FIRST, edge, internal=by_tunnel)
        stage.packages.digests["internal"] = "two tunnels"
        assert ends(deploy(stage.deploying())) == {
            "internal": End.CONFIRMED, "proxy": End.AS_DESCRIBED, "edge": End.CONFIRMED
        }  # fmt: skip
        described(stage, edge, internal=by_tunnel)
        del stage.machines["proxy"]
        stage.packages.digests["internal"] = "the other tunnel"
        assert ends(deploy(stage.deploying())) == {"internal": End.CONFIRMED, "edge": End.AS_DESCRIBED}
        assert [*stage["internal"].kept[3].links] == ["edge"]

    @staticmethod
    def by_its_tunnels(stage: Stage) -> Callable[[str], None]:
        """Home is reached where a proxy that is ours is at the other end of a tunnel that home has just now."""

        def call(_verb: str) -> None:
            home = stage["internal"]
            tunnels = home.kept[home.pending.to if home.pending else home.current or 0].links
            if not any(name in tunnels and machine.current for name, machine in stage.machines.items()):
                raise Unreached("root@internal is not reached: no route to host")

        return call

    def test_is_replaced_at_once_where_home_is_reached_otherwise(self, replaced: Stage) -> None:
        replaced["internal"].jump, replaced["internal"].on_call = None, lambda _verb: None
        replaced.packages.digests["internal"] = "another tunnel"
        assert set(ends(deploy(replaced.deploying())).values()) == {End.CONFIRMED}

    def test_a_home_that_is_off_is_no_matter_of_tunnels(self, stage: Stage) -> None:
        stage["internal"].jump = "root@5.9.100.1"
        off(stage["internal"])
        stage.packages.digests["proxy"] = "changed"
        with pytest.raises(Unreached, match="no route to host"):
            deploy(stage.deploying())


class TestANewProxy:
    def test_comes_after_home_which_has_its_tunnel_by_then(self, stage: Stage) -> None:
        described(stage, FIRST, SECOND)
        stage.packages.digests["internal"] = "two tunnels"
        deploy(stage.deploying())
        switched = [line for line in stage.heard if "switching" in line]
        assert switched == ["internal: switching to generation 2", "second: switching to generation 1"]

    def test_does_not_come_alone(self, stage: Stage) -> None:
        described(stage, FIRST, SECOND)
        stage.packages.digests["internal"] = "two tunnels"
        with pytest.raises(DeployError, match="internal has no tunnel to second yet") as caught:
            deploy(stage.deploying("second"))
        assert caught.value.hint == "deploy both: mailnix deploy mail.py internal second"
        assert stage.calls("receive") == []

    def test_comes_alone_where_home_is_no_machine_yet(self, plain: Stage) -> None:
        assert ends(deploy(plain.deploying("proxy"))) == {"proxy": End.CONFIRMED}


class TestAProxyThatIsDescribedNoMore:
    def test_stays_as_it_is_and_it_is_said_how_to_give_it_back(self, three: Stage) -> None:
        described(three, FIRST)
        second = three.machines.pop("second")
        three.packages.digests["internal"] = "one tunnel"
        report = deploy(three.deploying())
        assert ends(report) == {"internal": End.CONFIRMED, "proxy": End.AS_DESCRIBED}
        (told,) = [line for line in three.heard if line.startswith("second:")]
        assert "internal has no tunnel to it then" in told
        assert "ssh root@5.9.200.1 apt-get purge mailnix-second mailnix-haraka mailnix-generations" in told
        assert second.calls == []

    def test_is_told_of_before_it_happens(self, three: Stage) -> None:
        described(three, FIRST)
        del three.machines["second"]
        three.packages.digests["internal"] = "one tunnel"
        deploy(three.deploying(dry_run=True))
        assert [line for line in three.heard if line.startswith("second:")]


def test_a_proxy_with_another_address_changes_with_home(stage: Stage) -> None:
    described(stage, Proxy("proxy", ipv4="5.9.100.7", ipv6="2a01:4f8:10::1"))
    stage.packages.digests = {"internal": "changed", "proxy": "changed"}
    with pytest.raises(DeployError, match=r"the tunnel to proxy changes \(its endpoint\)"):
        deploy(stage.deploying("proxy"))
    assert set(ends(deploy(stage.deploying())).values()) == {End.CONFIRMED}
    assert stage.heard.count("internal, proxy: looking whether all is well") == 1


class TestAMachineThatIsCalledSomethingElse:
    def test_in_the_description_is_told_by_its_name(self, stage: Stage) -> None:
        described(stage, Proxy("edge", ipv4="5.9.100.1", ipv6="2a01:4f8:10::1"))
        stage.machines["edge"] = stage.machines.pop("proxy")
        stage["edge"].host = "edge"
        stage["edge"].found = evolve(PLAIN, image=True, host="edge", was=True)
        with pytest.raises(DeployError, match="root@edge is proxy, which is described no more, and not edge") as caught:
            deploy(stage.deploying())
        assert caught.value.hint.startswith("call it proxy again; or give it another name")
        assert "apt-get purge mailnix-proxy mailnix-haraka mailnix-generations, then" in caught.value.hint
        assert stage.calls("receive") == []

    @pytest.mark.parametrize("generations", [True, False])
    def test_is_built_anew_where_an_image_made_it(self, stage: Stage, *, generations: bool) -> None:
        """To purge it would leave it without a network, and without keys."""
        described(stage, Proxy("edge", ipv4="5.9.100.1", ipv6="2a01:4f8:10::1"))
        stage.machines["edge"] = stage.machines.pop("proxy")
        stage["edge"].host = "edge"
        name = "edge" if generations else "proxy"
        stage["edge"].found = evolve(PLAIN, image=True, host=name)
        with pytest.raises(DeployError, match="root@edge is proxy, which is described no more") as caught:
            deploy(stage.deploying())
        assert "mailnix build" in caught.value.hint
        assert "apt-get" not in caught.value.hint

    def test_and_another_one_that_is_described_is_only_somewhere_else(self, three: Stage) -> None:
        three["proxy"].kept = three["second"].kept
        with pytest.raises(DeployError, match="is second, not proxy") as caught:
            deploy(three.deploying())
        assert caught.value.hint == "say where proxy is: --to proxy=TARGET"

    def test_on_itself_is_not_taken_for_this_one(self, plain: Stage) -> None:
        plain["proxy"].found = evolve(PLAIN, image=True, host="internal")
        with pytest.raises(DeployError, match="root@proxy is internal, not proxy"):
            deploy(plain.deploying())
