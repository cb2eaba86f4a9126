"""What the doctor asks of the whole world, in a lab's: names that everybody knows, a resolver that checks, zones that
change.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from ipaddress import IPv6Address
from typing import Final

from attrs import define, evolve, field

from mailnix import resolve
from mailnix.doctor.machines.asked import RECEIVERS
from mailnix.doctor.outside import blocklists
from mailnix.doctor.outside.gather import CONTROLS
from mailnix.lab.internet import trust, zones
from mailnix.lab.internet.layout import INTERNET, Layout
from mailnix.lab.scenario import Scene
from mailnix.lab.visitor import Network
from mailnix.model import ports
from mailnix.plan import DnsRecord
from mailnix.resolve import Found
from mailnix.zones.zone import zone_text

PORT: Final = 5300  # the resolver's; 53 is the authority's, at every address
CONTROL: Final = 9530
FOLDER: Final = "/run/doctor-resolver"
UNIT: Final = "doctor-resolver"
KEY: Final = "/etc/bind/rndc.key"
TTL: Final = 60
"""Seconds: machines that have looked up what is broken have soon forgotten it."""

HINTS: Final = ". 300 IN NS {name}.\n{name}. 300 IN A {address}\n"
CONF: Final = f"""\
include "{KEY}";
controls {{{{ inet 127.0.0.1 port {CONTROL} allow {{{{ 127.0.0.1; }}}} keys {{{{ "rndc-key"; }}}}; }}}};
options {{{{
	directory "{FOLDER}";
	pid-file "{FOLDER}/pid";
	session-keyfile "{FOLDER}/session.key";
	listen-on port {PORT} {{{{ any; }}}};
	listen-on-v6 {{{{ none; }}}};
	recursion yes;
	allow-query {{{{ any; }}}};
	allow-recursion {{{{ any; }}}};
	dnssec-validation yes;
	empty-zones-enable no;
	max-cache-size 8m;
}}}};
trust-anchors {{{{ . static-key {{anchor}}; }}}};
zone "." {{{{
	type hint;
	file "{FOLDER}/hints";
}}}};
"""
START: Final = f"""\
set -e
install -d -o bind -g bind {FOLDER}
cat > {FOLDER}/hints <<'END'
{{hints}}END
cat > {FOLDER}/conf <<'END'
{{conf}}END
systemd-run --quiet --unit={UNIT} --collect named -4 -f -u bind -n 1 -c {FOLDER}/conf
"""
FORGET: Final = f"rndc -p {CONTROL} -k {KEY} flush"
LOAD: Final = f"""\
set -e
cat > {zones.ROOT}
{trust.SIGNER} {zones.ROOT} {trust.SIGNED} {trust.ANCHOR}
{{then}}
rndc reload . >/dev/null
for look in $(seq 200); do
  rndc zonestatus . | grep -q '^serial: {{serial}}$' && break
  sleep 0.1
done
"""
SPOILT: Final = f"sed -i -E 's/^(\\s+){{serial}}(\\s*; serial)/\\1{{other}}\\2/' {trust.SIGNED}"
"""The version of the zone after it was signed: its signature does not hold any more."""


def anchor(record: str) -> str:
    """A DNSKEY record as named's configuration has it."""
    flags, protocol, algorithm, *key = record.split("DNSKEY", 1)[1].split()
    return f'{flags} {protocol} {algorithm} "{"".join(key)}"'


def known_everywhere(layout: Layout) -> Iterator[str]:
    """Mail and web servers that answer all day, and block lists that have nobody but their test entries (RFC 5782)."""
    mail = dict.fromkeys((*RECEIVERS, *CONTROLS[ports.SMTP]))
    yield from (line for name in mail for line in _at(name, layout.mx.ipv4, layout.mx.ipv6))
    yield from (line for name in CONTROLS[ports.HTTPS] for line in _at(name, layout.acme.ipv4, None))
    for each in blocklists.OF_ADDRESSES:
        for test in (blocklists.TEST[0], *([blocklists.TEST6[0]] if each.ipv6 else [])):
            yield listed(test, each.zone)
    for each in blocklists.OF_DOMAINS:
        yield listed(blocklists.TEST_NAMES[0], each.zone)


def _at(name: str, ipv4: object, ipv6: IPv6Address | None) -> Iterator[str]:
    yield f"{name}. IN A {ipv4}"
    if ipv6 is not None:
        yield f"{name}. IN AAAA {ipv6}"


def listed(subject: str, zone: str) -> str:
    """An entry of a block list."""
    return f"{blocklists.reversed_name(subject)}.{zone}. IN A 127.0.0.2"


def whole_zone(scene: Scene, records: Iterable[DnsRecord], more: Iterable[str], serial: int) -> str:
    """Everything there is, with these records published."""
    every = tuple(records)
    plan = evolve(scene.plan, records=(*(r for r in scene.plan.records if r.zone), *(r for r in every if not r.zone)))
    root = zones.root_zone(plan, scene.layout).replace(f'$INCLUDE "{zones.PUBLISHED}"\n', "")
    root = root.replace(". 1 3600 600", f". {serial} 3600 600", 1)
    published = zone_text(every).replace("$TTL 3600", f"$TTL {TTL}")
    return "\n".join((root, *known_everywhere(scene.layout), *more, "$ORIGIN .", published))


@define(eq=False)
class Names:
    """The names of a lab's internet, which can be changed; seen from `inside` it."""

    scene: Scene
    inside: Network
    serial: int = field(default=1, init=False)
    lapsed: bool = field(default=False, init=False)

    @property
    def resolver(self) -> str:
        """One that checks signatures, and keeps what it was told, as `--resolver` takes it."""
        return f"{self.scene.layout.dns.ipv4}:{PORT}"

    def begin(self) -> None:
        """Start the resolver, and have everybody known."""
        dns = self.scene.layout.dns
        record = self.scene.internet.read_file(trust.ANCHOR).decode()
        conf, hints = CONF.format(anchor=anchor(record)), HINTS.format(name=dns.name, address=dns.ipv4)
        self.scene.internet.succeed(START.format(hints=hints, conf=conf))
        self.publish()
        self.scene.wait_for("the resolver", self._is_proven, 60.0)

    def end(self) -> None:
        """All is as it was."""
        self._load(zones.root_zone(self.scene.plan, self.scene.layout), 1)
        self.scene.internet.execute(f"systemctl stop {UNIT}")

    def publish(
        self, records: Iterable[DnsRecord] | None = None, more: Iterable[str] = (), *, spoilt: bool = False
    ) -> None:
        """Have these records published instead of the described ones, at once and known to everybody."""
        self.change(records, more, spoilt=spoilt, then=FORGET)

    def change(
        self,
        records: Iterable[DnsRecord] | None = None,
        more: Iterable[str] = (),
        *,
        spoilt: bool = False,
        then: str = "",
    ) -> None:
        """Have them published; the resolver goes on with what it knows."""
        self.serial += 1
        self.lapsed = False
        text = whole_zone(self.scene, self.scene.plan.records if records is None else records, more, self.serial)
        self._load(text, self.serial, spoilt=spoilt, then=then)

    def lapse(self) -> None:
        """What is published is described no more: the next one who looks has it mended, or has something else wrong."""
        self.lapsed = True

    def settle(self) -> None:
        """Have published what is described, where that is due."""
        if self.lapsed:
            self.publish()

    def asked(self, name: str, kind: str) -> resolve.Answer:
        """What the resolver says, and will go on to say for a minute."""
        return self.inside.do(lambda: resolve.recursive(resolve.server(self.resolver))(name, kind))

    def _load(self, text: str, serial: int, *, spoilt: bool = False, then: str = "") -> None:
        other = serial + 1000 * spoilt
        spoil = SPOILT.format(serial=serial, other=other) if spoilt else ""
        command = LOAD.format(then=spoil, serial=other) + then
        self.scene.machines[INTERNET].succeed(command, stdin=text.encode(), timeout=120.0)

    def _is_proven(self) -> bool:
        answer = self.asked("", "SOA")
        return isinstance(answer, Found) and answer.authenticated
