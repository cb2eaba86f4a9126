"""Mailcow on the internal host: its pinned tree, our settings on top, and what it is told through its API."""
