"""Orchestrate: several coding agents side by side, one checked branch."""
