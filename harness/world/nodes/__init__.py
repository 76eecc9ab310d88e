"""Nodes in a world: their kubelets and what runs there, their proxies, and what befalls them."""
