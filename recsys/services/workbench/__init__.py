"""What a merchandiser works with: personas, rule sets, expectations, comparisons of lists."""
