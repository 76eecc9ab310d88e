"""What real clusters did, held against what the search says they can do."""
