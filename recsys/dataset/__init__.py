"""What was bought: the dataset, its splits over time, how purchases fade with age, and the built-in data."""
