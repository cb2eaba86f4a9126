"""One page of a user's own values that a person follows: what to order, to do and to publish; never a secret."""
