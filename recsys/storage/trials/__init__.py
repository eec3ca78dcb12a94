"""How Optuna keeps trainings: its tables, and the parameters of a trial."""
