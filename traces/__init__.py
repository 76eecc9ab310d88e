"""What went wrong, kept: a run recorded as a JSON document, replayed exactly to the bit, rendered as text."""
