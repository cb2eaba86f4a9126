"""The records to publish, as files that other programs read, and as what a provider's page wants to be typed."""
