"""Commands in a sandbox that bubblewrap makes: what they see, reach and may use up."""
