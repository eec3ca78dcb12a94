"""Users and items found, and what a user did."""
