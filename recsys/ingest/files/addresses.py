"""Addresses of files on other machines, such as `s3://bucket/folder/*.parquet`, and their words without secrets."""

import os
import re
from urllib.parse import urlsplit

_ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+://")
_SECRET = re.compile(r"(?i)secret|token|password|key|credential|connection_string")
_SHORTEST_SECRET = 4


def is_address(text: str) -> bool:
    """Whether a path is the address of another machine."""
    return _ADDRESS.match(text) is not None or ("::" in text and "://" in text)


def without_secrets(address: str) -> str:
    """An address as it may be shown: without a user, a password and what follows a question mark."""
    parts = urlsplit(address.rpartition("::")[2] if "::" in address else address)
    host = parts.netloc.rpartition("@")[2]
    marks = f"?{parts.query}" if parts.query and "=" not in parts.query else ""
    return f"{parts.scheme}://{host}{parts.path}{marks}"


def cleaned(words: str) -> str:
    """The first line of somebody else's words, without any secret of the environment or of an address."""
    line = words.strip().split("\n")[0][:300]
    secrets = [x for name, x in os.environ.items() if _SECRET.search(name) and len(x) >= _SHORTEST_SECRET]
    for secret in sorted(secrets, key=len, reverse=True):
        line = line.replace(secret, "…")
    line = re.sub(r"://[^/\s@]+@", "://", line)
    return re.sub(r"\?[^\s\"']*=[^\s\"']*", "", line)
