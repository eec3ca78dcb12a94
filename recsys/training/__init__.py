"""From a dataset to a model: training, search, refits, cold start, seed variance, the quality report."""
