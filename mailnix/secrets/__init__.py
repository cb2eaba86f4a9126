"""Secrets: the only place in mailnix that sees secret bytes."""
