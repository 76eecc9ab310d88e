"""What to change: the object and the field to blame, and what stands in the way there."""
