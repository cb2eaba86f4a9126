"""The Caddyfile of a proxy, the same text on both systems."""

from __future__ import annotations

from typing import Final

from mailnix.formats.text import template
from mailnix.model import acme, ports
from mailnix.model.policies import MtaStsMode
from mailnix.plan import Plan, ProxyPlan, dns, policies
from mailnix.services.caddy.autoconfig import autoconfig
from mailnix.services.dane import values as dane

_CLOSED: Final = ("/admin", "/domainadmin", "/rspamd", "/json_api", "/json_api.php")
CLOSED_PATHS: Final = tuple(name + rest for name in _CLOSED for rest in ("", "/*"))
API_PATHS: Final = ("/api", "/api/*")
API_KEY: Final = "X-API-Key"
"""The header that Mailcow takes an API key from, on every page (its inc/sessions.inc.php)."""
SESSION: Final = "MCSESSID"
"""The cookie of whoever has logged in to Mailcow's pages (its inc/vars.inc.php)."""
HOP: Final = "X-Mailnix-Challenge"
"""On a request that one proxy hands to another, so that it goes no further."""
AUTOCONFIG_PATHS: Final = ("/mail/config-v1.1.xml", "/.well-known/autoconfig/mail/config-v1.1.xml")
"""Answered here; what Outlook asks for depends on the mailbox, and is Mailcow's to answer."""
SETTINGS_PATHS: Final = ("/autodiscover/*", "/Autodiscover/*", "/AutoDiscover/*")


def caddyfile(plan: Plan, host: ProxyPlan) -> str:
    """Site by site: the web and the MX name, settings for mail programs, MTA-STS policies."""
    web = dict.fromkeys((plan.topology.hostname, host.hostname, *plan.topology.former_hostnames))
    settings = [name for domain in plan.domain_names for name in dns.autoconfig_names(domain)]
    return template(
        "caddy",
        "Caddyfile.j2",
        contact=plan.contact,
        directory=acme.DIRECTORY,
        challenges=f"{acme.CHALLENGES}/*",
        hop=HOP,
        challenge_root=dane.WEB if host.dane else "",
        others=[f"{proxy.ipv4}:{ports.HTTP}" for proxy in plan.proxies if proxy != host],
        upstream=f"{host.tunnel.internal.ipv4}:{ports.MAILCOW_HTTP}",
        web_names=list(web),
        web_plain=[f"http://{name}" for name in web],
        autoconfig=autoconfig(plan.topology.hostname, plan.internal.client_ports),
        autoconfig_paths=AUTOCONFIG_PATHS,
        settings_names=settings,
        settings_plain=[f"http://{name}" for name in settings],
        settings_paths=SETTINGS_PATHS,
        closed_paths=CLOSED_PATHS,
        api_paths=API_PATHS,
        api_key=API_KEY,
        session=SESSION,
        policies=_policies(plan),
    )


def _policies(plan: Plan) -> list[tuple[str, list[str]]]:
    """Each distinct MTA-STS policy with the hosts that serve it."""
    by_policy: dict[str, list[str]] = {}
    for domain in plan.topology.domains:
        if domain.mta_sts is not MtaStsMode.OFF:
            policy = dns.mta_sts_policy(plan.topology, plan.proxies, domain)
            by_policy.setdefault(policy, []).append(policies.mta_sts_name(domain.name))
    return list(by_policy.items())
