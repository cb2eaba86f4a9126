"""`mailnix deploy` onto plain Debian servers, from nothing, and then what may go wrong (rig/two_servers.py).

The tests tell the machines' life in order; each begins with what the one before left. The `thorough` ones, which leave
what they found, are left out by `make unit`.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from attrs import define

from mailnix import pipeline
from mailnix.debian.host import debian_hosts
from mailnix.debian.package import generation
from mailnix.run import Completed, Spawned, end, start
from rig import container, two_servers, until
from rig.container import Container
from rig.two_servers import Servers, servers

thorough = pytest.mark.skipif(
    os.environ.get("MAILNIX_SERVERS") != "all", reason="`make servers` (MAILNIX_SERVERS=all) does this, too"
)

TEXT = """\
from mailnix import Alias, Backup, Domain, Internal, Mailbox, Proxy, Topology, Tunnel

topology = Topology(
    hostname="mail.example.org",
    proxies=[
        Proxy(
            "proxy",
            ipv4="{proxy}",
            prefix=24,
            gateway="{providers_router}",
            nameservers=["127.0.0.1"],
            card="host0",
            admin_cidrs={admins},
        ),
        {second}
    ],
    internal=Internal(
        "internal",
        ipv4="{home}",
        prefix=24,
        gateway="{home_router}",
        nameservers=["{home_router}"],
        card="host0",
        ssh_via_proxy=True,
        backup={backup},
    ),
    tunnel=Tunnel({tunnel}),
    admin_keys=[{key!r}],
    domains=[{domains}],
)
"""
DOMAIN = 'Domain("example.org", [Mailbox("alice"){more}], [Alias("postmaster", ["alice"])])'
SECOND = """Proxy(
            "second",
            ipv4="{address}",
            prefix=24,
            gateway="{router}",
            nameservers=["127.0.0.1"],
            card="host0",
            admin_cidrs=["203.0.113.0/24"],
        )"""
HOME, PROXY, JOINS = "internal", "proxy", "second"
LONG, SHORT = 900, 60
"""Seconds that a change waits: one that should be confirmed, and one that should not."""

PATIENCE = 900.0
HOLDS = (
    'import fcntl, time; f = open("/var/lib/dpkg/lock-frontend", "w"); fcntl.lockf(f, fcntl.LOCK_EX); time.sleep(60)'
)
STATE = "/var/lib/mailnix/generations/state.json"
SAID = (
    f"cat {STATE}; systemctl --failed --plain --no-legend; systemctl list-jobs --no-legend; ip -brief address;"
    " wg show all; tail -n 60 /var/log/dpkg.log; journalctl --no-pager --lines=400"
)


@define
class Town:
    """Both servers and the description of whoever deploys them."""

    servers: Servers
    folder: Path
    fields: dict[str, str]

    @property
    def config(self) -> Path:
        return self.folder / "mail.py"

    def describe(self, **changed: str) -> None:
        """Write the description, with these fields other than they were."""
        self.fields |= changed
        places = {
            "proxy": two_servers.PROXY,
            "home": two_servers.HOME,
            "providers_router": two_servers.PROVIDERS_ROUTER,
            "home_router": two_servers.HOME_ROUTER,
        }
        self.config.write_text(TEXT.format(**{**places, **self.fields}))

    def mailnix(self, *words: str) -> Completed:
        return self.servers.client(words[0], self.config, *words[1:])

    def words(self, *more: str) -> tuple[str, ...]:
        return (
            "--ssh-config",
            str(self.servers.ssh_config),
            "--to",
            f"{HOME}=root@{two_servers.HOME}",
            "--to",
            f"{PROXY}=root@{two_servers.PROXY}",
            "--json",
            *more,
        )

    def deploy(self, *more: str, within: int = LONG) -> Completed:
        """Whatever should be confirmed has all the time that a busy machine takes."""
        return self.mailnix("deploy", *self.words("--within", str(within)), *more)

    def machine(self, host: str) -> Container:
        return {PROXY: self.servers.proxy, HOME: self.servers.home, JOINS: self.servers.second}[host]

    @property
    def hosts(self) -> tuple[str, ...]:
        return HOME, PROXY

    def said(self, host: str) -> str:
        """What tells why something failed there."""
        told = self.machine(host).out(SAID)
        return f"{told}\n{self.begun.read_text()}" if self.begun.exists() else told

    @property
    def begun(self) -> Path:
        """What a deploy says that goes on while a test looks."""
        return self.folder / "begun.log"

    def current(self, host: str) -> int | None:
        number: int | None = self.state(host)["current"]
        return number

    def state(self, host: str) -> Any:
        return json.loads((self.machine(host).root / STATE[1:]).read_text())


def ends(done: Completed) -> dict[str, str]:
    """Machine → what became of it; what was said is shown where there is no report."""
    assert done.stdout.strip(), done.stderr
    return {each["host"]: each["end"] for each in json.loads(done.stdout)["machines"]}


def of(done: Completed, host: str) -> Any:
    (found,) = [each for each in json.loads(done.stdout)["machines"] if each["host"] == host]
    return found


def whole(town: Town, host: str) -> None:
    """A machine is what its current generation describes: nothing pending, nothing differs, nothing of ours failed."""
    state, machine = town.state(host), town.machine(host)
    assert state["pending"] is None
    assert machine.out(
        f"dpkg-query --show --showformat '${{Version}} ${{db:Status-Abbrev}}' mailnix-{host}"
    ).split() == [
        str(state["current"]),
        "ii",
    ]
    assert machine.out(f"dpkg --verify mailnix-{host}") == ""
    ours = re.findall(
        r"^(?:mailnix|haraka|caddy|unbound)\S*", machine.out("systemctl --failed --plain --no-legend"), re.M
    )
    assert ours == []


def started(town: Town) -> dict[str, str]:
    """When each unit that runs on either machine was started; but that which finds no Mailcow, again and again."""
    found = {}
    for host in (HOME, PROXY):
        shown = town.machine(host).out(
            "systemctl show --property=Id,ActiveEnterTimestampMonotonic $(systemctl list-units --plain --no-legend"
            " --state=active --type=service,socket,timer,path | awk '{print $1}'"
            " | grep -v '^user\\|^session\\|@\\|^mailcow-bans')"
        )
        for block in shown.split("\n\n"):
            values = dict(line.split("=", 1) for line in block.splitlines() if "=" in line)
            found[f"{host} {values['Id']}"] = values["ActiveEnterTimestampMonotonic"]
    return found


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    if reason := container.seldom():
        pytest.skip(reason)
    folder = tmp_path_factory.mktemp("town")
    fields = {
        "admins": '["203.0.113.0/24"]',
        "backup": "None",
        "second": "",
        "tunnel": "",
        "key": "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIKwBLL4jVYCnj4xTcV0FKcZTZ3LVdCxZxqkEMPdGIUBs x",
        "domains": DOMAIN.format(more=""),
    }
    begun = Town(None, folder, fields)  # type: ignore[arg-type]
    begun.describe()
    packages = {name for host in debian_hosts(pipeline.plan(begun.config)) for name in generation(host, 1).depends}
    with servers(folder, sorted(name for name in packages if not name.startswith("mailnix-"))) as made:
        begun.servers = made
        begun.describe(key=(folder / "id_ed25519.pub").read_text().strip())
        yield begun


def test_a_server_of_somebodys_is_not_taken_over_unasked(town: Town) -> None:
    done = town.deploy()
    assert done.status == 1
    assert "--take-over" in done.stderr
    assert town.servers.proxy.out("hostname") == "vps"


def test_two_plain_servers_become_proxy_and_home(town: Town) -> None:
    done = town.deploy("--take-over")
    assert done.status == 0, done.stderr
    assert ends(done) == {HOME: "confirmed", PROXY: "confirmed"}
    for host in (HOME, PROXY):
        whole(town, host)
        assert town.machine(host).out("hostname") == host
    seen = {each["what"]: each["ok"] for each in of(done, PROXY)["checks"]}
    assert seen["the tunnel's handshake (proxy)"]
    assert seen["Mailcow through the tunnel (proxy)"]
    assert seen["port 25 from outside (proxy)"]


def test_nothing_to_do_is_nothing_done(town: Town) -> None:
    done = town.deploy()
    assert done.status == 0
    assert ends(done) == {HOME: "as described", PROXY: "as described"}


def test_a_new_mailbox_restarts_nothing(town: Town) -> None:
    before = started(town)
    town.describe(domains=DOMAIN.format(more=', Mailbox("bob")'))
    done = town.deploy()
    assert ends(done) == {HOME: "confirmed", PROXY: "as described"}, done.stderr
    assert "bob@example.org" in done.stderr  # where its first password is
    assert of(done, HOME)["changes"]["units"] == []
    after = started(town)
    assert {unit: at for unit, at in after.items() if before.get(unit, at) != at} == {}
    whole(town, HOME)


def test_a_new_domain_is_on_both_machines_and_its_records_are_named(town: Town) -> None:
    other = 'Domain("example.net", [Mailbox("carol")], [Alias("postmaster", ["carol"])])'
    town.describe(domains=f"{DOMAIN.format(more='')}, {other}")
    done = town.deploy()
    assert ends(done) == {HOME: "confirmed", PROXY: "confirmed"}, done.stderr
    assert any(line.startswith("example.net. MX ") for line in json.loads(done.stdout)["publish"])
    assert "example.net" in town.servers.proxy.out("cat /etc/haraka-in/config/host_list")


def test_a_dry_run_shows_and_changes_nothing(town: Town) -> None:
    town.describe(tunnel="port=51999")
    before = {host: town.current(host) for host in (HOME, PROXY)}
    done = town.deploy("--dry-run")
    assert ends(done) == {HOME: "planned", PROXY: "planned"}, done.stderr
    assert "/etc/systemd/network/50-wg0.netdev" in of(done, PROXY)["changes"]["changed"]
    assert {host: town.current(host) for host in (HOME, PROXY)} == before


def test_the_tunnels_port_changes_on_both_at_once(town: Town) -> None:
    done = town.deploy()
    assert ends(done) == {HOME: "confirmed", PROXY: "confirmed"}, done.stderr
    assert town.servers.proxy.out("wg show wg0 listen-port") == "51999"
    whole(town, PROXY)


def test_half_of_a_tunnel_is_refused(town: Town) -> None:
    town.describe(tunnel='port=51999, subnet="10.77.0.0/24"')
    done = town.deploy(PROXY)
    assert done.status == 1
    assert HOME in done.stderr
    assert town.state(PROXY)["pending"] is None


def test_the_tunnels_subnet_changes_on_both_at_once(town: Town) -> None:
    done = town.deploy()
    assert ends(done) == {HOME: "confirmed", PROXY: "confirmed"}, done.stderr
    assert "10.77.0.1/32" in town.servers.proxy.out("ip -brief address show wg0")


def test_new_keys_of_the_tunnel_reach_both(town: Town) -> None:
    before = town.servers.proxy.out("wg show wg0 public-key")
    rotated = town.servers.client("secrets", "rotate", town.config, f"{PROXY}/network.wireguard.private.wg0")
    assert rotated.status == 0, rotated.stderr
    done = town.deploy()
    assert ends(done) == {HOME: "confirmed", PROXY: "confirmed"}, done.stderr
    assert town.servers.proxy.out("wg show wg0 public-key") != before


@pytest.mark.parametrize(
    "changed",
    [
        {"admins": '["198.51.100.0/24"]'},
        {"key": "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIKwBLL4jVYCnj4xTcV0FKcZTZ3LVdCxZxqkEMPdGIUBs x"},
    ],
    ids=["firewall", "key"],
)
def test_what_would_lock_one_out_ends_in_the_generation_before(town: Town, changed: dict[str, str]) -> None:
    fields = dict(town.fields)
    before = {host: town.current(host) for host in (HOME, PROXY)}
    town.describe(**changed)
    done = town.deploy(PROXY, within=SHORT)
    assert done.status == 1, done.stdout
    assert "a new SSH connection" in done.stderr
    assert {host: town.current(host) for host in (HOME, PROXY)} == before
    whole(town, PROXY)
    town.describe(**fields)
    assert ends(town.deploy())[PROXY] == "as described"


@thorough
@pytest.mark.parametrize(
    ("changed", "why"),
    [
        (
            {"proxy": "198.51.100.77", "providers_router": "198.51.100.1"},
            "proxy went back by itself: it was not confirmed within",
        ),
        ({"providers_router": "203.0.113.254"}, "Mailcow through the tunnel (proxy)"),
    ],
    ids=["address", "gateway"],
)
def test_a_network_that_leads_nowhere_is_taken_back_at_both_ends(town: Town, changed: dict[str, str], why: str) -> None:
    before = {host: town.current(host) for host in (HOME, PROXY)}
    town.describe(**changed)
    done = town.deploy(within=SHORT)
    for key in changed:
        del town.fields[key]
    town.describe()
    assert done.status == 1, done.stdout
    assert why in done.stderr
    assert {host: town.current(host) for host in (HOME, PROXY)} == before
    for host in (HOME, PROXY):
        whole(town, host)
    assert {*ends(town.deploy()).values()} == {"as described"}


@thorough
def test_whoever_uses_dpkg_is_waited_for_and_named(town: Town) -> None:
    """As unattended-upgrades does at night."""
    fields = dict(town.fields)
    town.describe(admins='["203.0.113.0/24", "198.51.100.0/24"]')
    town.servers.proxy.sh(f"systemd-run --quiet --collect python3 -c '{HOLDS}'")
    done = town.deploy(PROXY)
    town.describe(**fields)
    assert ends(done) == {PROXY: "confirmed"}, done.stderr
    assert re.search(r"^proxy: waiting for python3 \(process \d+\), which uses dpkg$", done.stderr, re.M)
    assert ends(town.deploy())[PROXY] == "confirmed"


@pytest.fixture
def broken_haraka(town: Town) -> Iterator[None]:
    """An owner's drop-in breaks what the next change restarts."""
    folder = "/etc/systemd/system/haraka-in.service.d"
    text = "[Service]\\nExecStartPre=/bin/false\\nRestart=no\\n"
    town.servers.proxy.sh(f"mkdir -p {folder}; printf '{text}' > {folder}/zz-broken.conf")
    fields = dict(town.fields)
    yield
    town.describe(**fields)
    town.servers.proxy.sh(f"rm -r {folder}; systemctl daemon-reload; systemctl restart haraka-in")
    whole(town, PROXY)
    town.deploy()


@pytest.mark.usefixtures("broken_haraka")
def test_a_unit_that_does_not_run_is_taken_back_at_once(town: Town) -> None:
    before = town.current(PROXY)
    town.describe(domains=town.fields["domains"].replace("example.net", "example.com"))
    done = town.deploy()
    assert done.status == 1
    assert "haraka-in.service" in done.stderr
    assert town.current(PROXY) == before


def test_a_backup_that_is_described_no_more_leaves_the_machine(town: Town) -> None:
    timer = "systemctl is-active mailcow-backup.timer"
    town.describe(backup="Backup()")
    assert ends(town.deploy())[HOME] == "confirmed"
    assert town.servers.home.out(timer) == "active"
    town.describe(backup="None")
    done = town.deploy()
    assert ends(done)[HOME] == "confirmed", done.stderr
    assert town.servers.home.out(timer) == "inactive"
    assert town.servers.home.out("ls /etc/systemd/system/mailcow-backup.timer 2>&1").endswith(
        "No such file or directory"
    )


def begun(town: Town, *more: str) -> Spawned:
    """A deploy that goes on while the test looks, as far as the machine is switched and waits."""
    words = town.servers.words("deploy", str(town.config), *town.words(*more))
    return start(words, town.begun)


def meanwhile(client: Spawned, condition: Callable[[], bool], what: str) -> None:
    """Wait for what a deploy that goes on brings about, as long as it goes on."""
    until(lambda: condition() or client.status() is not None, what, PATIENCE)
    assert condition(), f"{what}: the deploy ended with {client.status()}"


def is_back(town: Town, host: str) -> None:
    until(lambda: town.state(host)["pending"] is None, f"{host} is back", PATIENCE)


def waits(town: Town, host: str) -> bool:
    state = town.state(host)
    return state["pending"] is not None and state["pending"]["step"] == "installed"


@thorough
def test_whoever_deploys_and_is_interrupted_leaves_a_machine_that_goes_back_by_itself(town: Town) -> None:
    fields, before = dict(town.fields), town.current(PROXY)
    town.describe(admins='["198.51.100.0/24"]')  # so that it is not confirmed before it is interrupted
    client = begun(town, "--within", str(SHORT), PROXY)
    meanwhile(client, lambda: waits(town, PROXY), "the proxy waits for its confirmation")
    end(client)
    is_back(town, PROXY)
    assert town.current(PROXY) == before
    whole(town, PROXY)
    town.describe(**fields)


@thorough
def test_a_second_deploy_at_the_same_time_is_told_to_wait(town: Town) -> None:
    fields = dict(town.fields)
    town.describe(key="ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIKwBLL4jVYCnj4xTcV0FKcZTZ3LVdCxZxqkEMPdGIUBs x")
    client = begun(town, "--within", str(SHORT), HOME)
    meanwhile(client, lambda: waits(town, HOME), "home waits for its confirmation")
    second = town.deploy()
    end(client)
    assert second.status != 0
    is_back(town, HOME)
    whole(town, HOME)
    town.describe(**fields)


@pytest.mark.parametrize("step", ["installing", "installed"])
def test_a_power_cut_in_the_middle_ends_in_the_generation_before_whole(town: Town, step: str) -> None:
    fields, before = dict(town.fields), town.current(PROXY)
    town.describe(admins='["198.51.100.0/24"]')
    client = begun(town, "--within", str(LONG), PROXY)

    def there() -> bool:
        pending = town.state(PROXY)["pending"]
        return pending is not None and pending["step"] == step

    meanwhile(client, there, f"the proxy is {step}")
    town.servers.proxy.cut_power()
    end(client)
    town.servers.proxy.boot()
    is_back(town, PROXY)
    assert town.current(PROXY) == before
    whole(town, PROXY)
    assert "198.51.100.0" not in town.servers.proxy.out("nft list ruleset")
    town.describe(**fields)
    assert ends(town.deploy())[PROXY] == "as described"


@thorough
def test_a_proxy_that_joins_is_taken_over_and_has_its_tunnel(town: Town) -> None:
    joins = SECOND.format(address=two_servers.SECOND, router=two_servers.PROVIDERS_ROUTER)
    town.describe(second=joins)
    done = town.deploy("--take-over")
    assert {host: ends(done)[host] for host in (HOME, JOINS)} == {HOME: "confirmed", JOINS: "confirmed"}, done.stderr
    assert {each["what"]: each["ok"] for each in of(done, JOINS)["checks"]}["the tunnel's handshake (second)"]
    assert any(two_servers.SECOND in line for line in json.loads(done.stdout)["publish"])
    for host in (HOME, PROXY, JOINS):
        whole(town, host)
    assert {*town.servers.home.out("wg show interfaces").split()} == {"wg-proxy", "wg-second"}
    town.describe(second="")
    done = town.deploy()
    assert ends(done)[HOME] == "confirmed", done.stderr
    assert town.servers.home.out("wg show interfaces") == "wg-proxy"
    assert town.state(JOINS)["pending"] is None


def test_rolling_back_is_a_change_like_others(town: Town) -> None:
    before = town.current(PROXY)
    done = town.mailnix("rollback", PROXY, *town.words())
    assert done.status == 0, done.stderr
    after = town.current(PROXY)
    assert after is not None
    assert before is not None
    assert after < before
    whole(town, PROXY)


def test_purging_gives_a_server_back_with_the_resolvers_that_it_had(town: Town) -> None:
    proxy = town.servers.proxy
    assert proxy.sh("dpkg --purge mailnix-proxy", check=False).status == 0
    assert (proxy.root / "etc/resolv.conf").read_text() == two_servers.RESOLVERS
    assert proxy.out("hostname") == "vps"
    assert proxy.out("dpkg-divert --list | grep mailnix-proxy") == ""
