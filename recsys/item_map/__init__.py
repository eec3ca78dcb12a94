"""The Map page: points, colours, regions, selections, and its figure."""
