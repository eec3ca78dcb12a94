"""All that persists: artifacts in folders, the live pointer, the database of events, jobs and training runs."""
