"""Item embeddings drawn in two dimensions, and how faithful the drawing is."""
