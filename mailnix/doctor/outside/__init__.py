"""The group `outside`: what strangers meet who connect to the proxies from where the doctor runs."""

from mailnix.doctor.outside.checks import GROUP

__all__ = ["GROUP"]
