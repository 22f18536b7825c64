"""Carry out what core decided and record what came of it."""
