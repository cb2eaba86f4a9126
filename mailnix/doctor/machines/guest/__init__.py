"""What the doctor asks on a machine: sent along, kept in memory, gone when it has answered."""
