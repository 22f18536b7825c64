"""The gateway: the only way from an agent to a model; the keys stay on our side of it."""
