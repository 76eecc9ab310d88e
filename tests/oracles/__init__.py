"""The plainest way to say the same, and what the real programs decided: to hold the clever ways against."""
