# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether a node answers: real sockets, and the bytes that BuildKit says first."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from ansible_collections.trusted.crossbuild.plugins.module_utils import _buildx_nodes
from ansible_collections.trusted.crossbuild.plugins.module_utils._buildx_instance import Node
from ansible_collections.trusted.crossbuild.plugins.module_utils._errors import CrossbuildError

# The settings of a server of gRPC: a frame of one setting.
SETTINGS = b"\0\0\6\x04\0\0\0\0\0\0\5\0\0\x40\0"


def node(endpoint: str, **options: str) -> Node:
    return Node("one", endpoint, [], options)


@contextmanager
def answering(answer: bytes) -> Iterator[str]:
    """What listens says this to one client, whatever that says."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            client, _address = listening.accept()
            with client:
                client.recv(33)
                client.sendall(answer)

        thread = threading.Thread(target=serve)
        thread.start()
        yield f"tcp://127.0.0.1:{listening.getsockname()[1]}"
        thread.join()


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (SETTINGS, None),
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", "what answers there is no BuildKit"),
        (b"", "what answers there is no BuildKit"),
    ],
)
def test_who_answers(answer: bytes, said: str | None) -> None:
    with answering(answer) as endpoint:
        assert _buildx_nodes.silence("remote", node(endpoint)) == said


def test_nobody_answers(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
    assert _buildx_nodes.silence("remote", node(f"tcp://127.0.0.1:{port}")) == "Connection refused"
    assert _buildx_nodes.silence("remote", node(f"unix://{tmp_path}/none")) == "No such file or directory"


def test_a_client_without_certificates_only_knocks() -> None:
    with answering(b"") as endpoint:
        assert _buildx_nodes.silence("remote", node(endpoint, cacert="ca.pem")) is None


@pytest.mark.parametrize(
    ("driver", "endpoint"), [("docker-container", "tcp://127.0.0.1:1"), ("remote", "ssh://nobody")]
)
def test_others_are_for_buildx_to_reach(driver: str, endpoint: str) -> None:
    assert _buildx_nodes.silence(driver, node(endpoint)) is None


def test_where_buildx_keeps_its_record(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("BUILDX_CONFIG", raising=False)
    monkeypatch.setenv("DOCKER_CONFIG", "/d")
    assert _buildx_nodes.path("farm") == "/d/buildx/instances/farm"
    monkeypatch.setenv("BUILDX_CONFIG", str(tmp_path))
    assert _buildx_nodes.recorded("farm") is None
    (tmp_path / "instances").mkdir()
    (tmp_path / "instances/farm").write_text("{}")
    with pytest.raises(CrossbuildError, match="instances/farm is not what buildx writes of a builder"):
        _buildx_nodes.recorded("farm")
