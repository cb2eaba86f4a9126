"""What is published, beside what a plan says: what is missing, different, in the way, or could not be asked."""

from mailnix.published.asking import look, look_at
from mailnix.published.values import Finding, Look, State

__all__ = ["Finding", "Look", "State", "look", "look_at"]
