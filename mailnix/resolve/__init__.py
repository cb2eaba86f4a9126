"""The one door to DNS: what there is, what there is not, and what nobody could say are three different answers."""

from mailnix.resolve.asking import (
    NO_WAY,
    PATIENCE,
    PAYLOAD,
    TOGETHER,
    Exchange,
    authoritative,
    first_of,
    over_network,
    recursive,
    together,
    unchecked,
)
from mailnix.resolve.records import same, text_of
from mailnix.resolve.servers import Authorities, server, system
from mailnix.resolve.values import NOBODY, Absent, Answer, Ask, Found, Question, Server, Unasked, Zone

__all__ = [
    "NOBODY",
    "NO_WAY",
    "PATIENCE",
    "PAYLOAD",
    "TOGETHER",
    "Absent",
    "Answer",
    "Ask",
    "Authorities",
    "Exchange",
    "Found",
    "Question",
    "Server",
    "Unasked",
    "Zone",
    "authoritative",
    "first_of",
    "over_network",
    "recursive",
    "same",
    "server",
    "system",
    "text_of",
    "together",
    "unchecked",
]
