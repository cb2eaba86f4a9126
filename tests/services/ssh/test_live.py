"""OpenSSH's own programs with our settings, between network namespaces with our firewalls: a proxy as a jump host."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from mailnix import Internal
from mailnix.plan import derive
from mailnix.run import Completed, run, spawn
from mailnix.secrets.ssh import push_argv
from mailnix.services.ssh.debian import config
from mailnix.services.ssh.render import settings
from mailnix.ssh import NO_SUCH_PROGRAM, Way
from rig import ssh_server
from rig.ssh_server import SSHD
from rig.waiting import until
from tests.services.conftest import topology
from tests.services.firewall import namespaces
from tests.services.firewall.namespaces import PROXY, Network

PLAN = derive(topology(internal=Internal("internal", lan_admin_cidrs=[], ssh_via_proxy=True)))
HOME = str(PLAN.internal.ipv4)
MISSING = ssh_server.missing() or namespaces.missing()

pytestmark = pytest.mark.skipif(bool(MISSING), reason=MISSING or "runs")


class People:
    """The admin, whose key is known, and a stranger, at a machine on the internet."""

    def __init__(self, net: Network, folder: Path) -> None:
        self.net, self.folder = net, folder
        for name in ("admin", "stranger", "host"):
            run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", folder / name])
        for name in ("admin", "stranger"):
            self.config(name).write_text(
                f"Host *\n  User root\n  IdentityFile {folder / name}\n  IdentitiesOnly yes\n  BatchMode yes\n"
                f"  StrictHostKeyChecking no\n  UserKnownHostsFile {folder / 'known'}\n  ConnectTimeout 10\n"
            )

    def config(self, name: str) -> Path:
        return self.folder / f"{name}.conf"

    def ssh(self, name: str, *words: str) -> Completed:
        there = ["ip", "netns", "exec", f"{self.net.prefix}internet"]
        return run([*there, "ssh", "-F", self.config(name), *words], check=False, timeout=60)


@pytest.fixture(scope="module")
def people(tmp_path_factory: pytest.TempPathFactory) -> Iterator[People]:
    assert SSHD is not None
    folder = tmp_path_factory.mktemp("ssh")
    ssh_server.FOLDER.mkdir(exist_ok=True)
    with ExitStack() as stack:
        net = stack.enter_context(namespaces.network(PLAN))
        found = People(net, folder)
        for name, host in (("proxy", PLAN.proxies[0]), ("home", PLAN.internal)):
            file = folder / f"{name}.sshd"
            known = f"AuthorizedKeysFile {folder / 'admin.pub'}\nHostKey {folder / 'host'}\n"
            file.write_text(f"{config(settings(host))}{known}PidFile none\nStrictModes no\nSetEnv WHERE={name}\n")
            run([SSHD, "-t", "-f", file])
            words: list[str | Path] = ["ip", "netns", "exec", f"{net.prefix}{name}", SSHD, "-D", "-e", "-f", file]
            stack.enter_context(spawn(words, folder / f"{name}.log"))
        until(lambda: net.connect("internet", PROXY, 22, seconds=5).startswith("SSH-2.0"), "sshd on the proxy")
        until(lambda: net.connect("home", HOME, 22, seconds=5).startswith("SSH-2.0"), "sshd at home")
        yield found


def test_the_admin_comes_home_by_way_of_the_proxy(people: People) -> None:
    done = people.ssh("admin", "-J", f"root@{PROXY}", f"root@{HOME}", "echo $WHERE ${SSH_CONNECTION%% *}")
    assert done.status == 0, done.stderr
    assert done.stdout.split() == ["home", str(PLAN.tunnels[0].proxy.ipv4)]


def test_credentials_are_pushed_the_same_way(people: People) -> None:
    argv = push_argv(Way(f"root@{HOME}", f"root@{PROXY}", people.config("admin")))
    there = ["ip", "netns", "exec", f"{people.net.prefix}internet"]
    done = run([*there, *argv], stdin=b"", check=False, timeout=60)
    assert done.status == NO_SUCH_PROGRAM, done.stderr  # our receiver, which this machine has not
    assert "receive-credentials" in done.stderr


def test_a_strangers_key_is_refused_by_the_proxy(people: People) -> None:
    done = people.ssh("stranger", "-J", f"root@{PROXY}", f"root@{HOME}", "true")
    assert done.status == 255
    assert f"root@{PROXY}: Permission denied (publickey)." in done.stderr


def test_and_at_home_though_it_came_past_the_proxy(people: People) -> None:
    jump = f"ssh -F {people.config('admin')} -W [%h]:%p root@{PROXY}"
    done = people.ssh("stranger", "-o", f"ProxyCommand={jump}", f"root@{HOME}", "true")
    assert f"root@{HOME}: Permission denied (publickey)." in done.stderr


def test_whose_agent_has_five_other_keys_gets_in(people: People) -> None:
    others = [people.folder / f"other-{number}" for number in range(5)]
    for other in others:
        run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", other])
    keys = " ".join(map(str, [*others, people.folder / "admin"]))
    config = people.folder / "agent.conf"
    lines = people.config("admin").read_text().splitlines(keepends=True)
    config.write_text("".join(line for line in lines if "Identit" not in line))
    script = f"ssh-add -q {keys} && ssh -F {config} root@{PROXY} true"
    there = ["ip", "netns", "exec", f"{people.net.prefix}internet", "ssh-agent", "sh", "-c", script]
    done = subprocess.run(there, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("target", [f"{HOME}:25", "127.0.0.1:25", "198.51.100.40:25"])
def test_the_proxy_leads_nowhere_else(people: People, target: str) -> None:
    done = people.ssh("admin", "-W", target, f"root@{PROXY}")
    assert "administratively prohibited" in done.stderr


def test_no_port_of_the_proxy_leads_back(people: People) -> None:
    done = people.ssh("admin", "-o", "ExitOnForwardFailure=yes", "-R", "2222:localhost:22", f"root@{PROXY}", "true")
    assert "remote port forwarding failed" in done.stderr


def test_nobodys_agent_stays_on_a_proxy(people: People) -> None:
    script = f"ssh-add -q {people.folder / 'admin'} && ssh -A -F {people.config('admin')} root@{PROXY} ssh-add -l"
    there = ["ip", "netns", "exec", f"{people.net.prefix}internet", "ssh-agent", "sh", "-c", script]
    done = subprocess.run(list(map(str, there)), capture_output=True, text=True, check=False, timeout=60)
    assert "Could not open a connection to your authentication agent" in done.stderr
