"""Who writes what: for each controller what it may ask for on what it has seen, and which changes are its."""
