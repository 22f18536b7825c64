"""The composition root: builds what commands need, and alone reads the environment."""
