"""Files of object stores and other machines (`s3://`, `gs://`, `az://`, anything that fsspec knows), fetched into the
folder of an import, from where they are read like files of this machine."""

import errno
import os
import re
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from humanize import naturalsize

from recsys.errors import InsiderError, InvalidInput, StorageProblem
from recsys.ingest.files.addresses import cleaned, is_address, without_secrets
from recsys.ingest.files.found_files import FoundFile, check_no_table, find, is_data

CHUNK = 8 << 20
ROOM = 2
"""Free space needed below the home, as a multiple of the files: for their copies, and for what is made of them."""

_PACKAGES = {
    "s3": "s3fs",
    "s3a": "s3fs",
    "gs": "gcsfs",
    "gcs": "gcsfs",
    "az": "adlfs",
    "abfs": "adlfs",
    "abfss": "adlfs",
}
_CREDENTIALS = {
    "s3fs": "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY (FSSPEC_S3_ANON=true for a public bucket)",
    "gcsfs": "GOOGLE_APPLICATION_CREDENTIALS",
    "adlfs": "AZURE_STORAGE_ACCOUNT_NAME and AZURE_STORAGE_ACCOUNT_KEY",
}
_OPTIONS: dict[str, dict[str, Any]] = {
    "s3fs": {"config_kwargs": {"connect_timeout": 5, "read_timeout": 30, "retries": {"max_attempts": 2}}}
}
_NO_CREDENTIALS = ("NoCredentialsError", "PartialCredentialsError", "DefaultCredentialsError", "TokenRetrievalError")
_AWAY = (
    "EndpointConnectionError", "ConnectTimeoutError", "ReadTimeoutError", "ConnectionClosedError", "SSLError",
    "ProxyConnectionError", "ClientConnectorError", "ClientConnectorDNSError", "ServerTimeoutError",
    "FSTimeoutError", "ServerDisconnectedError", "ServiceRequestError",
)  # fmt: skip

OnBytes = Callable[[int], None]


@dataclass(frozen=True)
class RemoteFile:
    """A file of another machine.

    Attributes:
        files: the file system of fsspec it belongs to.
        key: its path there.
        size: in bytes; None where it is not told before.
        address: of it, as it may be shown.
    """

    files: Any = field(compare=False)
    key: str
    size: int | None
    address: str

    @property
    def place(self) -> tuple[str, ...]:
        """Its address in parts."""
        return tuple(part for part in re.split("[/\\\\]", self.address) if part)


def find_or_fetch(
    parts: Mapping[str, Sequence[str]], folder: Path, on_fraction: Callable[[float], None]
) -> dict[str, list[FoundFile]]:
    """The files of each part, from paths of this machine and from addresses; those behind addresses are fetched, one
    after the other, after all of them are known to be there and to have room.

    Args:
        on_fraction: hears how far it is; an exception it raises ends it.

    Raises:
        InvalidInput: a path or an address without a file, or one that cannot be read.
        StorageProblem: they would fill the disk.
    """
    on_fraction(0.0)
    here: dict[str, list[FoundFile | RemoteFile]] = {part: [] for part in parts}
    for part, patterns in parts.items():
        for pattern in patterns:
            here[part] += listed(pattern) if is_address(pattern) else find([pattern])
    remote = list(dict.fromkeys(x for found in here.values() for x in found if isinstance(x, RemoteFile)))
    check_room(remote, folder.parent)
    total, done = sum(file.size or 0 for file in remote), 0
    fetched: dict[RemoteFile, FoundFile] = {}

    def count(more: int) -> None:
        nonlocal done
        done += more
        on_fraction(done / total if total else len(fetched) / len(remote))

    for file in remote:
        fetched[file] = fetch(file, folder / str(len(fetched)), count)
    return {
        part: list(dict.fromkeys(fetched[x] if isinstance(x, RemoteFile) else x for x in found))
        for part, found in here.items()
    }


def listed(pattern: str) -> list[RemoteFile]:
    """The files behind an address of a file or a folder, or one with wildcards, by their names.

    Raises:
        InvalidInput: says what is missing there, or why it cannot be reached.
    """
    shown = without_secrets(pattern)
    with _in_plain_words(shown):
        from fsspec.core import url_to_fs

        scheme = shown.partition("://")[0]
        options = _OPTIONS.get(_PACKAGES.get(scheme, ""), {})
        files, path = url_to_fs(pattern, skip_instance_cache=True, **options)
        try:
            entry = files.info(path)
        except FileNotFoundError as error:
            if type(error.__cause__).__name__ in _AWAY:
                raise
            if not any(mark in shown for mark in "*?["):
                raise _missing(files, path, shown) from error
            return _matching(files, path, shown)
        if entry["type"] != "directory":
            return [RemoteFile(files, path, entry.get("size"), shown)]
        return _below(files, path, shown)


def _matching(files: Any, path: str, shown: str) -> list[RemoteFile]:
    found: list[RemoteFile] = []
    for name, entry in sorted(files.glob(path, detail=True).items()):
        address = _address(shown, name)
        if entry["type"] == "directory":
            found += _below(files, name, address, needed=False)
        elif not name.endswith("/"):
            found.append(RemoteFile(files, name, entry.get("size"), address))
    if not found:
        raise _missing(files, path, shown)
    return found


def _below(files: Any, folder: str, shown: str, *, needed: bool = True) -> list[RemoteFile]:
    below = {name: entry for name, entry in sorted(files.find(folder, detail=True).items()) if not name.endswith("/")}
    parts = {name: name[len(folder.rstrip("/")) :].strip("/").split("/") for name in below}
    check_no_table(parts.values(), shown)
    found = [
        RemoteFile(files, name, entry.get("size"), _address(shown, name))
        for name, entry in below.items()
        if is_data(parts[name]) and entry.get("size") != 0
    ]
    if needed and not found:
        raise InvalidInput(f"The folder {shown} holds no file of data; check the path.")
    return found


def _address(shown: str, name: str) -> str:
    return name if "://" in name else f"{shown.partition('://')[0]}://{name.lstrip('/')}"


def _missing(files: Any, path: str, shown: str) -> InvalidInput:
    """What is not there: the bucket, the file, or any that matches."""
    bucket = path.strip("/").partition("/")[0]
    if shown.partition("://")[0] in _PACKAGES and not files.exists(bucket):
        return InvalidInput(f"There is no bucket {bucket!r}{_at_endpoint(shown)}; check {shown}.")
    if any(mark in shown for mark in "*?["):
        return InvalidInput(f"No file matches {shown}; check the address.")
    return InvalidInput(f"There is no file or folder {shown}; check the address.")


def check_room(found: Sequence[RemoteFile], folder: Path) -> None:
    """Refuse files that would fill the disk.

    Raises:
        StorageProblem: says how much there is and how much is needed.
    """
    total, free = sum(file.size or 0 for file in found), shutil.disk_usage(folder).free
    if ROOM * total > free:
        raise StorageProblem(
            f"The files hold {naturalsize(total)}, and importing them needs {naturalsize(ROOM * total)} below "
            f"INSIDER_HOME, for copies and for what is made of them; {naturalsize(free)} are free. Free some, or "
            "point INSIDER_HOME to a larger disk."
        )


def fetch(file: RemoteFile, folder: Path, on_bytes: OnBytes = lambda _: None) -> FoundFile:
    """Copy a file into a folder, below folders named as those directly above it.

    Args:
        on_bytes: hears how many bytes more have come; an exception it raises ends the copying.

    Raises:
        InvalidInput: it cannot be read, or is cut short.
        StorageProblem: the disk is full.
    """
    found = FoundFile(folder, file.place)
    above = [part for part in file.place[-1 - len(found.partitions) : -1] if "=" in part]
    target = folder.joinpath(*above) / re.sub(r"[^A-Za-z0-9._-]", "_", file.place[-1])[-100:]
    done = 0
    with _in_plain_words(file.address):
        target.parent.mkdir(parents=True)
        with file.files.open(file.key, "rb", block_size=CHUNK) as stream, target.open("wb") as out:
            while chunk := stream.read(CHUNK):
                out.write(chunk)
                done += len(chunk)
                on_bytes(len(chunk))
    if file.size is not None and done != file.size:
        raise InvalidInput(
            f"{file.address} had {file.size:,} bytes, and {done:,} have come: it was changed meanwhile, or cut short. "
            "Import it again."
        )
    return FoundFile(target, file.place)


@contextmanager
def _in_plain_words(shown: str) -> Iterator[None]:
    """What fsspec and the packages behind it raise, as one sentence that names the address and the mend."""
    try:
        yield
    except InsiderError:
        raise
    except Exception as error:
        raise _told(error, shown) from error


def _told(error: Exception, shown: str) -> InsiderError:
    scheme = shown.partition("://")[0]
    package = _PACKAGES.get(scheme, "")
    names = {type(x).__name__ for x in (error, error.__cause__, error.__context__)}
    said = cleaned(str(error)) or type(error).__name__
    if isinstance(error, ImportError):
        how = f"the package {package}: pip install {package}" if package else f"a package that is missing: {said}"
        return InvalidInput(f"Reading {shown} needs {how}.")
    if isinstance(error, ValueError) and "Protocol not known" in said:
        return InvalidInput(f"{scheme}:// is no kind of address known here; s3://, gs://, az:// and https:// are.")
    if isinstance(error, ValueError) and "endpoint" in said.lower():
        return InvalidInput(f"AWS_ENDPOINT_URL is no address ({said}); write it as http://host:9000.")
    if names & set(_NO_CREDENTIALS):
        wanted = _CREDENTIALS.get(package, "those that it asks for")
        return InvalidInput(f"There are no credentials for {shown}; set {wanted}.")
    if names & set(_AWAY) or isinstance(error, (ConnectionError, TimeoutError)):
        mend = "check the address and the network" + (", and AWS_ENDPOINT_URL" if package == "s3fs" else "")
        return InvalidInput(f"{shown} cannot be reached{_at_endpoint(shown)}; {mend}.")
    if isinstance(error, PermissionError):
        wanted = f" ({_CREDENTIALS[package]})" if package else ""
        return InvalidInput(f"{shown} may not be read; check the credentials{wanted} and what they may list and read.")
    if isinstance(error, FileNotFoundError):
        return InvalidInput(f"There is no file or folder {shown}; check the address.")
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        return StorageProblem(f"The disk is full: {shown} has no room below INSIDER_HOME. Free some.")
    return InvalidInput(f"{shown} cannot be read: {said}")


def _at_endpoint(shown: str) -> str:
    endpoint = os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL")
    return f" at {without_secrets(endpoint)}" if endpoint and shown.startswith("s3") else ""
