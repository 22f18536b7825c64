"""What the bot decides: pure functions over values, no I/O."""
