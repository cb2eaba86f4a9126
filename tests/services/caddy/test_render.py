from pathlib import Path

from mailnix import Domain, MtaStsMode
from mailnix.plan import Plan, derive
from mailnix.run import run
from mailnix.services.caddy.render import caddyfile
from tests.services.conftest import tool, topology


def test_caddy_accepts_the_caddyfile(plan: Plan, two_proxies: Plan, tmp_path: Path) -> None:
    caddy = tool("caddy")
    for which in (plan, two_proxies):
        path = tmp_path / "Caddyfile"
        path.write_text(caddyfile(which, which.proxies[0]))
        done = run(
            [caddy, "validate", "--adapter", "caddyfile", "--config", path], env={"HOME": str(tmp_path)}, check=False
        )
        assert done.status == 0, done.stderr


def test_challenges_for_mailcows_own_certificate_go_through_the_tunnel(plan: Plan) -> None:
    text = caddyfile(plan, plan.proxies[0])
    assert "/.well-known/acme-challenge/*" in text
    assert "reverse_proxy 10.0.0.2:8080" in text


def test_administration_is_closed_to_the_internet(plan: Plan) -> None:
    text = caddyfile(plan, plan.proxies[0])
    for path in ("/api/*", "/admin/*", "/rspamd/*"):
        assert path in text
    assert "respond 403" in text


def test_every_name_of_the_proxys_certificate_is_a_site(plan: Plan) -> None:
    text = caddyfile(plan, plan.proxies[0])
    for name in plan.proxies[0].certificate.names:
        assert name in text


def test_a_domain_without_mta_sts_has_no_policy_site() -> None:
    plan = derive(topology(domains=[Domain("example.org", mta_sts=MtaStsMode.NONE), Domain("example.net")]))
    text = caddyfile(plan, plan.proxies[0])
    assert "mta-sts.example.net" in text
    assert "mta-sts.example.org" not in text


def test_the_policy_names_every_mx(two_proxies: Plan) -> None:
    text = caddyfile(two_proxies, two_proxies.proxies[0])
    assert "mx: mx1.example.org" in text
    assert "mx: mx2.example.org" in text
