"""What happens to machines that a deploy made: mail, changes, what would lock one out, power cuts, the way back.

The tests tell the life of both machines in order; each begins with what the one before left.
"""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path
from typing import Any, Final

import pytest
from attrs import define, field

from mailnix.lab.fake_mailcow import build_fake
from mailnix.lab.lab import Lab
from mailnix.lab.machine import Machine
from mailnix.lab.scenario import CHECKS, Check, Scene, Verdict, exchanging, run_check
from mailnix.lab.scenario.mails import receive
from mailnix.lab.servers.live import Town
from mailnix.run import Completed, Spawned, end, run, start
from tests.lab.answers import answer_to

EXAMPLE: Final = Path(__file__).parents[2] / "docs/examples/two_machines.py"
STATE: Final = "/var/lib/mailnix/generations/state.json"
PROXY, HOME = "proxy", "internal"
NOBODYS: Final = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIKwBLL4jVYCnj4xTcV0FKcZTZ3LVdCxZxqkEMPdGIUBs nobody"
PATIENCE: Final = 1200.0  # seconds for one deploy to two emulated machines
WITHIN: Final = 300


@define
class Life:
    """Both machines, and the description of whoever deploys them: the example with `changes` (Python, keywords)."""

    lab: Lab
    folder: Path
    changes: str = ""
    mailcow: Path = field(factory=lambda: build_fake().tree)

    @property
    def town(self) -> Town:
        lab = self.lab
        return Town(lab.plan, lab.layout, lab.machines, lab.state_dir, lab.secrets)

    def machine(self, host: str) -> Machine:
        return self.lab.machines[host]

    def described(self, changes: str) -> Path:
        """The description's file, a script as its owner may write it."""
        keys = list(self.lab.plan.topology.admin_keys)
        place = self.folder / "mail.py"
        place.write_text(
            "from attrs import evolve\n"
            "from mailnix import *\n"
            "from mailnix.config import load\n"
            "from pathlib import Path\n\n"
            f"base = load(Path({str(EXAMPLE)!r}))\n"
            "example_org, example_net = base.domains\n"
            f"topology = evolve(base, **{{'admin_keys': {keys!r}, **dict({changes})}})\n"
        )
        return place

    def words(self, verb: str, changes: str, *more: str) -> tuple[str, ...]:
        options = ("--ssh-config", str(self.town.ssh_config), "--secrets", str(self.lab.secrets), "--json")
        mailcow = ("--mailcow-source", str(self.mailcow)) if verb == "deploy" else ()
        within = ("--within", str(WITHIN))
        config = str(self.described(changes))
        return (sys.executable, "-m", "mailnix", verb, config, *more, *options, *within, *mailcow)

    def with_more(self, change: str) -> str:
        """What is described, and this; each test may be the first that changes anything."""
        return ", ".join(filter(None, (self.changes, change)))

    def deploy(self, changes: str, *more: str) -> Completed:
        self.changes = changes
        return run(self.words("deploy", changes, *more), check=False, timeout=PATIENCE)

    def state(self, host: str) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.machine(host).read_file(STATE))
        return found

    def whole(self, host: str) -> None:
        """What its current generation describes: nothing pending, nothing differs, nothing of ours failed."""
        machine, state = self.machine(host), self.state(host)
        assert state["pending"] is None
        installed = machine.succeed(
            f"dpkg-query --show --showformat '${{Version}} ${{db:Status-Abbrev}}' mailnix-{host}"
        )
        assert installed.split() == [str(state["current"]), "ii"]
        assert machine.execute(f"dpkg --verify mailnix-{host}").stdout == ""
        assert machine.succeed("systemctl --failed --plain --no-legend") == ""


def ends(done: Completed) -> dict[str, str]:
    """Machine → what became of it; what was said is shown where there is no report."""
    assert done.stdout.strip(), done.stderr
    return {each["host"]: each["end"] for each in json.loads(done.stdout)["machines"]}


@pytest.fixture(scope="module")
def life(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Life:
    return Life(lab, tmp_path_factory.mktemp("life"))


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.id)
def test_mail_flows_as_it_does_between_machines_from_images(check: Check, scene: Scene) -> None:
    if check not in exchanging(scene.plan):
        pytest.skip("no exchange of mail, or nothing of the kind in the plan")
    outcome = run_check(check, scene)
    assert outcome.verdict is Verdict.PASS, f"{check.title}: {outcome.evidence}"


def test_nothing_to_do_is_nothing_done(life: Life) -> None:
    assert ends(life.deploy("")) == {HOME: "as described", PROXY: "as described"}


DAVE: Final = "domains=[evolve(example_org, mailboxes=[*example_org.mailboxes, Mailbox('dave')]), example_net]"


def test_a_new_mailbox_restarts_nothing_of_mailcow_and_takes_mail(life: Life, scene: Scene) -> None:
    containers = "docker ps --format '{{.Names}} {{.CreatedAt}}' | sort"
    before = scene.internal.succeed(containers)
    done = life.deploy(DAVE)
    assert ends(done) == {HOME: "confirmed", PROXY: "as described"}, done.stderr
    assert "dave@example.org" in done.stderr  # where its first password is
    assert scene.internal.succeed(containers) == before
    until = "the new mailbox takes mail"
    assert scene.wait_for(until, lambda: answer_to(scene, "dave@example.org")["code"] == 250 or None, PATIENCE)
    life.whole(HOME)


ERIN: Final = DAVE.replace("Mailbox('dave')", "Mailbox('dave'), Mailbox('erin')")
RELEASE: Final = "/var/lib/mailcow/README.md"


def test_another_mailcow_comes_and_goes_back_with_its_database(life: Life, scene: Scene) -> None:
    """The mailbox made under the other one goes with its database; mail that came meanwhile stays."""
    newer, home = life.folder / "newer", life.machine(HOME)
    shutil.copytree(life.mailcow, newer)
    (newer / "README.md").write_text("another release\n")
    before, life.mailcow = life.mailcow, newer
    done = life.deploy(DAVE)
    assert ends(done) == {HOME: "confirmed", PROXY: "as described"}, done.stderr
    assert home.succeed(f"cat {RELEASE}") == "another release\n"
    meanwhile = receive(scene, 4)
    assert ends(life.deploy(ERIN))[HOME] == "confirmed"
    known = lambda: answer_to(scene, "erin@example.org")["code"] == 250 or None  # noqa: E731
    scene.wait_for("the new mailbox takes mail", known, PATIENCE)
    first = life.state(HOME)["current"] - 2
    back = run(life.words("rollback", DAVE, HOME, str(first), "--databases"), check=False, timeout=PATIENCE)
    assert back.status == 0, back.stderr
    life.mailcow = before
    assert "another release" not in home.succeed(f"cat {RELEASE}")
    assert scene.stored(scene.user, meanwhile.token)["count"] == 1
    assert answer_to(scene, "erin@example.org")["code"] == 550
    life.whole(HOME)


def test_a_new_port_of_the_tunnel_comes_to_both_at_once(life: Life) -> None:
    done = life.deploy(f"{DAVE}, tunnel=Tunnel(port=51999)")
    assert ends(done) == {HOME: "confirmed", PROXY: "confirmed"}, done.stderr
    assert life.machine(PROXY).succeed("wg show wg0 listen-port").strip() == "51999"
    for host in (HOME, PROXY):
        life.whole(host)


def test_new_keys_of_the_tunnel_reach_both(life: Life) -> None:
    before = life.machine(PROXY).succeed("wg show wg0 public-key")
    key = f"{PROXY}/network.wireguard.private.wg0"
    rotate = ("secrets", "rotate", life.described(life.changes), key, "--secrets", life.lab.secrets)
    run((sys.executable, "-m", "mailnix", *rotate))
    done = life.deploy(life.changes)
    assert ends(done) == {HOME: "confirmed", PROXY: "confirmed"}, done.stderr
    assert life.machine(PROXY).succeed("wg show wg0 public-key") != before


SHUT: Final = "proxies=[evolve(base.proxies[0], admin_cidrs=['192.0.2.99/32'])]"


@pytest.mark.parametrize("wrong", [SHUT, f"admin_keys=['{NOBODYS}']"], ids=["firewall", "key"])
def test_what_would_lock_one_out_ends_in_the_generation_before(life: Life, wrong: str) -> None:
    good, before = life.changes, life.state(PROXY)["current"]
    done = life.deploy(life.with_more(wrong), PROXY)
    assert done.status == 1, done.stdout
    assert "a new SSH connection" in done.stderr
    assert life.state(PROXY)["current"] == before
    life.whole(PROXY)
    assert ends(life.deploy(good))[PROXY] == "as described"


def test_a_unit_that_cannot_start_is_taken_back(life: Life) -> None:
    good, before, proxy = life.changes, life.state(PROXY)["current"], life.machine(PROXY)
    folder = "/etc/systemd/system/haraka-in.service.d"
    proxy.write_file(f"{folder}/zz-broken.conf", "[Service]\nExecStartPre=/bin/false\nRestart=no\n")
    done = life.deploy(life.with_more("proxies=[evolve(base.proxies[0], hostname='mx.example.org')]"), PROXY)
    assert done.status == 1
    assert "haraka-in.service" in done.stderr
    assert life.state(PROXY)["current"] == before
    proxy.succeed(f"rm -r {folder}; systemctl daemon-reload; systemctl restart haraka-in")
    assert set(ends(life.deploy(good)).values()) <= {"confirmed", "as described"}


def begun(life: Life, changes: str, *more: str) -> Spawned:
    """A deploy that goes on while the test looks."""
    return start(life.words("deploy", changes, *more), life.folder / "begun.log")


def test_power_that_fails_in_the_middle_ends_in_the_generation_before(life: Life, scene: Scene) -> None:
    before, proxy = life.state(PROXY)["current"], life.machine(PROXY)
    client = begun(life, life.with_more(SHUT), PROXY)
    proxy.wait_until_succeeds(f'grep -q \'"step": "installed"\' {STATE}', PATIENCE)
    proxy.kill()
    end(client)
    proxy.start()
    proxy.wait_for_boot()
    proxy.wait_until_succeeds(f"grep -q '\"pending\": null' {STATE}", PATIENCE)
    assert life.state(PROXY)["current"] == before
    life.whole(PROXY)
    assert run_check(next(check for check in CHECKS if check.id == "inbound-ipv4"), scene).verdict is Verdict.PASS


def test_what_was_before_comes_back_when_it_is_asked_for(life: Life) -> None:
    before = life.state(PROXY)["current"]
    done = run(life.words("rollback", life.changes, PROXY), check=False, timeout=PATIENCE)
    assert done.status == 0, done.stderr
    assert life.state(PROXY)["current"] < before
    life.whole(PROXY)
