"""Whom the bot talks to: git, processes, files, model endpoints."""
