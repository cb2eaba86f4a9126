"""The real ACME client, Caddy's real authority and the proxy's Caddy and Haraka, on loopback: the key stays."""

from __future__ import annotations

import datetime as dt
import shutil
import smtplib
import ssl
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from ipaddress import IPv4Address
from pathlib import Path

import pytest
from attrs import evolve, frozen
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, load_pem_private_key

import rig as stands
from mailnix import run, secrets
from mailnix.doctor.certificates import issuer, matches
from mailnix.doctor.here import Served
from mailnix.lab.internet import acme
from mailnix.lab.internet.authority import new_authority
from mailnix.lab.internet.layout import ACME_NAME, TLS, layout
from mailnix.model import ports
from mailnix.plan import derive, with_keys
from mailnix.plan.credentials import DANE_KEY
from mailnix.plan.dns import tlsa_name
from mailnix.services.caddy.render import caddyfile
from mailnix.services.dane.values import CERTIFICATE, KEY, WEB
from rig import Haraka, free_port, until
from rig.resolv import with_hosts
from rig.waiting import answers, free_net
from tests.services.conftest import topology
from tests.services.dane.conftest import HOST, Keeper
from tests.services.haraka.incoming import haraka_in

MISSING = [each for each in ("caddy", "dehydrated", "openssl", "unshare") if shutil.which(each) is None]
REASON = stands.missing() or (f"{', '.join(MISSING)}: not installed" if MISSING else "")
pytestmark = pytest.mark.skipif(bool(REASON), reason=REASON or "runs")


@frozen
class World:
    """A running one."""

    keeper: Keeper
    server: Haraka
    stand: stands.Stand

    def copy(self) -> None:
        """As haraka-certificate does when its files have changed."""
        script = Path(__file__).parents[3] / "mailnix/services/haraka/templates/haraka-certificate.sh"
        files: list[str | Path] = [
            self.keeper.at(CERTIFICATE),
            self.keeper.at(KEY),
            HOST,
            self.stand.certificate_folder,
            "root",
        ]
        run.run(["sh", script, *files, self.server.folder / "config/tls.ini"])

    def shows(self, wanted: Served) -> Served:
        """What haraka-in shows to a sender, as soon as it is this."""
        self.copy()
        until(lambda: self._presented() == wanted, "haraka-in shows what it was given")
        return wanted

    def _presented(self) -> Served:
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        with smtplib.SMTP("127.0.0.1", self.server.port, timeout=60) as session:
            session.starttls(context=context)
            assert isinstance(session.sock, ssl.SSLSocket)
            return Served(HOST, session.sock.getpeercert(binary_form=True) or b"", "")

    def described(self) -> list[str]:
        """The TLSA records that `mailnix dns` prints, the key in use first."""
        plan = with_keys(self.keeper.plan, secrets.public_keys(self.keeper.secrets))
        return [each.data for each in plan.records if (each.name, each.type) == (tlsa_name(HOST), "TLSA")]


@contextmanager
def caddy(text: str, folder: Path, words: Sequence[str | Path], address: str) -> Iterator[None]:
    """A Caddy with this file, until the end of the block."""
    file = folder / "Caddyfile"
    file.write_text(text)
    places = ["env", f"HOME={folder}", f"XDG_DATA_HOME={folder}", f"XDG_CONFIG_HOME={folder}"]
    argv = [*words, *places, "caddy", "run", "--adapter", "caddyfile", "--config", file]
    with run.spawn(argv, folder / "log") as running:
        up = partial(answers, ports.HTTPS, address)
        until(lambda: running.status() is not None or up(), "Caddy accepts connections")
        assert up(), (folder / "log").read_text()
        yield


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    """The lab's authority, and the proxy's Caddy as emitted; they know each other by name alone."""
    plan = derive(topology(dane=True))
    with ExitStack() as stack:
        stand = stack.enter_context(stands.stand())
        net, tls = free_net(), stand.folder / "authority"
        tls.mkdir()
        lab = layout(plan)
        lab = evolve(lab, acme=evolve(lab.acme, ipv4=IPv4Address(f"{net}.1")))
        for name, content in new_authority(lab).internet_files.items():
            (tls / name).write_bytes(content)
        names = {ACME_NAME: f"{net}.1"} | dict.fromkeys(plan.proxies[0].certificate.names, f"{net}.2")
        words = with_hosts(names, stand.folder)
        stack.enter_context(caddy(acme.caddyfile(lab).replace(TLS, str(tls)), tls, words, f"{net}.1"))

        keeper = Keeper(plan, stand.folder / "proxy", tuple(words), tls / "ca.pem")
        own = keeper.moved(caddyfile(plan, plan.proxies[0]))
        own = own.replace("\tservers {", f"\tadmin off\n\tdefault_bind {net}.2\n\tservers {{")
        trusting = [*words, "env", f"SSL_CERT_FILE={tls}/ca.pem"]
        stack.enter_context(caddy(own, keeper.folder, trusting, f"{net}.2"))
        yield World(keeper, stack.enter_context(haraka_in(stand, free_port())), stand)


def expiring(key: Path) -> bytes:
    """A certificate for the key in the last third of its life, as PEM."""
    private = load_pem_private_key(key.read_bytes(), None)
    assert isinstance(private, ec.EllipticCurvePrivateKey)
    name, now, day = x509.Name([]), dt.datetime.now(dt.UTC), dt.timedelta(days=1)
    builder = x509.CertificateBuilder(name, name, private.public_key(), 7, now - 70 * day, now + 20 * day)
    named = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName(HOST)]), critical=True)
    return named.sign(private, hashes.SHA256()).public_bytes(Encoding.PEM)


def serial(served: Served) -> int:
    """Which certificate it is."""
    return x509.load_der_x509_certificate(served.certificate).serial_number


def test_a_key_stays_through_issue_renewal_and_roll_over_and_dns_knows_it_each_time(world: World) -> None:
    keeper = world.keeper
    now, following = world.described()

    # First boot: no authority was asked yet, and the key is the published one all the same.
    keeper.show()
    first = keeper.served()
    assert (matches(now, first), issuer(first)) == (True, "self-signed")

    # The authority signs for that key, and what it signed is kept while it is fresh.
    assert "a new certificate" in keeper.renew().stdout
    signed = world.shows(keeper.served())
    assert (matches(now, signed), matches(following, signed)) == (True, False)
    assert issuer(signed) != "self-signed"
    assert "a new certificate" not in keeper.renew().stdout

    # Near its end there is another, for the same key.
    (keeper.kept / "cert.pem").write_bytes(expiring(keeper.secrets / "proxy" / DANE_KEY))
    assert "a new certificate" in keeper.renew().stdout
    renewed = world.shows(keeper.served())
    assert matches(now, renewed)
    assert serial(renewed) != serial(signed)

    # The next key takes its turn: DNS has had its record all the time, and it is shown before an authority knows it.
    secrets.rotate(keeper.plan, keeper.secrets, [DANE_KEY])
    assert world.described()[0] == following
    keeper.show()
    assert matches(following, keeper.served())
    assert "a new certificate" in keeper.renew().stdout
    rolled = world.shows(keeper.served())
    assert (matches(following, rolled), matches(now, rolled)) == (True, False)
    assert issuer(rolled) == issuer(signed)


def test_an_account_that_the_authority_has_forgotten_is_made_anew_at_once(world: World) -> None:
    keeper = world.keeper
    keeper.renew()
    (folder,) = keeper.kept.glob("accounts/*")
    (folder / "account_id.json").unlink()  # so that it asks; for an URL that is nobody's, Caddy answers "500 {}"
    run.run(["openssl", "genrsa", "-out", folder / "account_key.pem", "2048"])  # one that the authority does not know
    (keeper.kept / "cert.pem").write_bytes(expiring(keeper.secrets / "proxy" / DANE_KEY))
    said = keeper.renew().stdout
    assert "forgotten the account" in said
    assert "a new certificate" in said
    assert issuer(keeper.served()) != "self-signed"


def test_caddys_own_certificate_for_the_name_has_another_key_and_is_had_beside_it(world: World) -> None:
    folder = world.keeper.folder / "caddy/certificates"
    until(lambda: any(folder.glob(f"*/{HOST}/{HOST}.crt")), "Caddy has one")
    (file,) = folder.glob(f"*/{HOST}/{HOST}.crt")
    der = x509.load_pem_x509_certificate(file.read_bytes()).public_bytes(Encoding.DER)
    assert not any(matches(each, Served(HOST, der, "")) for each in world.described())


def test_no_key_is_in_what_the_web_is_served_from_and_none_in_a_log(world: World) -> None:
    web = world.keeper.at(WEB)
    assert [path for path in web.rglob("*") if path.is_file()] == []
    inner = (world.keeper.secrets / "proxy" / DANE_KEY).read_text().splitlines()[1]
    logs = [path.read_text() for path in (world.keeper.folder / "log", world.server.folder / "log")]
    assert not any(inner in log for log in logs)
