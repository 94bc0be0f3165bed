# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What buildx recorded of its builders, and whether a node of one answers."""

from __future__ import annotations

import os
import socket
from urllib.parse import urlsplit

from . import _buildx_instance
from ._buildx_instance import REMOTE, Instance, Node
from ._errors import CrossbuildError

# Seconds that a node may take to answer.
_PATIENCE = 10
# With TLS nothing can be said without the certificates that buildx has.
_TLS_OPTIONS = ("cacert", "cert", "key", "servername")
# How a client of HTTP/2 begins, with settings that are the usual ones; and how a server does (RFC 9113, 3.4 and 6.5).
_HELLO = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\0\0\0\x04\0\0\0\0\0"
_SETTINGS = 4


def path(name: str) -> str:
    own = os.environ.get("DOCKER_CONFIG") or os.path.expanduser("~/.docker")
    return os.path.join(os.environ.get("BUILDX_CONFIG") or os.path.join(own, "buildx"), "instances", name)


def recorded(name: str) -> Instance | None:
    """The builder of this name; None where there is none."""
    where = path(name)
    try:
        with open(where, encoding="utf-8") as file:
            return _buildx_instance.read(file.read())
    except FileNotFoundError:
        return None
    except (ValueError, KeyError, TypeError) as exc:
        raise CrossbuildError(
            f"{where} is not what buildx writes of a builder ({exc!r}). Remove that file, or repair it, and run this again."
        ) from exc


def silence(driver: str, node: Node) -> str | None:
    """Why nobody builds at a node; None where somebody answers, or where that is for buildx to find out.

    buildx waits for a remote BuildKit without an end.
    """
    where = urlsplit(node.endpoint)
    if driver != REMOTE or where.scheme not in ("tcp", "unix"):
        return None
    try:
        with _connected(where.scheme, where.path, where.hostname or "", where.port or 0) as connection:
            if any(option in node.driver_options for option in _TLS_OPTIONS):
                return None
            return _greeted(connection)
    except OSError as exc:
        return str(exc.strerror or exc)


def _connected(scheme: str, file: str, host: str, port: int) -> socket.socket:
    if scheme == "tcp":
        return socket.create_connection((host, port), _PATIENCE)
    connection = socket.socket(socket.AF_UNIX)
    connection.settimeout(_PATIENCE)
    try:
        connection.connect(file)
    except OSError:
        connection.close()
        raise
    return connection


def _greeted(connection: socket.socket) -> str | None:
    connection.sendall(_HELLO)
    answer = connection.recv(16)
    # Three bytes of length come before a frame's type.
    return None if answer[3:4] == bytes([_SETTINGS]) else "what answers there is no BuildKit"
