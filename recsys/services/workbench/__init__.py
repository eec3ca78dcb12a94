"""What a merchandiser works with: personas, rule sets, golden shoppers, comparisons of lists."""
