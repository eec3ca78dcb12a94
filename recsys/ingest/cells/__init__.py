"""What stands in a cell: times, numbers, categories, and words of many languages."""
