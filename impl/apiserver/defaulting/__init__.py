"""What the API server fills in before an object is stored: defaults, addresses, labels."""
