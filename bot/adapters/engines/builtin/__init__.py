"""The `builtin` engine's agent process: a small loop over one chat endpoint, with few tools."""
