"""Use cases over one home: the workspace, jobs, training, promotion, import, map, batch, search of users."""
