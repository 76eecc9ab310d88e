"""Which node may a Pod go to: the specification as formulas, and what is proved of the scheduler."""
