"""A small internet's DNS: a signed root, an unsigned zone below it, and a real unbound that validates.

The server answers from memory, over UDP and TCP, with the proofs of what there is not. Names in `broken` get signatures
that do not hold.
"""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import dns.dnssec
import dns.flags
import dns.message
import dns.name
import dns.node
import dns.rcode
import dns.rdataclass
import dns.rdatatype
import dns.rrset
import dns.zone
from attrs import define, field, frozen
from cryptography.hazmat.primitives.asymmetric import ec

from mailnix import run
from rig.waiting import until

UNSIGNED = "plain"
RRSIG = dns.rdatatype.RRSIG
SOA = "SOA ns hostmaster.ns 1 3600 600 86400 60"


@define
class Authority:
    """The zones, and the DS-like trust anchor (a DNSKEY record) of the signed one."""

    address: str
    zones: tuple[dns.zone.Zone, ...]
    anchor: str
    broken: frozenset[dns.name.Name]
    _sockets: list[socket.socket] = field(factory=list)

    def open(self) -> None:
        """Answer, each socket in a thread of its own."""
        udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        udp.bind((self.address, 53))
        tcp = socket.create_server((self.address, 53))
        self._sockets += [udp, tcp]
        for serve, where in ((self._serve_udp, udp), (self._serve_tcp, tcp)):
            threading.Thread(target=serve, args=(where,), daemon=True).start()

    def close(self) -> None:
        """Answer no more."""
        for each in self._sockets:
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()

    def _serve_udp(self, where: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while True:
                wire, client = where.recvfrom(4096)
                if not wire:  # the socket is closed
                    return
                whole = _wire(self.answer(wire))
                if len(whole) > 1232:
                    cut = dns.message.make_response(dns.message.from_wire(wire))
                    cut.flags |= dns.flags.TC
                    whole = _wire(cut)
                where.sendto(whole, client)

    def _serve_tcp(self, where: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = where.accept()
                with connection, contextlib.suppress(OSError, struct.error), connection.makefile("rwb") as stream:
                    (length,) = struct.unpack("!H", stream.read(2))
                    wire = _wire(self.answer(stream.read(length)))
                    stream.write(struct.pack("!H", len(wire)) + wire)

    def answer(self, wire: bytes) -> dns.message.Message:
        """The answer to a question."""
        query = dns.message.from_wire(wire)
        response = dns.message.make_response(query)
        (question,) = query.question
        of_parent = question.rdtype == dns.rdatatype.DS
        zones = self.zones[-1:] if of_parent else self.zones
        zone = next(z for z in zones if question.name.is_subdomain(z.origin or dns.name.root))
        if not of_parent and (cut := _cut(zone, question.name)):
            self._put(response.authority, zone, cut, dns.rdatatype.NS, dns.rdatatype.NSEC)
            return response
        response.flags |= dns.flags.AA
        self._fill(response, zone, question.name, question.rdtype)
        return response

    def _fill(
        self, response: dns.message.Message, zone: dns.zone.Zone, name: dns.name.Name, rdtype: dns.rdatatype.RdataType
    ) -> None:
        node = zone.get_node(name)
        if node and node.get_rdataset(dns.rdataclass.IN, rdtype):
            self._put(response.answer, zone, name, rdtype)
        elif node and (alias := node.get_rdataset(dns.rdataclass.IN, dns.rdatatype.CNAME)):
            self._put(response.answer, zone, name, dns.rdatatype.CNAME)
            self._fill(response, zone, alias[0].target, rdtype)
        else:
            origin = zone.origin or dns.name.root
            self._put(response.authority, zone, origin, dns.rdatatype.SOA)
            exists = any(other.is_subdomain(name) for other in zone)
            if not exists:
                response.set_rcode(dns.rcode.NXDOMAIN)
            for covering in {_before(zone, name), *(() if exists else (_before(zone, origin),))}:
                self._put(response.authority, zone, covering, dns.rdatatype.NSEC)

    def _put(
        self,
        section: list[dns.rrset.RRset],
        zone: dns.zone.Zone,
        name: dns.name.Name,
        *rdtypes: dns.rdatatype.RdataType,
    ) -> None:
        for rdtype in rdtypes:
            for wanted, covers in ((rdtype, dns.rdatatype.NONE), (RRSIG, rdtype)):
                if rdataset := zone.get_rdataset(name, wanted, covers):
                    records = [self._perhaps_broken(name, record) for record in rdataset]
                    section.append(dns.rrset.from_rdata(name, rdataset.ttl, *records))

    def _perhaps_broken(self, name: dns.name.Name, record: dns.rdata.Rdata) -> dns.rdata.Rdata:
        if record.rdtype != RRSIG or name not in self.broken:
            return record
        return record.replace(signature=bytes(len(record.signature)))  # type: ignore[attr-defined]


def _wire(message: dns.message.Message) -> bytes:
    """A message's bytes, however many the asker takes in a packet."""
    return message.to_wire(max_size=65535)


def _cut(zone: dns.zone.Zone, name: dns.name.Name) -> dns.name.Name | None:
    """Where the zone hands a name on to another one."""
    while name != zone.origin:
        if zone.get_rdataset(name, dns.rdatatype.NS):
            return name
        name = name.parent()
    return None


def _before(zone: dns.zone.Zone, name: dns.name.Name) -> dns.name.Name:
    """The name whose NSEC record speaks of `name`."""
    names: list[dns.name.Name] = [other for other in zone if zone.get_rdataset(other, dns.rdatatype.NSEC)]
    return max((other for other in names if other <= name), default=zone.origin or dns.name.root)


def authority(address: str, records: Iterable[str], broken: Sequence[str] = ()) -> Authority:
    """The zones with these records (zone file lines); those below `plain.` are unsigned."""
    lines = list(records)
    below = [line for line in lines if line.split()[0].rstrip(".").endswith(UNSIGNED)]
    shared = [f"ns. 60 IN A {address}"]
    root_text = [f". 60 IN {SOA}", ". 60 IN NS ns.", f"{UNSIGNED}. 60 IN NS ns.", *shared]
    root = _zone(".", [*root_text, *(line for line in lines if line not in below)])
    plain = _zone(f"{UNSIGNED}.", [f"{UNSIGNED}. 60 IN {SOA}", f"{UNSIGNED}. 60 IN NS ns.", *below])
    key = ec.generate_private_key(ec.SECP256R1())
    dnskey = dns.dnssec.make_dnskey(key.public_key(), "ECDSAP256SHA256", flags=257)
    dns.dnssec.sign_zone(root, keys=[(key, dnskey)], lifetime=86_400)
    names = frozenset(dns.name.from_text(name) for name in broken)
    return Authority(address, (plain, root), f". 60 IN DNSKEY {dnskey}", names)


def _zone(origin: str, lines: Sequence[str]) -> dns.zone.Zone:
    text = "".join(f"{line}\n" for line in lines)
    return dns.zone.from_text(text, origin=origin, relativize=False)


UNBOUND = """\
server:
  directory: "{folder}"
  chroot: ""
  username: ""
  pidfile: "{folder}/unbound.pid"
  use-syslog: no
  verbosity: 1
  interface: {address}
  port: 53
  access-control: 127.0.0.0/8 allow
  do-not-query-localhost: no
  do-ip6: no
  val-log-level: 2
  num-threads: 1
  outgoing-range: 128
  so-reuseport: no
remote-control:
  control-enable: no
"""
ROOT = """\
server:
  root-hints: "{folder}/root.hints"
  trust-anchor-file: "{folder}/root.key"
"""


@frozen
class Resolver:
    """A running unbound."""

    address: str
    folder: Path

    @property
    def log(self) -> str:
        """What it has written."""
        return (self.folder / "log").read_text()


@contextlib.contextmanager
def resolver(folder: Path, address: str, of: Authority, root: str = ROOT) -> Iterator[Resolver]:
    """An unbound on `address`, whose root is `of`, until the end of the block; `root` is how it is told so."""
    folder.mkdir()
    (folder / "unbound.conf").write_text((UNBOUND + root).format(folder=folder, address=address))
    (folder / "root.hints").write_text(f". 60 IN NS ns.\nns. 60 IN A {of.address}\n")
    (folder / "root.key").write_text(of.anchor + "\n")
    program = run.require("unbound", "unbound")
    with run.spawn([program, "-d", "-c", folder / "unbound.conf"], folder / "log"):
        until(lambda: _listens(address), "unbound answers")
        yield Resolver(address, folder)


def _listens(address: str) -> bool:
    with contextlib.suppress(OSError), socket.create_connection((address, 53), timeout=5):
        return True
    return False


def missing() -> str:
    """Why this cannot be set up here, or an empty text."""
    with contextlib.suppress(Exception):
        run.require("unbound", "unbound")
        return ""
    return "unbound is not installed (apt-get install unbound)"
