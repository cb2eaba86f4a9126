"""Programs of the router that plays all places."""
