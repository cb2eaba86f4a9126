"""Secrets: the only place in mailnix that sees secret bytes."""

from mailnix.secrets.adopting import Taken, take_dkim
from mailnix.secrets.damage import damaged, refuse
from mailnix.secrets.deliver import credentials_of, push, seed, tar, way_to
from mailnix.secrets.line import line_of
from mailnix.secrets.making import Made, Report, init, put, rotate
from mailnix.secrets.public import public_keys
from mailnix.secrets.value import Secret

__all__ = [
    "Made",
    "Report",
    "Secret",
    "Taken",
    "credentials_of",
    "damaged",
    "init",
    "line_of",
    "public_keys",
    "push",
    "put",
    "refuse",
    "rotate",
    "seed",
    "take_dkim",
    "tar",
    "way_to",
]
