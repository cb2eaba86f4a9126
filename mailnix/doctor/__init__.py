"""Is all well? Live checks of a described mail system, each with an id that stays (issue 14)."""
