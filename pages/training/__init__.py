"""The panels of the Train page: the recipe on the left, the run shown on the right."""
