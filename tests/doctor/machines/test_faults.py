"""Single faults: each is found under its own id, and nothing else is blamed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from attrs import evolve, frozen

from mailnix.doctor.machines import facts, internal, proxy
from mailnix.doctor.machines.facts import Facts
from mailnix.doctor.machines.seen import Machines
from mailnix.doctor.registry import Group
from mailnix.doctor.values import Answer, Finding, Severity
from tests.doctor.machines import well

WRONG, ABSENT, UNASKED = Answer.WRONG, Answer.ABSENT, Answer.UNASKED
FAILURE, WARNING = Severity.FAILURE, Severity.WARNING
DAY, GIB, NOW = well.DAY, well.GIB, well.NOW.timestamp()
HOST = "mail.example.org"


@frozen
class Fault:
    """`of` changes what a well machine says; `unasked` are checks that cannot be made any more."""

    name: str
    id: str
    of: Callable[[Facts], Facts]
    answer: Answer = WRONG
    severity: Severity = FAILURE
    evidence: str = ""
    unasked: tuple[str, ...] = ()


def said(**changed: Any) -> Callable[[Facts], Facts]:
    return lambda of: evolve(of, **changed)


def part(name: str, **changed: Any) -> Callable[[Facts], Facts]:
    """One answer is otherwise in a part of it."""
    return lambda of: evolve(of, **{name: evolve(getattr(of, name), **changed)})


def unit(name: str, **changed: Any) -> Callable[[Facts], Facts]:
    """One unit is otherwise; without changes it is not there at all."""

    def change(of: Facts) -> Facts:
        assert of.units is not None
        others = tuple(each for each in of.units.units if each.name != name)
        assert len(others) < len(of.units.units), name
        failed = (name,) if changed.get("active") == "failed" else ()
        return evolve(of, units=facts.Units((*others, *((facts.Unit(name, **changed),) if changed else ())), failed))

    return change


def credential(number: int, **changed: Any) -> Callable[[Facts], Facts]:
    def change(of: Facts) -> Facts:
        assert of.credentials is not None
        each = [*of.credentials.credentials]
        each[number] = evolve(each[number], **changed)
        return evolve(of, credentials=evolve(of.credentials, credentials=tuple(each)))

    return change


def rules(old: str, new: str) -> Callable[[Facts], Facts]:
    """A rule that is loaded is another one."""

    def change(of: Facts) -> Facts:
        assert of.firewall is not None
        assert old in of.firewall.loaded
        return evolve(of, firewall=evolve(of.firewall, loaded=of.firewall.loaded.replace(old, new, 1)))

    return change


def file(name: str, **changed: Any) -> Callable[[Facts], Facts]:
    """The certificate in a file is otherwise, and is the one that is shown, too, as it would be."""

    def change(of: Facts) -> Facts:
        files = tuple(evolve(each, **changed) if each.name == name else each for each in of.files or ())
        shown = changed.get("der")
        served = tuple(
            evolve(each, der=shown, doubt="so-so") if each.name == name and shown else each for each in of.served or ()
        )
        return evolve(of, files=files, served=served)

    return change


def port(number: int, **changed: Any) -> Callable[[Facts], Facts]:
    """The first certificate that is shown at a port is otherwise."""

    def change(of: Facts) -> Facts:
        served = [*(of.served or ())]
        at = next(index for index, each in enumerate(served) if each.port == number)
        served[at] = evolve(served[at], **changed)
        return evolve(of, served=tuple(served))

    return change


def container(service: str, **changed: Any) -> Callable[[Facts], Facts]:
    """A container is otherwise; without changes it is not there at all."""

    def change(of: Facts) -> Facts:
        assert of.containers is not None
        every = (evolve(each, **changed) if each.service == service else each for each in of.containers.containers)
        left = tuple(each for each in every if changed or each.service != service)
        return evolve(of, containers=evolve(of.containers, containers=left))

    return change


def then(*changes: Callable[[Facts], Facts]) -> Callable[[Facts], Facts]:
    def change(of: Facts) -> Facts:
        for each in changes:
            of = each(of)
        return of

    return change


def nothing_connects(said: str, connected: bool = False) -> tuple[facts.Try, ...]:
    return tuple(facts.Try(name, True, connected, said) for name in ("a.example", "b.example"))


GREETS = (facts.Try("mx.far.example", True, True, "220 hello"),)
BOTH = (
    Fault("a unit was stopped", "units", unit("mailnix-credentials.service", active="inactive", sub="dead")),
    Fault("a unit is not there", "units", unit("mailnix-surroundings.service"), ABSENT),
    Fault("a unit is masked", "units", unit("systemd-resolved.service", load="masked", active="inactive")),
    Fault(
        "a unit of somebody else has failed",
        "units",
        part("units", failed=("backup-of-mine.service",)),
        severity=WARNING,
        evidence="it has failed",
    ),
    Fault(
        "the clock is an hour fast, and nobody sets it",
        "clock",
        said(clock=facts.Clock(False, NOW + 3600, DAY)),
        evidence="60 minutes",
    ),
    Fault("the clock is slow", "clock", said(clock=facts.Clock(False, NOW - 300, DAY)), evidence="5 minutes"),
    Fault("nobody sets the clock", "clock", said(clock=facts.Clock(False, NOW, DAY)), ABSENT, WARNING),
    Fault(
        "its time server says another time",
        "clock",
        said(clock=facts.Clock(True, NOW, DAY, "a.ntp.example", -3.2)),
        severity=WARNING,
        evidence="3.2 seconds",
    ),
    Fault(
        "its time server is wrong with it",
        "clock",
        said(clock=facts.Clock(True, NOW + 900, DAY, "a", 0.0)),
        severity=WARNING,
        evidence="clock here",
    ),
    Fault("a disk is full", "disk", said(disks=(facts.Disk("/", 20 * GIB, GIB // 10, 100, 90),)), evidence="102 MiB"),
    Fault("a disk is nearly full", "disk", said(disks=(facts.Disk("/", 20 * GIB, GIB, 100, 90),)), severity=WARNING),
    Fault("a disk can only be read", "disk", said(disks=(facts.Disk("/", 20 * GIB, 9 * GIB, 100, 90, True),))),
    Fault("a disk has no room for files", "inodes", said(disks=(facts.Disk("/", 20 * GIB, 9 * GIB, 1000, 1),))),
    Fault("the memory is used up", "memory", said(memory=facts.Memory(GIB, GIB // 100, GIB, 0)), severity=WARNING),
    Fault(
        "the kernel killed a program",
        "memory",
        said(memory=facts.Memory(GIB, GIB // 2, GIB, GIB, ("node",))),
        severity=WARNING,
        evidence="killed node",
    ),
    Fault(
        "security updates are held up",
        "updates",
        said(updates=facts.Updates(("openssl", "systemd"), 9000.0, 3600.0, 90 * DAY)),
        severity=WARNING,
        evidence="openssl, systemd",
    ),
    Fault(
        "upgrades stopped days ago",
        "updates",
        said(updates=facts.Updates(("openssl",), 3600.0, 5 * DAY, 90 * DAY)),
        severity=WARNING,
    ),
    Fault(
        "nobody asks for updates",
        "updates",
        said(updates=facts.Updates((), 9 * DAY, DAY, 90 * DAY)),
        severity=WARNING,
        evidence="9 days ago",
    ),
    Fault(
        "it wants to be started anew",
        "reboot",
        said(reboot="it runs Linux 6.12.9, and has 6.12.48"),
        severity=WARNING,
        evidence="6.12.48",
    ),
    Fault("a credential is gone", "credentials", credential(0, there=False), ABSENT),
    Fault("a credential is empty", "credentials", credential(1, size=0)),
    Fault("a credential may be read by all", "credentials", credential(2, mode=0o644), evidence="0644"),
    Fault("a credential is a user's", "credentials", credential(0, owner=1000)),
    Fault(
        "the folder of credentials is open",
        "credentials",
        part("credentials", store=facts.Kept(True, mode=0o755)),
    ),
    Fault("a firewall rule is missing", "firewall", rules('iif "lo" accept', ""), evidence='lacks: iif "lo" accept'),
    Fault(
        "the firewall has a rule too many",
        "firewall",
        rules('iif "lo" accept', 'iif "lo" accept\n    tcp dport 3306 accept'),
        evidence="tcp dport 3306",
    ),
    Fault(
        "the firewall's rules are in another order",
        "firewall",
        lambda of: part("firewall", loaded=swapped(listed(of)))(of),
        evidence="another order",
    ),
    Fault("the firewall lets all pass", "firewall", rules("policy drop", "policy accept"), evidence="policy drop"),
    Fault("a chain of the firewall is gone", "firewall", rules("chain clamp {", "chain clumsy {"), evidence="clamp"),
    Fault("the firewall is not loaded", "firewall", said(firewall=facts.Firewall(False)), ABSENT),
    Fault(
        "a file was changed by hand",
        "drift",
        said(drift=facts.Drift(("/etc/caddy/Caddyfile",))),
        severity=WARNING,
        evidence="/etc/caddy/Caddyfile was changed",
    ),
    Fault("a file is gone", "drift", said(drift=facts.Drift(gone=("/etc/mailnix/tunnels",))), ABSENT, WARNING),
    Fault("a deploy waits", "pending", said(generation=facts.Generation(4, 5, "confirmed")), severity=WARNING),
    Fault(
        "the last deploy went back",
        "deployed",
        said(generation=facts.Generation(4, None, "back", "nobody confirmed it in time")),
        severity=WARNING,
        evidence="in time",
    ),
)
OF_PROXY = (
    *BOTH,
    Fault(
        "haraka-in is down",
        "units",
        then(
            unit("haraka-in.service", active="failed", result="exit-code"),
            port(25, der=None, refused="connection refused"),
        ),
        evidence="failed (exit-code)",
        unasked=("proxy.certificate.served",),
    ),
    Fault(
        "the tunnel is down",
        "tunnel.handshake",
        said(
            tunnels=(facts.Tunnel("wg0", mtu=1420, handshake=3600.0),),
            mtu=(facts.Passes("wg0", 0),),
            xclient=None,
            unasked={"xclient": "TimeoutError: timed out"},
        ),
        evidence="60 minutes ago",
        unasked=("proxy.tunnel.mtu", "proxy.xclient", "proxy.xclient.elsewhere"),
    ),
    Fault(
        "the tunnel never was up",
        "tunnel.handshake",
        said(tunnels=(facts.Tunnel("wg0", mtu=1420),), mtu=(facts.Passes("wg0", 0),)),
        unasked=("proxy.tunnel.mtu",),
    ),
    Fault(
        "there is no tunnel",
        "tunnel.handshake",
        said(tunnels=(facts.Tunnel("wg0", False),), mtu=None, unasked={"mtu": "ping failed"}),
        ABSENT,
        unasked=("proxy.tunnel.mtu",),
    ),
    Fault(
        "the clock was put forward just now",
        "clock",
        said(
            clock=facts.Clock(False, NOW + 90 * DAY, DAY),
            tunnels=(facts.Tunnel("wg0", mtu=1420, handshake=90 * DAY),),
            served=tuple(evolve(each, doubt="certificate has expired") for each in well.proxy().served or ()),
        ),
        evidence="90 days",
    ),
    Fault(
        "large packets are lost in the tunnel",
        "tunnel.mtu",
        said(mtu=(facts.Passes("wg0", 1381),)),
        evidence="1381 bytes",
    ),
    Fault(
        "port 25 is closed outwards",
        "port25.ipv4",
        lambda of: evolve(of, port25={"ipv4": nothing_connects("no answer for 10 seconds"), "ipv6": GREETS}),
        evidence="none of 2",
    ),
    Fault(
        "port 25 is closed outwards over IPv6",
        "port25.ipv6",
        lambda of: evolve(of, port25={"ipv4": GREETS, "ipv6": nothing_connects("network is unreachable")}),
    ),
    Fault(
        "everybody refuses the address",
        "port25.ipv4",
        lambda of: evolve(of, port25={"ipv4": nothing_connects("554 listed", True), "ipv6": GREETS}),
        severity=WARNING,
        evidence="554 listed",
    ),
    Fault("Mailcow offers no XCLIENT", "xclient", said(xclient=facts.Xclient(False, False)), ABSENT),
    Fault(
        "Mailcow does not do XCLIENT",
        "xclient",
        said(xclient=facts.Xclient(True, False, "550 5.7.0 Error: insufficient authorization")),
        evidence="550",
    ),
    Fault(
        "XCLIENT is offered on 587, too",
        "xclient.elsewhere",
        said(xclient=facts.Xclient(True, True, "", (587,))),
        evidence="587",
    ),
    Fault("a queue is stuck", "queue", said(queue=facts.Queue(40, 9000.0, 25)), severity=WARNING, evidence="25 mails"),
    Fault("a mail is never given up", "queue", said(queue=facts.Queue(1, 8 * DAY, 1)), severity=WARNING),
    Fault(
        "a certificate has expired",
        "certificate.files",
        file(HOST, der=well.certificate(HOST, ends=-1)),
        evidence="expired",
    ),
    Fault(
        "a certificate expires soon",
        "certificate.files",
        file(HOST, der=well.certificate(HOST, begins=-76.5, ends=13.5)),
        severity=WARNING,
        evidence="13 days",
    ),
    Fault("a certificate is for another name", "certificate.files", file(HOST, der=well.certificate("example.net"))),
    Fault("a certificate is not there", "certificate.files", file(HOST, there=False, der=None), ABSENT),
    Fault(
        "an old certificate is still shown",
        "certificate.served",
        port(25, der=well.certificate("old")),
        evidence="not the one in the file",
    ),
    Fault(
        "mail programs do not believe a certificate",
        "certificate.served",
        port(443, doubt="unable to get local issuer certificate"),
        evidence="do not believe",
    ),
    Fault(
        "nobody answers on port 443", "certificate.served", port(443, der=None, refused="connection refused"), ABSENT
    ),
)
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


def listed(of: Facts) -> str:
    assert of.firewall is not None
    return of.firewall.loaded


def swapped(text: str) -> str:
    """Two rules of the same chain, in the other order."""
    lines = text.splitlines()
    at = next(number for number, line in enumerate(lines) if "echo-request" in line)
    lines[at], lines[at + 1] = lines[at + 1], lines[at]
    return "\n".join(lines)


def judged(group: Group[Machines], of: Facts) -> list[Finding]:
    host = well.PROXY if group is proxy.GROUP else well.HOME
    machines = (well.seen(of, host),)
    return [check.finding(verdict) for check in group.checks for verdict in check.judge(machines)]


def is_alone(group: Group[Machines], fault: Fault, of: Facts) -> None:
    ill = [each for each in judged(group, fault.of(of)) if each.answer is not Answer.WELL]
    blamed = [each for each in ill if each.answer is not UNASKED]
    assert {each.id for each in blamed} == {f"{group.name}.{fault.id}"}, blamed
    assert {(each.answer, each.severity) for each in blamed} == {(fault.answer, fault.severity)}, blamed
    assert fault.evidence in blamed[0].evidence
    assert all(each.advice and "\n" not in each.evidence for each in ill)
    assert {each.id for each in ill if each.answer is UNASKED} == {*fault.unasked}


@pytest.mark.parametrize("fault", OF_PROXY, ids=lambda fault: fault.name)
def test_a_fault_of_a_proxy_is_found_and_nothing_else_is_blamed(fault: Fault) -> None:
    is_alone(proxy.GROUP, fault, well.proxy())


@pytest.mark.parametrize("fault", OF_HOME, ids=lambda fault: fault.name)
def test_a_fault_at_home_is_found_and_nothing_else_is_blamed(fault: Fault) -> None:
    is_alone(internal.GROUP, fault, well.home())


@pytest.mark.parametrize(("group", "of"), [(proxy.GROUP, well.proxy()), (internal.GROUP, well.home())])
def test_whatever_was_not_answered_is_not_blamed(group: Group[Machines], of: Facts) -> None:
    silent = Facts(unasked={"units": "systemctl took longer than 20 seconds"})
    findings = judged(group, silent)
    assert {each.answer for each in findings} == {UNASKED}
    assert {each.id for each in findings} == {check.id for check in group.checks}
    assert "20 seconds" in findings[0].evidence


@pytest.mark.parametrize("group", [proxy.GROUP, internal.GROUP])
def test_a_machine_that_is_not_reached_is_asked_nothing_and_blamed_for_nothing(group: Group[Machines]) -> None:
    host = well.PROXY if group is proxy.GROUP else well.HOME
    machines = (well.seen(None, host, why="root@5.9.100.1 is not reached: timed out", hint="is it on?"),)
    findings = [check.finding(verdict) for check in group.checks for verdict in check.judge(machines)]
    assert {(each.answer, each.evidence, each.advice) for each in findings} == {
        (UNASKED, "root@5.9.100.1 is not reached: timed out", "is it on?")
    }


def test_what_nixos_opens_beside_ours_is_no_change_of_the_firewall() -> None:
    of = well.on_nixos(well.proxy())
    assert of.firewall is not None
    loaded = of.firewall.loaded.replace(
        "counter accept\n    counter\n  }", "counter accept\n    counter\n    tcp dport 9100 accept\n  }", 1
    )
    assert loaded != of.firewall.loaded
    more = evolve(of, firewall=evolve(of.firewall, loaded=loaded))
    assert {each.answer for each in judged(proxy.GROUP, more)} == {Answer.WELL}
    on_debian = evolve(well.proxy(), firewall=more.firewall)
    assert "proxy.firewall" in {each.id for each in judged(proxy.GROUP, on_debian) if each.answer is WRONG}


def test_a_certificate_that_lives_for_six_days_is_not_always_about_to_end() -> None:
    young = file(HOST, der=well.certificate(HOST, begins=-3, ends=3))(well.proxy())
    young = evolve(young, served=tuple(evolve(each, doubt="") for each in young.served or ()))
    assert {each.answer for each in judged(proxy.GROUP, young)} == {Answer.WELL}
    old = file(HOST, der=well.certificate(HOST, begins=-5, ends=1))(well.proxy())
    assert [each.id for each in judged(proxy.GROUP, old) if each.answer is WRONG] == ["proxy.certificate.files"]


def test_with_several_proxies_the_one_that_is_ill_is_named() -> None:
    ill = evolve(well.proxy(), reboot="a package asks for it")
    second = evolve(well.PROXY, name="second")
    machines = (well.seen(well.proxy(), well.PROXY), well.seen(ill, second))
    check = next(each for each in proxy.GROUP.checks if each.id == "proxy.reboot")
    assert [(each.subject, each.answer) for each in check.judge(machines)] == [
        ("proxy", Answer.WELL),
        ("second", WRONG),
    ]
