"""What a file is: archives, encodings, dialects, and where it comes from."""
