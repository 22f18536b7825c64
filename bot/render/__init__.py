"""What the bot says: values into text."""
