# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A registry that does what a real one cannot be brought to. What it does well is tested with real ones."""

from __future__ import annotations

import hashlib
import json
import socket
import ssl
import subprocess
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Dict, Tuple

import pytest

from ansible_collections.trusted.crossbuild.plugins.module_utils import _registry_http
from ansible_collections.trusted.crossbuild.plugins.module_utils._errors import CrossbuildError
from ansible_collections.trusted.crossbuild.plugins.module_utils._manifest import DOCKER_LIST
from ansible_collections.trusted.crossbuild.plugins.module_utils._registry import Registry

INDEX = json.dumps({"mediaType": DOCKER_LIST, "manifests": []}).encode()
DIGEST = "sha256:" + hashlib.sha256(INDEX).hexdigest()
Reply = Tuple[int, Dict[str, str], bytes]  # evaluated, also on Python 3.8


class Server(ThreadingHTTPServer):
    """``replies`` by request, the last one for good; ``seen`` are the requests and their Authorization."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.name = f"127.0.0.1:{self.server_port}"
        self.replies: dict[str, list[Reply]] = {"GET /v2/": [(200, {}, b"")]}
        self.seen: list[tuple[str, str | None]] = []
        self.tls: ssl.SSLContext | None = None

    def requests(self, request: str) -> list[str | None]:
        return [authorization for one, authorization in self.seen if one == request]


class Handler(BaseHTTPRequestHandler):
    server: Server

    def handle(self) -> None:
        if self.server.tls:
            self.handle_tls(self.server.tls)
        elif self.connection.recv(1, socket.MSG_PEEK) == b"\x16":
            # What Go's server says to TLS.
            self.connection.sendall(b"HTTP/1.0 400 Bad Request\r\n\r\n")
        else:
            super().handle()

    def handle_tls(self, context: ssl.SSLContext) -> None:
        try:
            self.connection = context.wrap_socket(self.connection, server_side=True)
        except ssl.SSLError:
            # The client does not trust it.
            return
        with self.connection:
            self.rfile, self.wfile = self.connection.makefile("rb"), self.connection.makefile("wb", buffering=0)
            super().handle()

    def reply(self) -> None:
        request = f"{self.command} {self.path}"
        self.server.seen.append((request, self.headers["Authorization"]))
        replies = self.server.replies[request]
        status, headers, content = replies.pop(0) if len(replies) > 1 else replies[0]
        self.send_response(status)
        for name, value in {"Content-Length": str(len(content)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    do_GET = do_HEAD = do_POST = do_DELETE = reply

    def log_message(self, *_arguments: object) -> None:
        pass


@pytest.fixture
def servers(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Server, Server]]:
    monkeypatch.setattr(_registry_http, "_PAUSES", (0, 0, 0))
    with Server() as one, Server() as other:
        threads = [threading.Thread(target=server.serve_forever, args=(0.01,)) for server in (one, other)]
        for thread in threads:
            thread.start()
        yield one, other
        for server, thread in zip((one, other), threads):
            server.shutdown()
            thread.join()


@pytest.fixture
def server(servers: tuple[Server, Server]) -> Server:
    return servers[0]


def options(**given: Any) -> dict[str, Any]:
    defaults: dict[str, Any] = dict.fromkeys(("username", "password", "ca_path", "client_cert", "client_key"))
    return {
        **defaults,
        "config_path": "/nonexistent",
        "insecure": False,
        "validate_certs": True,
        "timeout": 10,
        **given,
    }


def registry(server: Server, **given: Any) -> Registry:
    return Registry(server.name, options(**given))


def index(content: bytes = INDEX, **headers: str) -> Reply:
    return (
        200,
        {"Content-Type": DOCKER_LIST, **{name.replace("_", "-"): text for name, text in headers.items()}},
        content,
    )


def test_what_was_read_is_believed_by_its_digest_only(server: Server) -> None:
    server.replies.update(
        {
            f"GET /v2/app/manifests/{DIGEST}": [index(INDEX + b" ")],
            "GET /v2/app/manifests/1": [index(INDEX + b" ", Docker_Content_Digest=DIGEST)],
            f"GET /v2/app/blobs/{DIGEST}": [(200, {}, b"{}")],
        }
    )
    client = registry(server)
    for read in (
        lambda: client.manifest("app", DIGEST),
        lambda: client.manifest("app", "1"),
        lambda: client.blob("app", DIGEST),
    ):
        with pytest.raises(CrossbuildError, match=f"other bytes than it should have: sha256:\\w+ instead of {DIGEST}"):
            read()


def test_a_registry_that_tells_no_digest_is_asked_for_the_content(server: Server) -> None:
    server.replies.update({f"{method} /v2/app/manifests/1": [index()] for method in ("HEAD", "GET")})
    assert registry(server).digest("app", "1") == DIGEST


def test_tags_come_page_by_page(server: Server) -> None:
    following = '</v2/app/tags/list?last=a&n=1>; rel="next"'
    server.replies.update(
        {
            "GET /v2/app/tags/list": [(200, {"Link": following}, b'{"tags": ["a"]}')],
            "GET /v2/app/tags/list?last=a&n=1": [(200, {}, b'{"tags": ["b"]}')],
        }
    )
    assert registry(server).tags("app") == ["a", "b"]


def test_it_is_tried_again_where_it_may_pass(server: Server) -> None:
    server.replies["GET /v2/app/manifests/1"] = [(503, {}, b""), (200, {"Content-Length": "999"}, b"cut"), index()]
    found = registry(server).manifest("app", "1")
    assert found is not None
    assert found.content == INDEX


@pytest.mark.parametrize(
    ("reply", "words"),
    [
        ((503, {}, b"down"), "answered 503: down. .* storage has room"),
        ((418, {}, b"tea"), "answered 418: tea. That was not expected"),
        ((200, {"Content-Length": "999"}, b"cut"), "broke off, 4 times"),
        (
            (429, {"Retry-After": "7"}, b'{"errors": [{"code": "TOOMANYREQUESTS"}]}'),
            "TOOMANYREQUESTS.* after 7 seconds",
        ),
        ((200, {}, b" " * (_registry_http.LIMIT + 1)), "is bigger than 4194304 bytes"),
        ((200, {"Content-Type": "text/html"}, b"<html>"), "text/html"),
    ],
)
def test_why_it_did_not_work(server: Server, reply: Reply, words: str) -> None:
    server.replies["GET /v2/app/manifests/1"] = [reply]
    with pytest.raises(CrossbuildError, match=words):
        registry(server).manifest("app", "1")


def test_a_blob_that_is_not_given_is_no_upload_left_open(server: Server) -> None:
    post = f"POST /v2/app/blobs/uploads/?mount={DIGEST.replace(':', '%3A')}&from=other"
    server.replies.update({post: [(202, {"Location": "/v2/app/up/1"}, b"")], "DELETE /v2/app/up/1": [(204, {}, b"")]})
    with pytest.raises(CrossbuildError, match=r"does not give the blob \S+ of other to app"):
        registry(server).mount("app", DIGEST, "other")
    assert len(server.requests("DELETE /v2/app/up/1")) == 1


def test_credentials_do_not_follow_a_redirect_to_another_server(servers: tuple[Server, Server]) -> None:
    server, other = servers
    path = f"/v2/app/blobs/{DIGEST}"
    asked = (401, {"WWW-Authenticate": "Basic"}, b"")
    server.replies[f"GET {path}"] = [asked, (307, {"Location": "/within"}, b"")]
    server.replies["GET /within"] = [(307, {"Location": f"http://{other.name}/elsewhere"}, b"")]
    other.replies["GET /elsewhere"] = [(200, {}, INDEX)]
    assert registry(server, username="builder", password="secret").blob("app", DIGEST) == INDEX
    assert None not in server.requests("GET /within")
    assert other.requests("GET /elsewhere") == [None]


def test_another_server_that_a_registry_points_to_is_not_asked(servers: tuple[Server, Server]) -> None:
    server, other = servers
    elsewhere = f"<http://{other.name}/v2/app/tags/list>; rel=next"
    server.replies["GET /v2/app/tags/list"] = [(200, {"Link": elsewhere}, b'{"tags": ["a"]}')]
    with pytest.raises(CrossbuildError, match="which is another server"):
        registry(server).tags("app")
    assert other.seen == []


def test_without_tls_nothing_goes_to_a_registry_on_another_host(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A name for this host that does not tell that it is this host.
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_where, **_how: [(2, 1, 6, "", server.server_address)])
    client = Registry(f"registry.test:{server.server_port}", options())
    with pytest.raises(CrossbuildError, match="insecure: true"):
        client.manifest("app", "1")
    assert server.seen == []


@pytest.fixture
def authority(server: Server, tmp_path: Path) -> str:
    """Makes the server speak TLS, with a certificate of its own; gives the file of it."""
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    command = "openssl req -x509 -newkey rsa:2048 -nodes -subj /CN=tests -addext subjectAltName=IP:127.0.0.1"
    subprocess.run([*command.split(), "-keyout", key, "-out", certificate], check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    server.tls = context
    return str(certificate)


def test_a_certificate_is_checked_unless_it_need_not_be(server: Server, authority: str) -> None:
    server.replies["GET /v2/app/manifests/1"] = [index()]
    with pytest.raises(CrossbuildError, match=r"The certificate of .* is not trusted: .*self.signed"):
        registry(server, insecure=True).manifest("app", "1")
    assert server.seen == []
    for given in ({"ca_path": authority}, {"validate_certs": False}):
        assert registry(server, **given).manifest("app", "1") is not None


def test_a_password_goes_out_only_when_it_is_asked_for_and_is_never_in_a_message(server: Server) -> None:
    asked = (401, {"WWW-Authenticate": "Basic"}, b"")
    server.replies["GET /v2/app/manifests/1"] = [asked, index(), index(), asked]
    client = registry(server, username="builder", password="secret")
    assert client.manifest("app", "1") == client.manifest("app", "1")
    basic = "Basic YnVpbGRlcjpzZWNyZXQ="
    assert server.requests("GET /v2/app/manifests/1") == [None, basic, basic]
    with pytest.raises(CrossbuildError, match="refused the user builder") as caught:
        client.manifest("app", "1")
    assert "secret" not in str(caught.value)
    assert basic not in str(caught.value)
    with pytest.raises(CrossbuildError, match="there are no credentials for it"):
        registry(server).manifest("app", "1")


def test_a_token_is_for_both_repositories_between_which_a_blob_is_mounted(servers: tuple[Server, Server]) -> None:
    server, tokens = servers
    asked = {"WWW-Authenticate": f'Bearer realm="http://{tokens.name}/token",service="tests"'}
    post = f"POST /v2/app/blobs/uploads/?mount={DIGEST.replace(':', '%3A')}&from=other"
    server.replies[post] = [(401, asked, b""), (201, {}, b"")]
    get = "GET /token?service=tests&scope=repository%3Aapp%3Apull%2Cpush&scope=repository%3Aother%3Apull"
    tokens.replies[get] = [(200, {}, b'{"token": "a"}')]
    registry(server, username="builder", password="secret").mount("app", DIGEST, "other")
    assert server.requests(post) == [None, "Bearer a"]
    assert tokens.requests(get) == ["Basic YnVpbGRlcjpzZWNyZXQ="]
