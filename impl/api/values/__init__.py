"""The small languages in fields: quantities, percentages, selectors, times, hashes."""
