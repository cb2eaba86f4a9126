"""What every machine has: bounded logs, the time, security updates."""
