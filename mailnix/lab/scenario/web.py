"""The web through Caddy, and Mailcow's own certificate that Caddy let through."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from mailnix.lab.internet.layout import ACME_NAME
from mailnix.lab.scenario.evidence import require
from mailnix.lab.scenario.offers import readers
from mailnix.lab.scenario.scene import Scene
from mailnix.model import ports
from mailnix.model.policies import MtaStsMode
from mailnix.plan import dns, policies
from mailnix.plan.types import Address
from mailnix.services.mailcow.units import ROOT

KEY = f"{ROOT}/data/assets/ssl/key.pem"
CERTIFICATE = f"{ROOT}/data/assets/ssl/cert.pem"
# What Mailcow's nginx and PHP understand, typed here again on purpose: a name forgotten in the Caddyfile is to be seen.
API_CALL = "/api/v1/get/domain/all"
ADMINISTRATION = (
    "/admin",
    "/admin/index.php",
    "/domainadmin/",
    "/rspamd/stat",
    "/json_api.php?query=get/domain/all",
    API_CALL,
)
LOGGED_IN = "Cookie: a=b; MCSESSID=c"
KEYED = ((API_CALL, (LOGGED_IN, "X-API-Key: 0000-0000")), ("/", ("X-API-Key: 0000-0000",)))


def page(
    scene: Scene,
    host: str,
    path: str = "/",
    *,
    version: int = 4,
    header: Sequence[str] = (),
    source: Address | None = None,
    connect: Address | None = None,
) -> dict[str, Any]:
    """A page over HTTPS, its certificate verified; raises CheckFailed where there is none.

    `source` is who asks, where that is not the client on the internet, and `connect` where the name leads to for it.
    """
    client = scene.layout.client
    asking = source or (client.ipv4 if version == 4 else client.ipv6)
    assert asking is not None
    answer = scene.probe("https", asking, host=host, connect=connect, port=ports.HTTPS, path=path, header=header)
    require("status" in answer, f"https://{host}{path}", answer.get("error"))
    return answer


def is_served_with_a_certificate(scene: Scene) -> str:
    """Mailcow's web through Caddy, with a certificate from the internet's ACME authority."""
    host = scene.plan.topology.hostname
    versions = (4, 6) if scene.proxy.ipv6 else (4,)
    answers = [page(scene, host, version=version) for version in versions]
    for answer in answers:
        require(answer["status"] < 400, f"https://{host}/ says {answer['status']}", answer["body"][:300])
        require(host in answer["tls"]["names"], "the certificate is for others", answer["tls"]["names"])
    tls = answers[0]["tls"]
    return f"{answers[0]['status']} over IPv{' and IPv'.join(map(str, versions))}, {tls['version']}, by {tls['issuer']}"


def administration_is_closed(scene: Scene) -> str:
    """Administration and API answer 403 to the internet, whatever key comes along; a page's own calls reach Mailcow."""
    host = scene.plan.topology.hostname
    answers = {
        f"{path} {' and '.join(header)}".strip(): page(scene, host, path, header=header)["status"]
        for path, header in (*((path, ()) for path in ADMINISTRATION), *KEYED)
    }
    require(set(answers.values()) == {403}, "not everything is closed", answers)
    own = page(scene, host, API_CALL, header=(LOGGED_IN,))["status"]
    require(own not in (403, 404, 502), f"the pages of who is logged in cannot call the API: {own}")
    return f"{', '.join(answers)}; {own} from Mailcow to a session of nobody's"


def settings_are_served(scene: Scene) -> str:
    """Each domain's MTA-STS policy is served as planned; settings for mail programs name the ports that are offered;
    Outlook, whose settings depend on the mailbox, reaches Mailcow.
    """
    evidence = []
    for domain in scene.plan.topology.domains[:3]:
        if domain.mta_sts is not MtaStsMode.OFF:
            body = page(scene, policies.mta_sts_name(domain.name), "/.well-known/mta-sts.txt")["body"]
            policy = dns.mta_sts_policy(scene.plan.topology, scene.plan.proxies, domain)
            require(body.split() == policy.split(), f"another policy for {domain.name}", body)
            evidence.append(f"{domain.name}: mode {domain.mta_sts}")
        autoconfig, autodiscover = dns.autoconfig_names(domain.name)
        evidence.append(f"{autoconfig}: {_announced(scene, autoconfig, domain.name)}")
        # What it says is Mailcow's business (the fake Mailcow says nothing); that it is asked is ours.
        answer = page(scene, autodiscover, "/autodiscover/autodiscover.xml")
        asked = answer["headers"].get("server", "")
        message = f"https://{autodiscover} is not answered by Mailcow but by {asked}"
        require(asked.startswith("nginx"), message, answer["status"])
        evidence.append(f"{autodiscover}: Mailcow's")
    return "; ".join(evidence)


def _announced(scene: Scene, name: str, domain: str) -> str:
    """The ports that mail programs are told of; raises CheckFailed unless they are those that a proxy hands on."""
    body = page(scene, name, f"/mail/config-v1.1.xml?emailaddress=x@{domain}")["body"]
    told = {int(port) for port in re.findall(r"<port>(\d+)</port>", body)}
    wanted = {client.port for client in scene.plan.internal.client_ports if client.announced}
    require(told == wanted, f"https://{name} tells mail programs of ports {sorted(told)}, not {sorted(wanted)}", body)
    return ", ".join(map(str, sorted(told)))


def mailcow_has_its_own_certificate(scene: Scene) -> str:
    """The certificate that mail programs see is Mailcow's, came by ACME through the proxy, and is not Caddy's."""
    host, source = scene.plan.topology.hostname, scene.layout.client.ipv4
    client = (*readers(scene.plan), *scene.plan.internal.client_ports)[0]
    (seen,) = scene.logins("logins", source, (client,), login=scene.user)["answers"]
    require("tls" in seen, f"{client.name} as {scene.user}", seen.get("error"))
    own = scene.internal.succeed(f"openssl x509 -in {CERTIFICATE} -noout -fingerprint -sha256 -issuer")
    fingerprint = re.sub(r"[^0-9a-f]", "", own.splitlines()[0].split("=", 1)[1].lower())
    require(fingerprint == seen["tls"]["sha256"], f"port {client.port} shows another certificate", own)
    require(seen["tls"]["sha256"] != page(scene, host)["tls"]["sha256"], "Caddy shows the same certificate")
    return f"sha256 {fingerprint[:16]}…, issued by {seen['tls']['issuer']} ({ACME_NAME} of this lab)"


def mailbox_key_is_not_on_a_proxy(scene: Scene) -> str:
    """The private key of that certificate stands nowhere on a proxy's disk."""
    lines = tuple(line for line in scene.internal.read_file(KEY).splitlines() if not line.startswith(b"-----"))
    require(lines, f"{KEY} is empty")
    home = scene.disks.search(scene.plan.internal.name, {"key": lines[1:-1] or lines})
    require(home, "the search does not even find the key at home, so it shows nothing")
    for proxy in scene.plan.proxies:
        found = scene.disks.search(proxy.name, {"key": lines[1:-1] or lines})
        require(not found, f"the key of Mailcow's certificate stands on the disk of {proxy.name}")
    return f"searched the disks of {', '.join(proxy.name for proxy in scene.plan.proxies)}"
