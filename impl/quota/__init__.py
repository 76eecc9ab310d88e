"""How much of a quota an object takes: counted alike by the API server and by the quota controller."""
