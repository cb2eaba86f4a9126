"""Secrets: the only place in mailnix that sees secret bytes."""

from mailnix.secrets.deliver import push, seed
from mailnix.secrets.making import Made, Report, init, rotate
from mailnix.secrets.public import dkim_public
from mailnix.secrets.value import Secret

__all__ = ["Made", "Report", "Secret", "dkim_public", "init", "push", "rotate", "seed"]
