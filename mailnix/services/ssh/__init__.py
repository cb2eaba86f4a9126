"""SSH: keys only."""
