"""The Deployment controller, step by step of one sync."""
