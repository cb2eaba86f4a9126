"""Single faults that the machine at home may have."""

from __future__ import annotations

from attrs import evolve

from mailnix.doctor.machines import facts
from tests.doctor.machines import well
from tests.doctor.machines.changes import (
    ABSENT,
    DAY,
    HOST,
    WARNING,
    Fault,
    container,
    file,
    part,
    port,
    said,
    then,
    unit,
)
from tests.doctor.machines.faults import BOTH

MAILCOW_DOWN = then(
    unit("mailcow.service", active="failed", result="exit-code"),
    part("containers", containers=()),
    lambda of: evolve(
        of,
        provision=facts.Provision("inactive"),
        admin=None,
        mailq=None,
        unasked={"admin": "Mailcow's API does not answer", "mailq": "postfix-mailcow does not run"},
        served=tuple(evolve(each, der=None, refused="connection refused") for each in of.served or ()),
    ),
)
OF_HOME = (
    *BOTH,
    Fault(
        "Mailcow is down",
        "units",
        MAILCOW_DOWN,
        unasked=(
            "internal.containers",
            "internal.provision",
            "internal.admin",
            "internal.queue",
            "internal.certificate.served",
        ),
    ),
    Fault(
        "there is no tunnel",
        "tunnel.handshake",
        said(
            tunnels=(facts.Tunnel("wg-proxy", False),),
            mtu=None,
            admin=None,
            unasked={"mtu": "ping failed: Network is unreachable", "admin": "Mailcow's API does not answer"},
            served=tuple(evolve(each, der=None, refused="timed out") for each in well.home().served or ()),
        ),
        ABSENT,
        unasked=("internal.tunnel.mtu", "internal.admin", "internal.certificate.served"),
    ),
    Fault("a container is unhealthy", "containers", container("nginx-mailcow", health="unhealthy")),
    Fault(
        "a container starts again and again",
        "containers",
        container("clamd-mailcow", state="restarting", exit=137),
        evidence="status 137",
    ),
    Fault("a container is gone", "containers", container("clamd-mailcow"), ABSENT),
    Fault(
        "Postfix is down",
        "containers",
        then(
            container("postfix-mailcow", state="exited"),
            said(mailq=None, unasked={"mailq": "postfix-mailcow does not run"}),
            port(25, der=None, refused="connection refused"),
            port(587, der=None, refused="connection refused"),
        ),
        evidence="exited",
        unasked=("internal.queue", "internal.certificate.served"),
    ),
    Fault(
        "the filter is down",
        "containers",
        then(
            container("clamd-mailcow", state="exited"),
            port(25, der=None, refused="454 4.3.0 try again later"),
            port(587, der=None, refused="454 4.3.0 try again later"),
        ),
        evidence="exited",
        unasked=("internal.certificate.served",),
    ),
    Fault("an image was moved", "images", container("dovecot-mailcow", runs="another"), severity=WARNING),
    Fault(
        "an image is nobody's",
        "images",
        container("dovecot-mailcow", image="evil.example/dovecot:1"),
        severity=WARNING,
        evidence="not pinned",
    ),
    Fault(
        "another Mailcow was laid",
        "images",
        part("containers", rev="0123456"),
        severity=WARNING,
        evidence="0123456",
    ),
    Fault(
        "a backup is old",
        "backup",
        said(backup=facts.Backups(True, 3, 4 * DAY, drill=DAY, born=200 * DAY)),
        evidence="4 days old",
    ),
    Fault("there is no backup", "backup", said(backup=facts.Backups(True, 0, None, drill=DAY, born=200 * DAY)), ABSENT),
    Fault(
        "the last backup failed",
        "backup",
        said(backup=facts.Backups(True, 3, DAY, "exit-code", drill=DAY, born=200 * DAY)),
        evidence="exit-code",
    ),
    Fault(
        "no restore was ever tried", "drill", said(backup=facts.Backups(True, 3, DAY, born=200 * DAY)), ABSENT, WARNING
    ),
    Fault(
        "the last trial of a restore is two years old",
        "drill",
        said(backup=facts.Backups(True, 3, DAY, drill=730 * DAY, born=900 * DAY)),
        severity=WARNING,
    ),
    Fault(
        "the provisioner failed",
        "provision",
        said(provision=facts.Provision("failed", "exit-code", "2", ("alice@example.org: refused: quota",))),
        evidence="alice@example.org",
    ),
    Fault("the provisioner has not run", "provision", said(provision=facts.Provision("inactive")), ABSENT),
    Fault(
        "the provisioner tries again and again",
        "provision",
        said(provision=facts.Provision("activating", "exit-code", "1")),
    ),
    Fault(
        "the well-known password is back", "admin", said(admin=facts.Admin(True, True, True)), evidence="all the world"
    ),
    Fault("nobody has set the admin's password", "admin", said(admin=facts.Admin(True, False))),
    Fault(
        "mail does not leave",
        "queue",
        said(mailq=facts.Queue(2, 7300.0, 1, ("connect to 10.83.119.1[10.83.119.1]:2526: Connection refused",))),
        severity=WARNING,
        evidence="Connection refused",
    ),
    Fault(
        "the sample certificate is in its place",
        "certificate.files",
        file(HOST, der=well.certificate("mail.example.org.invalid", own=True)),
    ),
    Fault(
        "IMAP shows an old certificate",
        "certificate.served",
        port(993, der=well.certificate("old")),
        evidence="was not taken",
    ),
)
