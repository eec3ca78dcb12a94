"""The listening socket."""

import socket

from recsys.server.listen import listen


def test_answers_are_not_held_back_by_the_network_stack() -> None:
    with listen("127.0.0.1", 0) as listener, socket.create_connection(listener.getsockname()):
        accepted, _ = listener.accept()
        with accepted:
            assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
