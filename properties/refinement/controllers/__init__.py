"""Controllers and their models: how each is seen as its page, and what every turn owes it."""
