"""Who works at a cluster: the steps of the script, one after the other, drains among them."""
