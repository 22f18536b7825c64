"""What the bot does, a verb each."""
