"""Running the app on a port of this machine."""

import logging
import os
import socket
import sys
from collections.abc import Callable

from recsys.errors import InsiderError, InvalidInput
from recsys.settings import APP_ROOT, Settings

PORTS_TO_TRY = 50


def listen(host: str, port: int) -> socket.socket:
    """A listening socket; port 0 takes any free one.

    Raises:
        InvalidInput: the port is taken or not allowed, or the host is no address of this machine; says what to do.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        listener = socket.create_server((host, port), family=family, backlog=2048)
        # Answers go out at once: without this a head and its body, sent one after the other, wait 40 ms for each other.
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return listener
    except PermissionError as error:
        raise InvalidInput(
            f"Port {port} needs more rights than you have; choose one above 1023: --port 8000"
        ) from error
    except OSError as error:
        if not _is_taken(family, host, port):
            raise InvalidInput(
                f"{host!r} is no address of this machine; use 127.0.0.1 for this machine alone, "
                "or 0.0.0.0 for the network."
            ) from error
        free = _free_port_after(family, host, port)
        raise InvalidInput(
            f"Port {port} on {host} is taken by another program. Stop it, or choose another port: "
            f"python -m recsys serve --port {free} (or: make run PORT={free})"
        ) from error


def url_of(listener: socket.socket) -> str:
    """The address to type into a browser on this machine."""
    host, port = listener.getsockname()[:2]
    shown = "localhost" if host in ("0.0.0.0", "::", "127.0.0.1", "::1") else host
    return f"http://[{shown}]:{port}" if ":" in shown else f"http://{shown}:{port}"


def serve(
    host: str, port: int, *, api_only: bool = False, workers: int = 1, on_listening: Callable[[str], None]
) -> None:
    """Serve dashboard and API until the process is told to stop.

    Args:
        api_only: leave the dashboard out; only then there may be several workers.
        workers: processes that answer; they share the memory of the model.
        on_listening: called with the URL as soon as the port is ours.
    """
    settings = Settings.from_environment()
    if workers > 1 and not api_only:
        raise InvalidInput(
            "A dashboard lives in one process: for several workers, serve the API alone (--api-only), and the "
            "dashboard on another port: python -m recsys serve --port 8001"
        )
    listener = listen(host, port)
    os.environ["INSIDER_HOME"] = str(settings.home)
    os.chdir(APP_ROOT)
    sys.path.insert(0, str(APP_ROOT))
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s: %(message)s")
    # Streamlit sets the levels of these anew when it starts; what is disabled stays so. The API keeps a log of its own.
    logging.getLogger("uvicorn.access").disabled = True
    if settings.request_log:
        _write_request_log()
    on_listening(url_of(listener))
    if api_only:
        from recsys.server.workers import run_workers

        with listener:
            run_workers(listener, settings, workers)
        return

    import uvicorn

    from recsys.server.connections import configured

    server = uvicorn.Server(configured("app:app"))
    with listener:
        server.run(sockets=[listener])
    if not server.started:
        raise InsiderError("The app did not start; the lines above say why.")


def _write_request_log() -> None:
    """The lines of the request log on stderr, as they are."""
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("%(message)s"))
    log = logging.getLogger("insider.requests")
    log.addHandler(handler)
    log.setLevel(logging.INFO)
    log.propagate = False


def _is_taken(family: int, host: str, port: int) -> bool:
    with socket.socket(family) as probe:
        try:
            probe.bind((host, 0))
        except OSError:
            return False
    return port != 0


def _free_port_after(family: int, host: str, port: int) -> int:
    for candidate in range(port + 1, min(port + PORTS_TO_TRY, 65536)):
        with socket.socket(family) as probe:
            try:
                probe.bind((host, candidate))
            except OSError:
                continue
            return candidate
    return 0
