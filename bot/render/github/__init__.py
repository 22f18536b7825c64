"""What people read on GitHub: pure functions from a run's state to Markdown."""
