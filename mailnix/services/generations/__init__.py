"""Generations of a Debian machine: what it was described as, by number, and the way back."""
