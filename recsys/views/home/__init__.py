"""What the Home page shows: the live model in words, what has changed, and an example shopper."""
