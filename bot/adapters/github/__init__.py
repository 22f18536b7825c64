"""GitHub: its REST API behind one door, and what the bot does there, a method each."""
