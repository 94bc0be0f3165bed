# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import http.server
import json
import socketserver
import threading

import pytest

from ansible_collections.trusted.crossbuild.plugins.module_utils._engine_socket import EngineSocket, require_recent
from ansible_collections.trusted.crossbuild.plugins.module_utils._errors import CrossbuildError


@pytest.mark.parametrize("version", ["20.10.0", "20.10.24+dfsg1", "23.0", "28.1.0-rc.1"])
def test_recent_enough(version):
    require_recent(version)


@pytest.mark.parametrize("version", ["20.9.9", "19.03.15", "1.13.1"])
def test_too_old(version):
    with pytest.raises(CrossbuildError, match=f"is version {version}; 20.10 or newer is needed"):
        require_recent(version)


# A fake engine: of a real one no test can ask that it gives wrong answers.
@pytest.fixture
def engine(tmp_path):
    answers = {}

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            status, body = answers.get(self.path, (404, b"{}"))
            self.send_response(status)
            self.end_headers()
            self.wfile.write(body)

        def address_string(self):
            return "client"

        def log_message(self, *arguments):
            pass

    class Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
        daemon_threads = True

    with Server(str(tmp_path / "socket"), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield EngineSocket(str(tmp_path / "socket")), answers
        finally:
            server.shutdown()
            thread.join()


def test_what_would_be_lost_with_the_data(engine):
    engine, answers = engine
    images = [
        {"RepoTags": ["mine:1"], "RepoDigests": None},
        {"RepoTags": None, "RepoDigests": ["registry/mine@sha256:0"]},
        {"RepoTags": ["<none>:<none>"], "RepoDigests": ["<none>@<none>"]},
        {"RepoTags": [], "RepoDigests": []},
        {"RepoTags": None, "RepoDigests": None},
    ]
    answers["/images/json"] = 200, json.dumps(images).encode()
    answers["/containers/json?all=1"] = 200, b"[{}, {}]"
    answers["/volumes"] = 200, b'{"Volumes": null}'
    assert engine.holdings() == ["2 images", "2 containers"]


def test_another_status_is_an_error_with_what_it_said(engine):
    engine, answers = engine
    answers["/version"] = 500, b"broken"
    with pytest.raises(CrossbuildError, match="answered 500 to /version: b'broken'"):
        engine.version()


@pytest.mark.parametrize("answer", [b"no JSON", b"[]", b"{}"])
def test_something_that_is_no_engine_is_named(engine, answer):
    engine, answers = engine
    answers["/version"] = 200, answer
    with pytest.raises(CrossbuildError, match=r"What answers at .* is no Docker Engine"):
        engine.version()


def test_nobody_answers(tmp_path):
    assert EngineSocket(str(tmp_path / "missing")).version() is None
    with pytest.raises(CrossbuildError, match=r"does not answer at .* after 0 seconds"):
        EngineSocket(str(tmp_path / "missing")).wait(0)


@pytest.mark.parametrize("answer", [b"", b"no HTTP\r\n\r\n"])
def test_somebody_who_does_not_speak_http_is_nobody(tmp_path, answer):
    class Silent(socketserver.BaseRequestHandler):
        def handle(self):
            self.request.recv(1000)
            self.request.sendall(answer)

    with socketserver.UnixStreamServer(str(tmp_path / "socket"), Silent) as server:
        thread = threading.Thread(target=server.handle_request)
        thread.start()
        assert EngineSocket(str(tmp_path / "socket")).version() is None
        thread.join()
