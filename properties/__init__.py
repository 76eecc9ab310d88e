"""What must hold: convergence, placement, reachability, refinement of the models, proved by search and by z3."""
