"""The steps of a script: in words, as JSON, and as values."""
