"""Bring machines that run to their description, over SSH; none is ever left half changed, or out of reach."""
