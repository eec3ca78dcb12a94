"""Errors that people are meant to read: each names the offending thing and the way to mend it."""


class InsiderError(Exception):
    """Base of every error this package raises on purpose. Its text is fit to be shown to a user."""


class InvalidInput(InsiderError):
    """The user's input is wrong (exit code 2, HTTP 422)."""


class NotFound(InvalidInput):
    """A user, item, model, dataset or category that does not exist (exit code 2, HTTP 404)."""


class UnknownUser(NotFound):
    """A user whom neither the model nor the log of events knows."""


class NoModel(InsiderError):
    """Nothing has been trained and promoted yet (exit code 2, HTTP 503)."""


class Corrupted(InsiderError):
    """A stored file is missing, cut short or changed: it is refused, never half used."""


class StorageProblem(InsiderError):
    """The home cannot be written: read-only, full, or not a folder."""


class Diverged(InsiderError):
    """Training produced values that are not finite."""


class Cancelled(InsiderError):
    """A job was asked to stop."""
