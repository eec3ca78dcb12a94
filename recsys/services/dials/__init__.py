"""What each dial did: changes against the live model, rough runs, levels to compare with; the popularity dial."""
