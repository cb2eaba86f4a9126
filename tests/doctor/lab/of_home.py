"""Faults of the machine at home."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from attrs import evolve
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key

from mailnix.doctor.machines.asked import INSIDE, WHOLE
from mailnix.lab.fake_mailcow.archive import IMAGE
from mailnix.lab.internet.layout import TLS
from mailnix.lab.scenario.scene import POSTFIX
from mailnix.model.topology import Backup
from mailnix.plan import Plan
from mailnix.services.credentials import names
from mailnix.services.mailcow.units import PROVISION, ROOT
from rig import certificates
from tests.doctor.lab.fault import HOME, Breaks, Fault, edited, moved, on
from tests.doctor.lab.practice import Practice

PLACES: Final = ("internal",)
CONF: Final = "/opt/postfix/conf"
MASTER: Final = f"{ROOT}/data/conf/postfix/master.cf"
MAIN: Final = f"{ROOT}/data/conf/postfix/main.cf"
SSL: Final = f"{ROOT}/data/assets/ssl"
SPAM: Final = "rspamd-mailcow"
BACKUPS: Final = f"{Backup().folder}/{INSIDE}"
CREDENTIAL: Final = f"{names.STORE}/mailcow.api-key"
EMPTY: Final = "tar -c -T /dev/null | docker import - "


def within(service: str, command: str) -> str:
    """A command in a container."""
    return f"docker exec $(docker ps -aqf label=com.docker.compose.service={service}) sh -c '{command}'"


def fault(name: str, id: str, breaks: Breaks, **more: object) -> Fault:
    return Fault(name, f"internal.{id}", breaks, **{"only": PLACES, **more})  # type: ignore[arg-type]


def stopped(service: str) -> Breaks:
    """A container that was stopped."""
    which = f"$(docker ps -aqf label=com.docker.compose.service={service})"
    return on(HOME, f"docker stop --time 2 {which}", f"docker start {which}")


def postfix(change: str, file: str = MASTER) -> Breaks:
    """Mailcow's Postfix has another setting: what postconf(1) is told."""
    reload = within(POSTFIX, f"postfix -c {CONF} reload") + " 2>/dev/null"
    return edited(HOME, file, within(POSTFIX, f"postconf -c {CONF} {change}"), reload)


STUCK: Final = f"""
set -e
cd /var/spool/postfix
echo "Subject: stuck" | sendmail -C {CONF} -f alice@example.org -- carol@elsewhere.test
for look in $(seq 100); do
  mail=$(find deferred -type f | head -n 1)
  [ -n "$mail" ] && break
  sleep 0.3
done
at=$(LC_ALL=C grep -abo -m 1 "T.1[0-9]\\{{9\\}}" "$mail" | head -n 1 | cut -d: -f1)
printf %s $(($(date +%s) - 7300)) | dd of="$mail" bs=1 seek=$((at + 2)) conv=notrunc status=none
"""
"""A mail in Postfix' queue, of two hours ago: the second record of its file says when it came (rec_type(3))."""


@contextmanager
def stuck_mail(practice: Practice) -> Iterator[None]:
    """No mail leaves, and one has waited for hours."""
    with postfix("-e defer_transports=smtp", MAIN)(practice):
        sent = on(
            HOME, within(POSTFIX, STUCK), within(POSTFIX, f"postsuper -c {CONF} -d ALL deferred") + " 2>/dev/null"
        )
        with sent(practice):
            yield


@contextmanager
def expired(practice: Practice) -> Iterator[None]:
    """Mailcow's own certificate was not renewed: an old one of the lab's authority, with its key."""
    scene = practice.scene
    root = x509.load_pem_x509_certificate(scene.internet.read_file(f"{TLS}/ca.pem"))
    key: Any = load_pem_private_key(scene.internet.read_file(f"{TLS}/ca.key"), None)
    made = certificates.make(scene.plan.topology.hostname, certificates.Certificate(root, key), expired=True)
    private = made.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    write = (
        f"cat > {SSL}/key.pem <<'END'\n{private.decode()}END\n"
        f"cat > {SSL}/cert.pem <<'END'\n{made.pem.decode()}END\nsleep 4"
    )
    old = "/var/tmp/old-certificate"
    keep = f"mkdir {old} && cp -a {SSL}/key.pem {SSL}/cert.pem {old}/\n"
    back = f"cp -a {old}/key.pem {SSL}/ && cp -a {old}/cert.pem {SSL}/ && rm -r {old}; sleep 4"
    with on(HOME, keep + write, back)(practice):  # its programs look every two seconds
        yield


def backed_up(ages: str, born: str = "30 days ago") -> Breaks:
    """There is one backup, made at some time, on a machine of some age; or none."""
    make = f"mkdir -p {BACKUPS}/mailcow-1; touch --date='{ages}' {BACKUPS}/mailcow-1/{WHOLE}; " if ages else ""
    begin = f"mv {BACKUPS} /var/tmp/backups || true; mkdir -p {BACKUPS}; {make}touch --date='{born}' {names.HOST_KEY}"
    back = f"rm -rf {BACKUPS}; mv /var/tmp/backups {BACKUPS} || true; touch {names.HOST_KEY}"
    return on(HOME, begin, back)


def with_backups(plan: Plan) -> Plan:
    """The example has none."""
    return evolve(plan, internal=evolve(plan.internal, backup=Backup()))


def of_backups(name: str, id: str, breaks: Breaks) -> Fault:
    return fault(name, id, breaks, only=("internal.backup", "internal.drill"), plan=with_backups)


OF_HOME: Final = (
    fault(
        "a timer was stopped",
        "units",
        on(HOME, "systemctl stop mailnix-redial.timer", "systemctl start mailnix-redial.timer"),
    ),
    fault(
        "a container was stopped",
        "containers",
        stopped(SPAM),
        evidence="it is exited",
        unasked=("internal.certificate.served",),
    ),
    fault(
        "an image's name means another image",
        "images",
        on(
            HOME,
            f"docker tag {IMAGE} kept:1; {EMPTY}{IMAGE}",
            f"docker tag kept:1 {IMAGE}; docker rmi kept:1; docker image prune --force",
        ),
    ),
    fault(
        "the provisioner has not run",
        "provision",
        on(HOME, f"systemctl stop {PROVISION}", f"systemctl start {PROVISION}"),
    ),
    fault("nobody knows the admin's password", "admin", moved(HOME, f"/var/lib/{PROVISION}/admin.json")),
    fault("a mail waits for hours", "queue", stuck_mail),
    fault(
        "Mailcow's certificate has expired",
        "certificate.files",
        expired,
        only=("internal", "outside"),
        also=("outside.certificate",),
    ),
    fault("somebody has edited a unit", "drift", edited(HOME, "/etc/docker/daemon.json", "echo >> $file")),
    fault(
        "there is no firewall",
        "firewall",
        on(HOME, "nft delete table inet mailnix", "systemctl restart mailnix-firewall"),
    ),
    fault(
        "others may read a credential",
        "credentials",
        on(HOME, f"chmod 640 {CREDENTIAL}", f"chmod 600 {CREDENTIAL}"),
    ),
    of_backups("the last backup is old", "backup", backed_up("4 days ago")),
    of_backups("there is no backup", "backup", backed_up("")),
    of_backups("no restore was ever tried", "drill", backed_up("1 hour ago", born="200 days ago")),
)
