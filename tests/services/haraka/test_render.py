import json
from configparser import RawConfigParser
from pathlib import PurePath

import pytest

from mailnix import Domain, Relay
from mailnix.plan import Plan, derive
from mailnix.services.haraka.debian import debian
from mailnix.services.haraka.nixos import nixos
from mailnix.services.haraka.render import files_in, files_out, incoming, outgoing
from mailnix.services.haraka.values import Timing
from mailnix.tree import Tree
from tests.services.conftest import topology


def ini(text: str) -> RawConfigParser:
    parser = RawConfigParser(delimiters=("=",))
    parser.read_string(text)
    return parser


def keys(text: str) -> dict[str, str]:
    """Keys of a file without sections."""
    lines = (line for line in text.splitlines() if line and not line.startswith(";"))
    return dict(line.split("=", 1) for line in lines)


def test_connection_ini_has_every_section_that_haraka_cannot_start_without(plan: Plan) -> None:
    host = plan.proxies[0]
    for files in (files_in(incoming(plan, host)), files_out(outgoing(plan, host))):
        sections = ini(files["config/connection.ini"]).sections()
        assert sections == ["main", "haproxy", "headers", "max", "message", "uuid"]


def test_one_socket_takes_both_families_where_the_proxy_has_ipv6(plan: Plan, ipv4_plan: Plan) -> None:
    assert incoming(plan, plan.proxies[0]).listen == ("[::]:25",)
    assert incoming(ipv4_plan, ipv4_plan.proxies[0]).listen == ("0.0.0.0:25",)


def test_the_relay_is_on_the_tunnel_for_the_machine_at_home_only(two_proxies: Plan) -> None:
    for host in two_proxies.proxies:
        out = outgoing(two_proxies, host)
        assert out.listen == (f"{host.tunnel.proxy.ipv4}:2526",)
        assert out.clients == (f"{host.tunnel.internal.ipv4}/32",)


def test_each_proxy_speaks_under_its_own_name(two_proxies: Plan) -> None:
    for host in two_proxies.proxies:
        assert files_in(incoming(two_proxies, host))["config/me"] == f"{host.hostname}\n"
        assert files_out(outgoing(two_proxies, host))["config/me"] == f"{host.hostname}\n"


def test_mail_for_every_domain_goes_to_mailcow_and_bounces_by_way_of_haraka_in() -> None:
    plan = derive(topology(domains=[Domain("example.org"), Domain("bücher.example")]))
    host = plan.proxies[0]
    assert files_in(incoming(plan, host))["config/host_list"] == "example.org\nxn--bcher-kva.example\n"
    routes = ini(files_out(outgoing(plan, host))["config/relay_dest_domains.ini"])["domains"]
    assert {domain: json.loads(route) for domain, route in routes.items()} == {
        "example.org": {"nexthop": "127.0.0.1:25"},
        "xn--bcher-kva.example": {"nexthop": "127.0.0.1:25"},
    }


def test_bounces_are_announced_with_the_public_address(plan: Plan) -> None:
    settings = keys(files_in(incoming(plan, plan.proxies[0]))["config/xclient_upstream.ini"])
    assert settings["own_address"] == "203.0.113.10"


@pytest.mark.parametrize(
    ("first", "contact", "expected"),
    [
        (["postmaster"], "hello@example.com", "postmaster@example.org"),
        (["alice"], "alice@example.org", "alice@example.org"),
        (["alice"], "hello@example.com", "postmaster@example.org"),
    ],
    ids=["its own", "the contact", "a contact elsewhere"],
)
def test_postmaster_without_a_domain_is_somebody_of_ours(first: list[str], contact: str, expected: str) -> None:
    plan = derive(topology(domains=[Domain("example.org", mailboxes=first)], contact=contact))
    files = files_in(incoming(plan, plan.proxies[0]))
    assert keys(files["config/postmaster.ini"])["address"] == expected
    plugins = files["config/plugins"].split()
    assert plugins.index("postmaster") < plugins.index("rcpt_to.in_host_list")


def test_addresses_of_the_tunnel_stay_out_of_headers(plan: Plan) -> None:
    files = files_out(outgoing(plan, plan.proxies[0]))
    assert ini(files["config/connection.ini"])["headers"]["add_received"] == "false"


def test_haraka_in_waits_longer_than_the_sender_and_then_knows_why(plan: Plan) -> None:
    timing = Timing()
    assert 600 < timing.patience < timing.proxy
    files = files_in(incoming(plan, plan.proxies[0]))
    assert files["config/queue/smtp_proxy.timeout"] == f"{timing.proxy}\n"


def test_the_client_is_announced_before_anything_is_handed_on(plan: Plan) -> None:
    plugins = files_in(incoming(plan, plan.proxies[0]))["config/plugins"].split()
    assert plugins.index("xclient_upstream") < plugins.index("queue/smtp_proxy")
    assert "relay" not in plugins
    assert "xclient" not in plugins


def test_every_plugin_of_ours_comes_with_its_code_and_its_settings(plan: Plan) -> None:
    host = plan.proxies[0]
    for files in (files_in(incoming(plan, host)), files_out(outgoing(plan, host))):
        ours = {path.stem for path in map(PurePath, files) if path.match("plugins/*.js") and len(path.parts) == 2}
        assert ours <= set(files["config/plugins"].split())
        for name in ours:
            wanted = f"get('{name}.ini')" in files[f"plugins/{name}.js"]
            assert (f"config/{name}.ini" in files) == wanted


def test_no_secret_is_in_a_folder(plan: Plan) -> None:
    host = plan.proxies[0]
    for files in (files_in(incoming(plan, host)), files_out(outgoing(plan, host))):
        assert "config/internalcmd_key" not in files
        assert not any("PRIVATE" in text for text in files.values())


def test_paths_are_sorted_so_that_trees_are_stable(plan: Plan) -> None:
    files = files_in(incoming(plan, plan.proxies[0]))
    assert list(files) == sorted(files)


RELAYS = (
    Relay("smtp.relay.example", "u", ["outlook.com", "bücher.example"]),
    Relay("smtps.other.example", port=465),
)


def test_nothing_of_smarthosts_is_there_without_a_relay(plan: Plan) -> None:
    files = files_out(outgoing(plan, plan.proxies[0]))
    assert "smarthosts" not in files["config/plugins"].split()
    assert not [path for path in files if "smarthost" in path]


def test_every_relay_is_told_to_haraka_out_and_no_password() -> None:
    plan = derive(topology(relays=RELAYS))
    files = files_out(outgoing(plan, plan.proxies[0]))
    assert files["config/plugins"].split()[-1] == "smarthosts"  # it wraps what tls_policy has put in place
    assert "plugins/smarthosts.js" in files
    assert json.loads(files["config/smarthosts.json"])["smarthosts"] == [
        {
            "host": "smtp.relay.example",
            "port": 587,
            "tls": "starttls",
            "user": "u",
            "domains": ["outlook.com", "xn--bcher-kva.example"],
        },
        {"host": "smtps.other.example", "port": 465, "tls": "implicit", "user": "", "domains": []},
    ]
    assert not [path for path in files if "password" in path]


@pytest.mark.parametrize("backend", ["debian", "nixos"])
def test_a_relays_password_is_a_credential_that_haraka_out_alone_is_given(backend: str) -> None:
    plan = derive(topology(relays=RELAYS))
    host = plan.proxies[0]
    names = [credential.name for credential in host.credentials]
    assert [name for name in names if "relay" in name] == ["haraka.relay.smtp.relay.example"]
    if backend == "debian":
        tree = Tree.of(debian(plan, host).entries)
        inward, outward = (str(tree.file(f"/etc/systemd/system/haraka-{way}.service").content) for way in ("in", "out"))
        assert "LoadCredential=haraka.relay.smtp.relay.example\n" in outward
        assert (
            "%d/haraka.relay.smtp.relay.example /run/haraka-out/config/smarthost_password.smtp.relay.example\n"
            in outward
        )
    else:
        (instances,) = (each.value for each in nixos(plan, host).options if each.path[-1] == "instances")
        assert isinstance(instances, dict)
        inward, outward = str(instances["in"]), str(instances["out"])
        assert "'smarthost_password.smtp.relay.example': 'haraka.relay.smtp.relay.example'" in outward
    assert "relay.smtp" not in inward
