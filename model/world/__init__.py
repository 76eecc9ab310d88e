"""Components as processes of one world: a store, views of it, turns of requests, faults."""
