"""A session of the dashboard without a browser: what a browser sends over its WebSocket, with any headers."""

import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ClientState_pb2 import ClientState
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.proto.WidgetStates_pb2 import WidgetState, WidgetStates
from websockets.sync.client import ClientConnection, connect

SECONDS = 60


@dataclass
class Session:
    """One visitor's session.

    Attributes:
        id: of the session, once a script has begun.
        elements: what the last script showed, in order.
        texts: everything that was shown in words.
    """

    connection: ClientConnection
    id: str = ""
    page: str = ""
    elements: list[Any] = field(default_factory=list)
    widgets: dict[str, WidgetState] = field(default_factory=dict)

    def open(self, page: str = "", query: str = "") -> None:
        """Run a page and wait until it is shown."""
        self.page = page
        self._run(ClientState(query_string=query, page_name=page))
        self._shown()

    def press(self, label: str, *, hang_up: bool = False) -> None:
        """Press the button with this label; with `hang_up`, close the connection as soon as the script runs."""
        found = [x.button for x in self.elements if x.WhichOneof("type") == "button" and x.button.label == label]
        assert found, (label, self.labels())
        pressed = WidgetState(id=found[0].id, trigger_value=True)
        states = WidgetStates(widgets=[*self.widgets.values(), pressed])
        hashed = self._hash
        self._run(ClientState(widget_states=states, page_script_hash=hashed, fragment_id=self.fragment(found[0].id)))
        if hang_up:
            while self._next().WhichOneof("type") != "new_session":
                pass
            self.connection.close()
        else:
            self._shown()

    def type(self, label: str, text: str) -> None:
        """Write into a text field; it is sent with the next press."""
        for element in self.elements:
            if element.WhichOneof("type") == "text_input" and element.text_input.label == label:
                name = element.text_input.id
                self.widgets[name] = WidgetState(id=name, string_value=text)
                return
        raise AssertionError(label)

    def labels(self) -> list[str]:
        """Labels of all buttons that can be pressed."""
        buttons = [x.button for x in self.elements if x.WhichOneof("type") == "button"]
        return [button.label for button in buttons if not button.disabled]

    def words(self) -> str:
        """Everything that is shown in words."""
        found = []
        for element in self.elements:
            kind = element.WhichOneof("type")
            found.append(str(getattr(getattr(element, kind), "body", "")) if kind else "")
        return "\n".join(found)

    def fragment(self, widget: str) -> str:
        """The fragment a widget is in, or nothing."""
        return self._fragments.get(widget, "")

    def _run(self, state: ClientState) -> None:
        self.connection.send(BackMsg(rerun_script=state).SerializeToString())

    def _next(self) -> ForwardMsg:
        message = ForwardMsg()
        message.ParseFromString(self.connection.recv(SECONDS))
        return message

    def _shown(self) -> None:
        """Read until a script has ended for which no other one was begun."""
        while True:
            message = self._next()
            kind = message.WhichOneof("type")
            if kind == "new_session":
                self.id = message.new_session.initialize.session_id
                self.elements = []
                self._fragments: dict[str, str] = {}
            elif kind == "navigation":
                self._hash = message.navigation.page_script_hash
            elif kind == "delta" and message.delta.WhichOneof("type") == "new_element":
                element = message.delta.new_element
                self.elements.append(element)
                which = element.WhichOneof("type")
                if which is not None and message.delta.fragment_id:
                    self._fragments[getattr(getattr(element, which), "id", "")] = message.delta.fragment_id
            elif kind == "script_finished" and message.script_finished in (
                ForwardMsg.FINISHED_SUCCESSFULLY,
                ForwardMsg.FINISHED_FRAGMENT_RUN_SUCCESSFULLY,
            ):
                return


@contextmanager
def session(url: str, headers: Mapping[str, str] | None = None, *, origin: str | None = None) -> Iterator[Session]:
    """Connect as a browser would; `headers` may name another `Host` too."""
    given = dict(headers or {})
    host = given.pop("Host", urlsplit(url).netloc)
    there = socket.create_connection((urlsplit(url).hostname, urlsplit(url).port), SECONDS)
    with connect(
        f"ws://{host}/_stcore/stream",
        sock=there,
        origin=origin if origin is not None else f"http://{host}",
        subprotocols=["streamlit"],
        additional_headers=given,
        max_size=None,
        open_timeout=SECONDS,
        proxy=None,
    ) as connection:
        yield Session(connection)
