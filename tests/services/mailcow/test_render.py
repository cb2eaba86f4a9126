import json
import subprocess
from pathlib import Path

import pytest
from attrs import evolve

from mailnix import Alias, Domain, Internal, Mailbox
from mailnix.errors import BuildError
from mailnix.model.clientport import KNOWN, OFFERED
from mailnix.plan import Plan, derive
from mailnix.services.mailcow import render
from mailnix.services.mailcow.contents import provision_json
from mailnix.services.mailcow.guest.description import read
from tests.services.conftest import tool, topology


def variables(plan: Plan) -> dict[str, str]:
    lines = render.files(plan)[render.CONF].splitlines()
    return dict(line.split("=", 1) for line in lines if not line.startswith("#"))


def settings(text: str) -> dict[str, str]:
    """The parameters of a main.cf without continuation lines."""
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    return {name.strip(): value.strip() for name, _, value in (line.partition("=") for line in lines)}


def test_every_planned_listener_is_bound_to_the_tunnels_address(plan: Plan) -> None:
    conf = variables(plan)
    address = str(plan.internal.ipv4)
    bound = {int(value.rpartition(":")[2]) for value in conf.values() if value.startswith(f"{address}:")}
    bound |= {int(conf["HTTP_PORT"])} if conf["HTTP_BIND"] == address else set()
    planned = {one.port for one in plan.internal.listeners if plan.internal.ipv4 in one.addresses}
    assert bound == planned


def test_every_other_port_is_bound_to_loopback(plan: Plan) -> None:
    conf = variables(plan)
    ports = {name: value for name, value in conf.items() if name.endswith("_PORT") and ":" in value}
    others = {name for name, value in ports.items() if not value.startswith(str(plan.internal.ipv4))}
    assert {ports[name].partition(":")[0] for name in others} == {"127.0.0.1"}
    not_offered = {client.variable for client in {*KNOWN} - {*OFFERED}}
    assert {*not_offered, "SQL_PORT", "REDIS_PORT", "DOVEADM_PORT"} == others
    assert conf["HTTPS_BIND"] == "127.0.0.1"


def test_web_comes_over_plain_http_in_the_tunnel_without_a_redirect(plan: Plan) -> None:
    conf = variables(plan)
    assert conf["HTTP_REDIRECT"] == "n"
    assert conf["HTTP_PORT"] not in {"8081", "9081", "9082", "65510"}  # Mailcow's nginx has these for itself


def test_mailcows_nginx_believes_the_proxies_and_itself_about_who_asks(two_proxies: Plan) -> None:
    """Logins of ActiveSync and DAV go through its own loopback: they would all fail "by 127.0.0.1"."""
    east, west = (str(link.proxy.ipv4) for link in two_proxies.tunnels)
    assert variables(two_proxies)["TRUSTED_PROXIES"] == f"{east},{west},127.0.0.1"


def test_only_this_host_may_call_the_api(plan: Plan) -> None:
    assert variables(plan)["API_ALLOW_FROM"] == "172.22.1.1,127.0.0.1"


def test_the_tunnel_is_never_trusted_to_relay(two_proxies: Plan) -> None:
    for path, text in render.files(two_proxies).items():
        assert "mynetworks =" not in text, path
        assert "mynetworks_style" not in text, path


def test_xclient_is_granted_on_port_25_alone(two_proxies: Plan) -> None:
    files = render.files(two_proxies)
    extra = settings(files["data/conf/postfix/extra.cf"])
    addresses = ",".join(str(link.proxy.ipv4) for link in two_proxies.tunnels)
    assert extra["smtpd_authorized_xclient_hosts"] == ""
    assert f"-P 'smtpd/pass/smtpd_authorized_xclient_hosts={addresses}'" in files[render.HOOK]
    assert render.HOOK in render.EXECUTABLE


def test_sections_of_rspamds_stand_beside_the_one_that_turns_our_plugin_on() -> None:
    lines = {"rspamd/rspamd.conf.local": "antivirus {\n}"}
    files = render.files(derive(topology(internal=Internal("internal", extra_lines=lines))))
    assert files[render.RSPAMD_LOCAL_PATH] == "mailnix_spam_flag { enabled = true; }\nantivirus {\n}\n"
    assert f"data/conf/rspamd/plugins.d/{render.PLUGIN}.lua" in files


def test_extra_cf_has_no_line_that_mailcow_deletes(plan: Plan) -> None:
    assert "myhostname" not in render.files(plan)["data/conf/postfix/extra.cf"]


def test_mail_leaves_by_the_first_proxy_and_else_by_the_next(two_proxies: Plan, plan: Plan) -> None:
    first, second = (f"[{link.proxy.ipv4}]:2526" for link in two_proxies.tunnels)
    extra = settings(render.files(two_proxies)["data/conf/postfix/extra.cf"])
    assert (extra["relayhost"], extra["smtp_fallback_relay"]) == (first, second)
    assert "smtp_fallback_relay" not in settings(render.files(plan)["data/conf/postfix/extra.cf"])


def test_postscreen_and_anvil_let_the_proxies_pass(two_proxies: Plan) -> None:
    files = render.files(two_proxies)
    extra = settings(files["data/conf/postfix/extra.cf"])
    for link in two_proxies.tunnels:
        assert f"{link.proxy.ipv4}/32 permit" in files["data/conf/postfix/custom_postscreen_whitelist.cidr"]
        assert str(link.proxy.ipv4) in extra["smtpd_client_event_limit_exceptions"].split(", ")
    assert extra["smtpd_client_event_limit_exceptions"].startswith("$mynetworks, ")
    assert extra["postscreen_client_connection_count_limit"] == "0"


def test_ipv6_is_published_on_the_tunnels_address_where_there_is_some(plan: Plan, ipv4_plan: Plan) -> None:
    override = render.files(plan)["docker-compose.override.yml"]
    assert override.count(f"[{plan.internal.ipv6}]:") == len(OFFERED)
    assert f'"[{plan.internal.ipv6}]:993:993"' in override
    assert ":25:25" not in override
    assert variables(plan)["ENABLE_IPV6"] == "true"
    assert "docker-compose.override.yml" not in render.files(ipv4_plan)
    assert variables(ipv4_plan)["ENABLE_IPV6"] == "false"


def test_no_variable_that_holds_a_secret_is_written(plan: Plan) -> None:
    assert not set(variables(plan)) & set(render.SECRETS)
    assert set(render.SECRETS.values()) <= {credential.name for credential in plan.internal.credentials}


def test_small_machines_run_without_antivirus() -> None:
    assert variables(derive(topology()))["SKIP_CLAMD"] == "y"
    assert variables(derive(topology(internal=Internal("internal", antivirus=True))))["SKIP_CLAMD"] == "n"


def test_the_certificate_has_the_planned_names_only(plan: Plan) -> None:
    conf = variables(plan)
    assert plan.internal.certificate.names == (conf["MAILCOW_HOSTNAME"],)
    assert (conf["ONLY_MAILCOW_HOSTNAME"], conf["ADDITIONAL_SAN"], conf["AUTODISCOVER_SAN"]) == ("y", "", "n")


def test_mailcow_answers_to_former_host_names_with_a_certificate() -> None:
    plan = derive(topology(former_hostnames=["mx.old.example", "imap.old.example"]))
    conf = variables(plan)
    assert plan.internal.certificate.names == ("mail.example.org", "mx.old.example", "imap.old.example")
    assert (conf["ONLY_MAILCOW_HOSTNAME"], conf["AUTODISCOVER_SAN"]) == ("n", "n")
    assert conf["ADDITIONAL_SAN"] == conf["ADDITIONAL_SERVER_NAMES"] == "mx.old.example,imap.old.example"
    internal = Internal("internal", settings={"ADDITIONAL_SERVER_NAMES": "a.example, b.example"})
    conf = variables(derive(topology(former_hostnames=["mx.old.example"], internal=internal)))
    assert conf["ADDITIONAL_SERVER_NAMES"] == "mx.old.example,a.example,b.example"


def test_docker_and_a_shell_read_the_same_values(plan: Plan, tmp_path: Path) -> None:
    file = tmp_path / "mailcow.conf"
    file.write_text(render.files(plan)[render.CONF])
    read_by_shell = subprocess.run(
        ["env", "-i", "sh", "-c", f"set -a; . {file}; env"], check=True, capture_output=True, text=True
    ).stdout.splitlines()
    assert {f"{name}={value}" for name, value in render.conf(plan).items()} <= set(read_by_shell)


def test_a_value_that_a_shell_would_split_is_refused(plan: Plan) -> None:
    odd = evolve(plan, contact="post master@example.org")
    with pytest.raises(BuildError, match=r"ACME_ACCOUNT_EMAIL=.* cannot stand in mailcow\.conf"):
        render.files(odd)


def test_the_hook_does_to_master_cf_what_it_says(two_proxies: Plan, tmp_path: Path) -> None:
    postconf = tool("postconf")
    (tmp_path / "main.cf").write_text("compatibility_level = 3.6\n")
    (tmp_path / "master.cf").write_text(
        "smtp inet n - n - 1 postscreen\nsmtpd pass - - n - - smtpd\n  -o smtpd_sasl_auth_enable=no\n"
        "submission inet n - n - - smtpd\n"
    )
    hook = tmp_path / "hook.sh"
    hook.write_text(render.files(two_proxies)[render.HOOK].replace("/opt/postfix/conf", str(tmp_path)))
    for _ in range(2):
        subprocess.run(["sh", hook], check=True)
    listed = subprocess.run([postconf, "-c", tmp_path, "-P"], check=True, capture_output=True, text=True).stdout
    addresses = ",".join(str(link.proxy.ipv4) for link in two_proxies.tunnels)
    assert [line for line in listed.splitlines() if "xclient" in line] == [
        f"smtpd/pass/smtpd_authorized_xclient_hosts = {addresses}"
    ]


def test_the_machine_is_told_the_pin_and_names_of_credentials(plan: Plan) -> None:
    told = json.loads(render.machine_json(plan))
    assert told["source"]["rev"] == "489db905122d20487e29c9a8438b311c403442ab"
    assert told["secrets"]["DBPASS"] == "mailcow.dbpass"
    assert told["hostname"] == "mail.example.org"


def test_the_description_reads_back_with_whole_addresses(tmp_path: Path) -> None:
    domain = Domain(
        "bücher.example",
        mailboxes=[Mailbox("Alice", quota=1), Mailbox("bob", quota="1.5 GiB")],
        aliases=[Alias("info", to=["Alice", "someone@müller.example"])],
    )
    path = tmp_path / "provision.json"
    path.write_text(provision_json(derive(topology(domains=[domain]))))
    (found,) = read(path).domains
    assert found.name == "xn--bcher-kva.example"
    assert [(box.address, box.quota) for box in found.mailboxes] == [
        ("alice@xn--bcher-kva.example", 1),
        ("bob@xn--bcher-kva.example", 1536),
    ]
    assert found.aliases[0].to == {"alice@xn--bcher-kva.example", "someone@xn--mller-kva.example"}
