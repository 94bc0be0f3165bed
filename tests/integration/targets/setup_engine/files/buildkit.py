# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The BuildKit inside of an engine at an address of its own, as a node of a builder has one: buildkit.py ENGINE ADDRESS.

The address is a socket's path, or HOST:PORT.
"""

from __future__ import annotations

import socket
import sys
import threading

UPGRADE = b"POST /grpc HTTP/1.1\r\nHost: docker\r\nConnection: Upgrade\r\nUpgrade: h2c\r\nContent-Length: 0\r\n\r\n"


def pump(source: socket.socket, target: socket.socket) -> None:
    """Hands on what comes. Where one side is gone the other one has to see it."""
    try:
        while data := source.recv(65536):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)
    except OSError:
        for side in (source, target):
            side.close()


def serve(client: socket.socket) -> None:
    engine = socket.socket(socket.AF_UNIX)
    with client, engine:
        engine.connect(sys.argv[1])
        engine.sendall(UPGRADE)
        answer = b""
        while not answer.endswith(b"\r\n\r\n"):
            answer += engine.recv(1)
        threading.Thread(target=pump, args=(client, engine), daemon=True).start()
        pump(engine, client)


host, colon, port = sys.argv[2].rpartition(":")
if colon:
    listening = socket.create_server((host, int(port)))
else:
    listening = socket.socket(socket.AF_UNIX)
    listening.bind(port)
    listening.listen()
while True:
    threading.Thread(target=serve, args=(listening.accept()[0],), daemon=True).start()
