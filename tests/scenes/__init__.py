"""Small clusters, scenarios and flows that several tests look at, drawn at random or by hand."""
