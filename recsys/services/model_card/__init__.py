"""A model told to people: its card, what it learned by examples, and products it pairs that nobody would guess."""
