"""What unbound itself says of its settings, and how much it is content with."""

import shutil
from pathlib import Path

import pytest

from mailnix.debian.host import debian_host
from mailnix.plan import Plan
from mailnix.run import run, spawn
from mailnix.services.haraka.render import files_out, outgoing
from mailnix.services.unbound.debian import CONFIG
from mailnix.services.unbound.render import ADDRESS, server, text
from rig.waiting import answers, free_net, until
from tests.services.conftest import tool


def test_unbound_accepts_its_settings(plan: Plan, ipv4_plan: Plan, tmp_path: Path) -> None:
    for which in (plan, ipv4_plan):
        path = tmp_path / "unbound.conf"
        path.write_text(text(server(which.proxies[0])) + f'  directory: "{tmp_path}"\n  chroot: ""\n')
        done = run([tool("unbound-checkconf"), path], check=False)
        assert done.status == 0, done.stderr


def test_it_listens_on_loopback_only_and_haraka_out_asks_it(plan: Plan) -> None:
    host = plan.proxies[0]
    assert server(host)["interface"] == (ADDRESS,)
    assert ADDRESS.startswith("127.")
    assert f"validator={ADDRESS}\n" in files_out(outgoing(plan, host))["config/tls_policy.ini"]


def test_only_the_proxy_has_it_and_its_own_resolver_stays(plan: Plan) -> None:
    proxy, internal = debian_host(plan, plan.proxies[0]), debian_host(plan, plan.internal)
    assert {"unbound", "dns-root-data"} <= set(proxy.packages)
    assert "unbound" not in internal.packages
    assert CONFIG in {entry.path for entry in proxy.tree}
    resolved = next(entry for entry in proxy.tree if entry.path.endswith("resolved.conf.d/mailnix.conf"))
    assert "DNS=" not in str(resolved).replace("MulticastDNS=", "")


@pytest.mark.skipif(shutil.which("unbound", path="/usr/sbin") is None, reason="unbound is not installed")
def test_it_lives_in_little_memory(plan: Plan, tmp_path: Path) -> None:
    """Idle, in MiB of resident memory; its caches add 8 MiB at most."""
    address = f"{free_net()}.53"
    settings = {**server(plan.proxies[0]), "interface": (address,)}
    local = f'  directory: "{tmp_path}"\n  chroot: ""\n  username: ""\n  pidfile: ""\n  use-syslog: no\n'
    (tmp_path / "unbound.conf").write_text(text(settings) + local + "remote-control:\n  control-enable: no\n")
    with spawn([tool("unbound"), "-d", "-c", tmp_path / "unbound.conf"], tmp_path / "log") as process:
        until(lambda: answers(53, address), "unbound answers")
        status = Path(f"/proc/{process.pid}/status").read_text()
    assert int(status.split("VmRSS:")[1].split()[0]) / 1024 < 40
