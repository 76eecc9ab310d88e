"""`kubeproof run`: what happens behind one command, step by step."""
