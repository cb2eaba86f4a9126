# ruff: noqa: F821 - the test driver gives acme, internal, proxy, world and subtest
"""The test script of mail-exchange.nix."""

CLIENT = "203.0.113.77"
PROXY = "203.0.113.10"
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
    proxy.wait_until_succeeds("ping -c 1 10.0.0.2")

with subtest("mail comes in, and Mailcow sees the sender's own address"):
    send = "swaks --server 203.0.113.10 --ehlo client.elsewhere.test --from carol@elsewhere.test"
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

with subtest("the web answers over a certificate of the authority"):
    world.wait_until_succeeds(f"curl --insecure -sf https://mail.example.org/ --resolve mail.example.org:443:{PROXY}")
    world.fail(f"curl --insecure -sf https://mail.example.org/admin --resolve mail.example.org:443:{PROXY}")

with subtest("nothing else is open"):
    found = world.succeed(f"nmap -Pn -p- --open -oG - {PROXY}")
    ports = sorted(int(part.split("/")[0]) for part in found.split("Ports: ")[1].split(", "))
    assert ports == [22, 25, 80, 443, 587], ports  # 465 and 993 have no listener in the stand-in
    assert "Ports:" not in world.succeed("nmap -Pn -p- --open -oG - 192.168.77.2")

with subtest("no unit has failed"):
    for machine in (proxy, internal):
        failed = machine.succeed("systemctl list-units --failed --plain --no-legend").strip()
        assert not failed, failed
