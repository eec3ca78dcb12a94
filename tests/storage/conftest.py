"""What tests of storage share."""

from collections.abc import Iterator

import pytest

from tests.postgres import server


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """A PostgreSQL server for the tests of one file."""
    with server() as found:
        yield found
