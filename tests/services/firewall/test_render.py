import re

import pytest
from attrs import evolve

from mailnix import Internal, Proxy
from mailnix.model import ports
from mailnix.plan import Plan, Reach, Transport, derive
from mailnix.run import run
from mailnix.services.firewall.render import script, table
from tests.services.conftest import tool, topology


@pytest.mark.parametrize("fixture", ["plan", "ipv4_plan", "two_proxies"])
def test_nft_accepts_every_hosts_table(fixture: str, request: pytest.FixtureRequest) -> None:
    nft = tool("nft")
    plan: Plan = request.getfixturevalue(fixture)
    for host in plan.hosts:
        # A network namespace of its own: checking needs the kernel's tables, not this machine's.
        done = run(["unshare", "-n", nft, "-c", "-f", "-"], stdin=script(host).encode(), check=False)
        assert done.status == 0, done.stderr


def test_nft_refuses_a_broken_table(plan: Plan) -> None:
    nft = tool("nft")
    broken = script(plan.internal).replace("policy drop", "policy dorp")
    assert run(["unshare", "-n", nft, "-c", "-f", "-"], stdin=broken.encode(), check=False).status != 0


def test_loading_replaces_our_table_and_flushes_nothing_else(plan: Plan) -> None:
    for host in plan.hosts:
        text = script(host)
        assert "flush" not in text
        assert re.findall(r"^(?:delete )?table (.*?)(?: \{)?$", text, re.M) == ["inet mailnix"] * 3


def test_the_proxy_opens_to_the_internet_exactly_the_plans_listeners(plan: Plan) -> None:
    proxy = plan.proxies[0]
    text = table(proxy)
    planned = {e.port for e in proxy.listeners if e.reach is Reach.INTERNET and e.transport is Transport.TCP}
    opened = re.search(r'iifname != "wg0" tcp dport \{ ([\d, ]+) \} counter accept', text)
    assert opened is not None
    assert {int(port) for port in opened[1].split(",")} == planned
    assert f"udp dport {proxy.tunnel.port} counter accept" in text


def test_nothing_masquerades_the_mail_ports(plan: Plan) -> None:
    for host in plan.hosts:
        rules = [line.split("#")[0] for line in table(host).splitlines()]
        assert not any("masquerade" in rule or "snat" in rule for rule in rules)


def test_ssh_is_limited_to_admin_networks_where_they_are_given(two_proxies: Plan) -> None:
    limited, unlimited = (table(proxy) for proxy in two_proxies.proxies)
    assert "ip saddr { 192.0.2.0/24 } tcp dport 22 counter accept" in limited
    assert "ip6 saddr { 2001:db8::/48 } tcp dport 22 counter accept" in limited
    assert not re.search(r"^ *tcp dport 22", limited, re.M)
    assert re.search(r"^ *tcp dport 22 counter accept", unlimited, re.M)


def test_the_internal_host_accepts_no_new_connection_unless_home_admins_are_named(
    plan: Plan, two_proxies: Plan
) -> None:
    def accepts(text: str) -> list[str]:
        chain = text.split("chain input {")[1].split("\n  }")[0]
        return [line.strip() for line in chain.splitlines() if "tcp dport" in line]

    nobody = evolve(plan.topology, internal=evolve(plan.topology.internal, lan_admin_cidrs=()))
    assert accepts(table(derive(nobody).internal)) == []
    assert accepts(table(two_proxies.internal)) == [f"{HOME} ip saddr {{ 192.168.1.0/24 }} tcp dport 22 counter accept"]


HOME = 'iifname { "en*", "eth*", "wl*", "bond*", "br0" }'


@pytest.mark.parametrize(
    ("card", "where"),
    [
        (None, HOME),
        ("52:54:00:12:34:56", HOME),
        ("52-54-00-12-34-56", HOME),
        ("br-lan", 'iifname { "br-lan", "en*", "eth*", "wl*", "bond*", "br0" }'),
        ("enp3s0", HOME),
        ("lan0", 'iifname { "lan0", "en*", "eth*", "wl*", "bond*", "br0" }'),
    ],
)
def test_ssh_at_home_comes_by_the_home_networks_card(card: str | None, where: str) -> None:
    text = table(derive(topology(internal=Internal("internal", card=card))).internal)
    rules = [line.strip() for line in text.splitlines() if "tcp dport 22 " in line]
    assert len(rules) == 2
    assert all(rule.startswith(f"{where} ip") for rule in rules)


def test_a_proxy_is_a_jump_host_for_ssh_alone_and_by_its_own_address(two_proxies: Plan) -> None:
    described = two_proxies.topology
    east, west = described.proxies
    through = evolve(described.internal, ssh_via_proxy=True)
    plan = derive(evolve(described, internal=through, proxies=(east, evolve(west, sealed=True))))
    rules = [line.strip() for line in table(plan.internal).splitlines() if 'iifname "wg-' in line and " 22 " in line]
    ends = plan.tunnels[0]
    assert rules == [
        f'iifname "wg-east" ip saddr {ends.proxy.ipv4} ip daddr {plan.internal.ipv4} tcp dport 22 counter accept'
    ]


def test_nobody_reaches_the_ssh_of_a_sealed_machine() -> None:
    sealed = Proxy("proxy", ipv4="203.0.113.10", sealed=True)
    plan = derive(topology(sealed, internal=Internal("internal", sealed=True)))
    for host in plan.hosts:
        assert "dport 22" not in table(host)
        assert all(listener.service != "ssh" for listener in host.listeners)


def test_smtp_and_web_are_taken_from_the_proxys_own_address_only(two_proxies: Plan) -> None:
    text = table(two_proxies.internal)
    for link in two_proxies.tunnels:
        name, address = link.internal.interface, link.proxy.ipv4
        assert f'iifname "{name}" oifname "br-mailcow" ip saddr {address} tcp dport {{ 25, 8080 }}' in text


def test_each_tunnel_has_its_own_mark(two_proxies: Plan) -> None:
    marks = [link.mark for link in two_proxies.tunnels]
    assert len(set(marks)) == 2
    for link in two_proxies.tunnels:
        assert f'iifname "{link.internal.interface}" ct state new ct mark set {link.mark}' in table(
            two_proxies.internal
        )


def test_without_an_ipv6_address_no_mail_leaves_over_ipv6(plan: Plan, ipv4_plan: Plan) -> None:
    assert f'meta nfproto ipv6 oifname != "lo" tcp dport {ports.SMTP}' in table(ipv4_plan.proxies[0])
    assert "chain output" not in table(plan.proxies[0])
    assert "dnat ip6" not in table(ipv4_plan.proxies[0])


def test_mail_never_leaves_from_the_home_address(plan: Plan) -> None:
    text = table(plan.internal)
    assert '    oifname != { "br-mailcow", "wg-proxy" } tcp dport 25 counter reject' in text
    assert '    oifname != { "lo", "br-mailcow", "wg-proxy" } tcp dport 25 counter reject' in text


def test_tunnel_networks_are_the_plans(plan: Plan) -> None:
    assert plan.internal.ipv4 in plan.tunnel4
    assert f"dnat ip to {plan.internal.ipv4}" in table(plan.proxies[0])
