"""Informers: what a component remembers of the API server, by listing, watching, and listing anew."""
