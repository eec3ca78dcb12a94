"""What each dial did: changes against the live model, rough runs around a recipe, levels to hold a training against."""
