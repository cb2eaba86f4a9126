"""Docker on the internal host, set up the way Mailcow and the tunnel need it."""
