"""What each step of a result did, in the words of a methods section."""
