"""Text files whose lines are written oddly: quoted as a whole, or without the empty fields at their end."""
