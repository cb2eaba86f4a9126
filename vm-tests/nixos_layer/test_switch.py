"""A second generation on machines that run, and the first one again: by NixOS's own switch-to-configuration.

The second one has another mail domain, a port open, a plugin of Haraka's, queues elsewhere, and at home settings, a
hook and a port of its owner's; it lacks a file of the first one's. Afterwards all is the first one's, to the file.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import pytest
from attrs import evolve, frozen

from mailnix import Domain, secrets
from mailnix.image.cache import cache_dir
from mailnix.lab.fake_mailcow import build_fake
from mailnix.lab.internet.mail import CAROL
from mailnix.lab.machine import Machine
from mailnix.lab.nixos import generations
from mailnix.lab.nixos.build import FOLDER, Layer, Wanted
from mailnix.lab.nixos.machines import flake
from mailnix.lab.nixos.switch.program import program
from mailnix.lab.scenario import Scene
from mailnix.model import ports
from mailnix.plan import Plan, derive, with_keys
from mailnix.services.mailcow.guest.tree import ORIGINALS as KEPT
from mailnix.services.mailcow.units import PROVISION, ROOT
from mailnix.write import write_tree

pytestmark = pytest.mark.usefixtures("all_of_it")

OPENED: Final = 8025
LISTENER: Final = "who-listens-on-it"
AT_HOME: Final = 10143
"""Where the second generation publishes Dovecot, too."""
NEW: Final = "newcomer.example"
REFUSED: Final = "the second generation takes no mail for it"
PATIENCE: Final = 300.0  # seconds in which nothing moves until something takes effect
WHITELIST: Final = "data/conf/postfix/custom_postscreen_whitelist.cidr"
EXTRA: Final = "data/conf/dovecot/extra.conf"
HOOK: Final = "data/hooks/dovecot/second-generation.sh"
QUEUES: Final = {"in": "/home/mail/in", "out": "/srv/mail/queue"}

PLUGIN: Final = f"""\
exports.hook_rcpt = (next, connection, params) =>
    params[0].user === "second.generation" ? next(DENY, "{REFUSED}") : next();
"""
PROXY: Final = f"""\
{{ lib, ... }}:

{{
  networking.firewall.allowedTCPPorts = [ {OPENED} ];
  services.haraka.instances."in" = {{
    plugins = lib.mkBefore [ "second_generation" ];
    localPlugins.second_generation = ./second_generation.js;
    queueDirectory = "{QUEUES["in"]}";
  }};
  services.haraka.instances.out.queueDirectory = "{QUEUES["out"]}";
}}
"""
INTERNAL: Final = f"""\
{{ lib, ... }}:

{{
  services.mailcow = {{
    settings.ADDITIONAL_SERVER_NAMES = "second.example.org";
    hooks.dovecot."second-generation.sh" = "#!/bin/sh\\n";
    files = lib.mkForce {{ "{EXTRA}" = "# the second generation\\n"; }};
    composeOverride = {{
      services.dovecot-mailcow = {{
        ports = [ "127.0.0.1:{AT_HOME}:143" ];
        volumes = [ "second-generation:/second-generation" ];
      }};
      volumes.second-generation = {{ }};
    }};
  }};
}}
"""


@frozen
class Generations:
    """Toplevels by machine: the one that was booted, and the next."""

    first: Mapping[str, str]
    second: Mapping[str, str]
    plan: Plan
    """What the second one is made from."""


@pytest.fixture(scope="module")
def made(lab: Any, plan: Plan, layer: Layer, tmp_path_factory: pytest.TempPathFactory) -> Generations:
    """The second generation, built and on the machines beside the first; its credentials, too."""
    first = {host.name: generations.current(lab.machines[host.name]) for host in plan.hosts}
    topology = plan.topology
    kept, *_gone = topology.domains
    described = derive(evolve(topology, domains=(kept, Domain(NEW, mailboxes=["somebody"]))))
    work = tmp_path_factory.mktemp("second")
    credentials = shutil.copytree(lab.secrets, work / "secrets")
    secrets.init(described, credentials)
    second_plan = with_keys(described, secrets.public_keys(credentials))
    owners = owners_modules(second_plan, work / "local")
    write_tree(flake(second_plan, build_fake().tree, owners), work / "flake")
    second = layer.build(Wanted(work / "flake"))
    switcher = program(layer.tree, cache_dir() / FOLDER)
    for name, toplevel in second.items():
        machine = lab.machines[name]
        for path in sorted((credentials / name).iterdir()):
            machine.write_file(f"/etc/credstore/{path.name}", path.read_bytes(), mode=0o600)
        generations.bring(machine, layer, toplevel, switcher)
    return Generations(first, second, second_plan)


def owners_modules(plan: Plan, folder: Path) -> Path:
    """What the machines' owner adds to the second generation."""
    folder.mkdir()
    (folder / f"{plan.internal.name}.nix").write_text(INTERNAL)
    (folder / f"{plan.proxies[0].name}.nix").write_text(PROXY)
    (folder / "second_generation.js").write_text(PLUGIN)
    return folder


@pytest.fixture(scope="module")
def before(lab: Any, plan: Plan, made: Generations) -> Mapping[str, Any]:
    """The machines as the first generation left them."""
    return state_of(lab, plan)


@pytest.fixture(scope="module")
def mail(scene: Scene) -> str:
    """The token of a message that came before everything else."""
    return sent(scene, scene.user)


@pytest.fixture(scope="module")
def switched(lab: Any, made: Generations, before: Mapping[str, Any], mail: str) -> Mapping[str, str]:
    """The second generation runs; what was said when it was switched to, by machine."""
    return switch_all(lab, made.second)


@pytest.fixture(scope="module")
def back(lab: Any, made: Generations, switched: Mapping[str, str]) -> Mapping[str, str]:
    """The first generation runs again."""
    return switch_all(lab, made.first)


def switch_all(lab: Any, toplevels: Mapping[str, str]) -> dict[str, str]:
    said = {name: generations.switch(lab.machines[name], top) for name, top in toplevels.items()}
    for name in toplevels:
        settled(lab.machines[name])
    return said


def settled(machine: Machine) -> None:
    """Wait until nothing starts any more, and all that was to start did."""
    provisioned = f"! systemctl cat {PROVISION} >/dev/null 2>&1 || systemctl is-active {PROVISION}"
    machine.wait_until_succeeds(provisioned, PATIENCE)
    machine.wait_until_succeeds("test $(systemctl list-jobs --no-legend | grep -cv '^No jobs') = 0", PATIENCE)
    machine.succeed("test $(systemctl is-system-running) = running || { systemctl --failed; false; }")


def sent(scene: Scene, recipient: str) -> str:
    """Have the internet send a message, and fetch it; its token."""
    token = scene.token("switch")
    sender = scene.layout.mailbox(CAROL)
    scene.post("send", timeout=PATIENCE, sender=sender, to=[recipient], token=token)
    assert scene.fetched(scene.user, token)["count"] == 1
    return token


def answer_to(scene: Scene, recipient: str) -> dict[str, Any]:
    lines = ["EHLO cafe.elsewhere.test", "MAIL FROM:<>", f"RCPT TO:<{recipient}>"]
    answer = scene.probe("smtp", scene.layout.client.ipv4, host=scene.proxy.hostname, port=ports.SMTP, line=lines)
    replies: list[dict[str, Any]] = answer.get("replies") or [{"code": 0, "text": answer.get("error", "")}]
    return replies[-1]


def waited_for(scene: Scene, recipient: str, code: int) -> dict[str, Any]:
    """The answer to mail for somebody, once it has this code; else the last one."""
    reply: dict[str, Any] = {}
    for _ in scene.wait(PATIENCE).attempts(patience=0.1):
        reply = answer_to(scene, recipient)
        if reply["code"] == code:
            break
    return reply


# What a machine is, as far as a generation says it.
LOOKS: Final = {
    "system": "readlink -f /run/current-system",
    "failed": "systemctl list-units --failed --plain --no-legend",
    "units": "systemctl list-units --state=active --plain --no-legend --type=service,timer,path,target"
    # Those of logins, and those that every switch starts.
    " | awk '{print $1}' | grep -v -e '^user' -e '^session' -e '^run-' -e '^nixos-rebuild'"
    " -e '^sysinit-reactivation' -e '^systemd-tmpfiles-resetup' | sort",
    "rules": "nft --stateless --terse list table inet mailnix",
    "listening": "ss -Hltn | awk '{print $4}' | sort -u",
    "sysctl": "sysctl net.ipv4.ip_forward net.ipv4.conf.all.rp_filter net.ipv4.ip_nonlocal_bind",
    "users": "getent passwd | sort",
    "unit files": "cd /etc/systemd/system && find -L . -type f -name '*.service' | sort | xargs sha256sum",
}
MAILCOW: Final = {
    # Without what is kept to be put back: while a file of ours is away, Postfix's container makes its own, which is
    # an original from then on.
    "files": f"cd {ROOT} && find . -type f ! -path './data/assets/ssl*' ! -name .mailnix.json ! -path './{KEPT}/*'"
    " | sort | xargs -d '\\n' sha256sum",
    "folders": f"cd {ROOT} && find . -type d ! -path './{KEPT}*' | sort",
    "record": f"cat {ROOT}/.mailnix.json",
    "containers": "docker ps --format '{{.Names}} {{.Ports}}' | sort",
}


def state_of(lab: Any, plan: Plan) -> dict[str, Any]:
    """Machine → what is looked at → what was seen."""
    looks = {host.name: LOOKS | (MAILCOW if host is plan.internal else {}) for host in plan.hosts}
    return {
        name: {what: lab.machines[name].succeed(command, timeout=PATIENCE) for what, command in each.items()}
        for name, each in looks.items()
    }


def lines_changed(old: str, new: str) -> list[str]:
    return sorted({*old.splitlines()} ^ {*new.splitlines()})


def test_the_second_generation_runs_on_every_machine(lab: Any, made: Generations, switched: Mapping[str, str]) -> None:
    for name, toplevel in made.second.items():
        assert generations.current(lab.machines[name]) == toplevel, switched[name]


def test_a_new_domains_mail_is_taken_and_a_gone_ones_refused(scene: Scene, plan: Plan, switched: object) -> None:
    gone = plan.topology.domains[-1]
    assert waited_for(scene, f"somebody@{NEW}", 250)["code"] == 250
    assert waited_for(scene, f"{gone.mailboxes[0].local_part}@{gone.name}", 550)["code"] == 550
    assert waited_for(scene, scene.user, 250)["code"] == 250


def test_a_plugin_that_was_added_takes_part(scene: Scene, switched: object) -> None:
    reply = answer_to(scene, f"second.generation@{scene.user.partition('@')[2]}")
    assert (reply["code"], REFUSED in reply["text"]) == (550, True)


def test_queues_are_made_where_they_are_wanted(lab: Any, scene: Scene, switched: object) -> None:
    proxy = lab.machines[scene.proxy.name]
    for name, folder in QUEUES.items():
        unit = f"haraka-{name}"
        assert proxy.succeed(f"stat -c '%U %G %a' {folder}").split() == [unit, unit, "700"]
        inside = f"nsenter --target $(systemctl show -P MainPID {unit}) --mount --setuid $(id -u {unit})"
        proxy.succeed(f"{inside} touch {folder}/probe && rm {folder}/probe")
        assert proxy.succeed(f"cat /run/{unit}/config/queue_dir").strip() == folder


def test_a_port_that_was_opened_is_let_through(lab: Any, scene: Scene, before: Any, switched: object) -> None:
    name = scene.proxy.name
    rules = lab.machines[name].succeed(LOOKS["rules"])
    changed = [line for line in lines_changed(before[name]["rules"], rules) if str(OPENED) in line]
    assert changed, rules
    proxy = lab.machines[name]
    proxy.succeed(f"systemd-run --unit={LISTENER} /usr/bin/python3 -m http.server {OPENED}")
    try:
        proxy.wait_for_open_port(OPENED)
        there = scene.layout.at(scene.proxy)[1].on_wire(scene.proxy.ipv4)
        dialled = f"timeout 20 bash -c ': </dev/tcp/{there}/{{}}'"
        assert scene.internet.execute(dialled.format(OPENED)).status == 0
        assert scene.internet.execute(dialled.format(OPENED + 1)).status != 0
    finally:
        proxy.succeed(f"systemctl stop {LISTENER}.service")  # who listens is compared later


def test_settings_hooks_and_ports_of_the_owner_are_in_mailcow(lab: Any, plan: Plan, switched: object) -> None:
    home = lab.machines[plan.internal.name]
    conf = home.succeed(f"cat {ROOT}/mailcow.conf")
    assert "ADDITIONAL_SERVER_NAMES=second.example.org\n" in conf
    home.succeed(f"test -x {ROOT}/{HOOK} && grep -q second {ROOT}/{EXTRA}")
    # What stands in its place is Mailcow's: its Postfix makes one where there is none.
    home.succeed(f"! grep -q '^[0-9]' {ROOT}/{WHITELIST}")
    override = home.succeed(f"cat {ROOT}/docker-compose.override.yml")
    assert f"127.0.0.1:{AT_HOME}:143" in override
    assert f"[{plan.internal.ipv6}]:993:993" in override  # mailnix's own is there, too
    ours = home.succeed("docker ps --format '{{.Names}} {{.Ports}}' | grep dovecot")
    assert f"127.0.0.1:{AT_HOME}->143/tcp" in ours
    assert f"{plan.internal.ipv4}:993->993/tcp" in ours


def test_the_first_generation_comes_back_whole(
    lab: Any, plan: Plan, scene: Scene, made: Generations, before: Any, back: Mapping[str, str]
) -> None:
    for name, toplevel in made.first.items():
        assert generations.current(lab.machines[name]) == toplevel, back[name]
    assert waited_for(scene, f"somebody@{NEW}", 550)["code"] == 550
    now = state_of(lab, plan)
    for name, seen in now.items():
        for what, said in seen.items():
            if what == "record":
                old, new = json.loads(before[name][what]), json.loads(said)
                assert new == old
            else:
                assert lines_changed(before[name][what], said) == [], f"{name}: {what}"


def test_mail_that_came_before_is_still_there(scene: Scene, mail: str, back: object) -> None:
    assert scene.fetched(scene.user, mail)["count"] == 1


def test_state_is_kept_over_a_restart(lab: Any, plan: Plan, scene: Scene, before: Any, mail: str, back: object) -> None:
    kept = f"/var/lib/haraka-out/{scene.token('kept')}"
    lab.machines[scene.proxy.name].succeed(f"install -m 0600 -o haraka-out /dev/null {kept}")
    for host in plan.hosts:
        machine = lab.machines[host.name]
        machine.power_off()
        machine.start()
    for host in plan.hosts:
        lab.machines[host.name].wait_for_guest()
        lab.machines[host.name].wait_for_boot(PATIENCE)
    assert waited_for(scene, scene.user, 250)["code"] == 250
    assert scene.fetched(scene.user, mail)["count"] == 1
    lab.machines[scene.proxy.name].succeed(f"rm {kept}")
    home = plan.internal.name
    files = lab.machines[home].succeed(MAILCOW["files"], timeout=PATIENCE)
    assert lines_changed(before[home]["files"], files) == []
