"""The group `dns`: what is published, at its source and as the world sees it."""

from mailnix.doctor.dns.checks import GROUP

__all__ = ["GROUP"]
