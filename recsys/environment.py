"""The environment variables `INSIDER_...`, read and checked. Imported only when settings are asked for."""

import re
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, PositiveInt, ValidationError
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from recsys.errors import InvalidInput

PREFIX = "INSIDER_"


def _by_commas(text: object) -> object:
    return tuple(x.strip() for x in text.split(",") if x.strip()) if isinstance(text, str) else text


def _origin(text: str) -> str:
    parts = urlsplit(text)
    if parts.scheme not in ("http", "https") or not parts.netloc or text != f"{parts.scheme}://{parts.netloc}":
        raise ValueError("write origins as https://shop.example, separated by commas")
    return text


def _host(text: str) -> str:
    host = text.lower().rstrip(".")
    if not re.fullmatch(r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?", host):
        raise ValueError("write names as insider.shop.example, without scheme and port, separated by commas")
    return host


def _path(text: str) -> str:
    path = text.strip().strip("/")
    if not re.fullmatch(r"[A-Za-z0-9._~/-]*", path) or "//" in path or ".." in path.split("/"):
        raise ValueError("write a path as /insider")
    return f"/{path}" if path else ""


Flag = Annotated[bool, BeforeValidator(lambda text: text not in ("", "0", False))]
"""Set to anything but 0."""

Number = Annotated[float, Field(ge=0, lt=1e9, allow_inf_nan=False)]
Origins = Annotated[tuple[Annotated[str, AfterValidator(_origin)], ...], NoDecode, BeforeValidator(_by_commas)]
Hosts = Annotated[tuple[Annotated[str, AfterValidator(_host)], ...], NoDecode, BeforeValidator(_by_commas)]

WORDS = {
    "rate_limit": "it must be a number of requests a second, 0 for any",
    "answer_cache_mb": "it must be a number of megabytes, 0 for none",
    "most_alike": "it must be a number of products, 0 for any number",
    "rough_runs": "it must be a number of trainings, 0 for none",
}
WHOLE = "it must be a whole number above 0"


class Environment(BaseSettings):
    """The variables by their names without the prefix; an empty one counts as unset. `Settings` says what they mean."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, env_ignore_empty=True, extra="ignore")

    home: Path | None = None
    database_url: str | None = None
    api_key: str | None = None
    scheduler: str | None = None
    import_folder: str | None = None
    upload_limit: PositiveInt | None = None
    upload_total: PositiveInt | None = None
    cors_origins: Origins = ()
    rate_limit: Number = 0.0
    answer_cache_mb: Number = 64.0
    request_log: Flag = False
    max_jobs: PositiveInt = 1
    keep_models: PositiveInt | None = None
    hosts: Hosts = ()
    trust_loopback: Flag = False
    roles: str = ""
    base_path: Annotated[str, AfterValidator(_path)] = ""
    most_alike: Number | None = None
    rough_runs: Number | None = None

    @classmethod
    def read(cls) -> "Environment":
        """What is set now; InvalidInput names the variable, its value and what it has to be."""
        try:
            return cls()
        except ValidationError as error:
            first = error.errors()[0]
            field = str(first["loc"][0])
            own = str(first["msg"]).removeprefix("Value error, ") if first["type"] == "value_error" else ""
            wanted = own or WORDS.get(field, WHOLE)
            raise InvalidInput(f"{PREFIX}{field.upper()} is {first['input']!r}; {wanted}.") from None
