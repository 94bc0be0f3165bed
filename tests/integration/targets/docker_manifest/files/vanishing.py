# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Between a client and a registry: when a certain request comes, the registry dies, and the request finds nobody.

Usage: vanishing.py PORT REGISTRY_PORT REGISTRY_PID_FILE REQUEST
"""

from __future__ import annotations

import os
import re
import signal
import socket
import sys
from pathlib import Path

PORT, REGISTRY_PORT, PID_FILE, REQUEST = int(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3]), sys.argv[4].encode()


def request(client: socket.socket) -> bytes:
    received = client.recv(65536)
    # A client that tries TLS first hears what a plain registry says to that.
    while received[:1] != b"\x16" and not complete(received):
        received += client.recv(65536)
    return received


def complete(received: bytes) -> bool:
    head, end, body = received.partition(b"\r\n\r\n")
    length = re.search(rb"(?i)content-length: (\d+)", head)
    return bool(end) and len(body) >= (int(length[1]) if length else 0)


with socket.create_server(("127.0.0.1", PORT)) as server:
    while True:
        client, _address = server.accept()
        with client:
            received = request(client)
            if received.startswith(REQUEST):
                os.kill(int(PID_FILE.read_text()), signal.SIGKILL)
                server.close()
                sys.exit()
            with socket.create_connection(("127.0.0.1", REGISTRY_PORT)) as registry:
                registry.sendall(received)
                while answer := registry.recv(65536):
                    client.sendall(answer)
