# ruff: noqa: F821 - the test driver gives acme, internal, proxy, world and subtest
"""The test script of mail-exchange.nix: addresses and ports come from the plan, a question from the lab's scenario."""

from ipaddress import ip_address
from pathlib import Path
from types import SimpleNamespace

from mailnix.config import load
from mailnix.lab.scenario.health import no_unit_has_failed
from mailnix.lab.scenario.isolation import expected_tcp
from mailnix.plan import derive

plan = derive(load(Path("@example@")))
HOST = plan.topology.hostname
CLIENT = ip_address("203.0.113.77")
PROXY = plan.proxies[0].ipv4
LOG = "journalctl -M mailcow --no-pager -u postfix"

world.start()
acme.start()
world.wait_for_unit("dnsmasq.service")
world.wait_for_unit("postfix.service")
acme.wait_for_unit("pebble.service")
proxy.start()
internal.start()

for machine, units in {
    proxy: ["mailnix-credentials", "nftables", "haraka-in", "haraka-out", "caddy", "sshd"],
    internal: ["mailnix-credentials", "nftables", "container@mailcow"],
}.items():
    for unit in units:
        machine.wait_for_unit(f"{unit}.service")

with subtest("the tunnel is up"):
    proxy.wait_until_succeeds(f"ping -c 1 {plan.internal.ipv4}")

with subtest("mail comes in, and Mailcow sees the sender's own address"):
    send = f"swaks --server {PROXY} --ehlo client.elsewhere.test --from carol@elsewhere.test"
    world.wait_until_succeeds(f"{send} --local-interface {CLIENT} --to alice@example.org")
    internal.wait_until_succeeds(f"{LOG} | grep 'client=.*\\[{CLIENT}\\]'")

with subtest("an unknown recipient is refused by name, another domain is not relayed"):
    world.fail(f"{send} --to nobody@example.org")
    world.fail(f"{send} --to carol@elsewhere.test")

with subtest("mail programs reach Mailcow with their own address"):
    world.succeed(f"swaks --server {PROXY} --port 587 --local-interface {CLIENT} --quit-after EHLO")
    internal.wait_until_succeeds(f"{LOG} | grep 'submission/smtpd.*connect from unknown\\[{CLIENT}\\]'")

with subtest("mail goes out from the proxy's address, under its name"):
    message = "printf 'Subject: out\\n\\nHello.\\n'"
    internal.succeed(f"{message} | nixos-container run mailcow -- sendmail -f alice@example.org carol@elsewhere.test")
    world.wait_until_succeeds(f"journalctl -u postfix | grep 'client=mail.example.org\\[{PROXY}\\]'")

with subtest("the web answers, administration does not"):
    page = f"curl --insecure -sf --resolve {HOST}:443:{PROXY} https://{HOST}"
    world.wait_until_succeeds(f"{page}/")
    world.fail(f"{page}/admin/")

with subtest("the planned ports are open, and no other"):
    found = world.succeed(f"nmap -Pn -p- --open -oG - {PROXY}")
    ports = {int(part.split("/")[0]) for part in found.split("Ports: ")[1].split(", ")}
    wanted = expected_tcp(plan.proxies[0], CLIENT)
    assert ports == wanted, f"open: {sorted(ports)}, planned: {sorted(wanted)}"
    assert "Ports:" not in world.succeed("nmap -Pn -p- --open -oG - 192.168.77.2")

with subtest("no unit has failed"):

    class Guest:
        """A machine of this driver, as the scenario sees one."""

        def __init__(self, machine):
            self.machine = machine

        def execute(self, command, *, timeout=900):
            return self.machine.execute(command, timeout=int(timeout))

        def succeed(self, command, *, timeout=900):
            return self.machine.succeed(command, timeout=int(timeout))

    guests = {"proxy": Guest(proxy), "internal": Guest(internal)}
    print(no_unit_has_failed(SimpleNamespace(plan=plan, guest=guests.__getitem__)))
