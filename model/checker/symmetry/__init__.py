"""States that differ only in which member is which: searched once, sampled, and argued for whole runs."""
