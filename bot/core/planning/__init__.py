"""How a task becomes a plan: what it touches, how it is split, what the plan must not be."""
