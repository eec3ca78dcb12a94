"""Answers from a model: recommendations, where a user stands in it, explanations, merchandising rules."""
