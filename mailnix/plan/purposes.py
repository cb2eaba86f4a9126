"""Why each record is published, and whether mail works without it: for zone files, the guide and the doctor."""

from __future__ import annotations

from typing import Final

from attrs import frozen

from mailnix.plan.types import DnsRecord, Need


@frozen
class Purpose:
    """How much a kind of record is needed, and what for, in one line."""

    need: Need
    reason: str

    def record(
        self, zone: str, name: str, kind: str, data: str, note: str = "", *, placeholder: bool = False
    ) -> DnsRecord:
        """A record for this purpose; see DnsRecord."""
        return DnsRecord(zone, name, kind, data, self.need, self.reason, note, placeholder)


ADDRESS: Final = Purpose(Need.REQUIRED, "where mail servers, mail programs and browsers find the proxy")
MX: Final = Purpose(Need.REQUIRED, "where mail for the domain is brought")
REVERSE: Final = Purpose(
    Need.REQUIRED, "many receivers refuse mail from an address without a name that leads back to it"
)
SPF: Final = Purpose(Need.REQUIRED, "who may send as the domain: without it much mail is refused or taken for spam")
DKIM: Final = Purpose(Need.REQUIRED, "the key of the signature under each mail: without it much mail is refused")
HELO_SPF: Final = Purpose(Need.RECOMMENDED, "who may call itself so: bounces have no other sender")
DMARC: Final = Purpose(Need.RECOMMENDED, "what receivers do with mail that is forged, and whom they tell")
MTA_STS: Final = Purpose(Need.RECOMMENDED, "senders encrypt, to your servers only")
CAA: Final = Purpose(Need.RECOMMENDED, "no other authority may issue certificates for the name")
FINDS: Final = Purpose(Need.RECOMMENDED, "mail programs find their settings by themselves")
TLS_REPORTS: Final = Purpose(Need.OPTIONAL, "senders tell you where encryption failed")
TLSA: Final = Purpose(Need.OPTIONAL, "senders that check DANE know your server's key; only where the zone is signed")
AGREES: Final = Purpose(Need.OPTIONAL, "this domain agrees to get the other's reports, or none are sent")
DENIED: Final = Purpose(Need.OPTIONAL, "mail programs need not try what is not offered")
DAV: Final = Purpose(Need.OPTIONAL, "calendars and contacts are found by themselves")
