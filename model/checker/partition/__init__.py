"""One search over several processes, each with its share of the states."""
