"""A trace as one page of HTML that needs nothing beside it: what is lit, what travels, what was seen, what changed."""
