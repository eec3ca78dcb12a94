"""What an import has read, handed on to those who write and report it."""

from dataclasses import dataclass

from recsys.ingest.catalog import Tables
from recsys.ingest.columns.recognition import Recognition
from recsys.ingest.config import ImportPlan
from recsys.ingest.events.filtering import Filtered
from recsys.ingest.events.staging import Staged
from recsys.ingest.files.sources import Inputs
from recsys.ingest.rejects import Rejects


@dataclass(frozen=True)
class ReadData:
    """The plan, the files with their columns, and what was made of the rows.

    Attributes:
        warnings: what somebody should check, in words, found on the way.
    """

    plan: ImportPlan
    inputs: Inputs
    recognised: Recognition
    staged: Staged
    kept: Filtered
    tables: Tables
    rejects: Rejects
    warnings: tuple[str, ...] = ()
