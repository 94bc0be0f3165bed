# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Requests to a registry: TLS, proxies, redirects, retries, and in words why nobody answered."""

from __future__ import annotations

import functools
import http.client
import json
import socket
import ssl
import time
import urllib.error
import urllib.parse
import urllib.request
from dataclasses import dataclass
from email.message import Message
from typing import Any

from ._errors import CrossbuildError

# A registry need not take a bigger manifest:
# https://github.com/opencontainers/distribution-spec/blob/main/spec.md#pushing-manifests
LIMIT = 4 * 1024 * 1024
_TLS_OPTIONS = ("ca_path", "validate_certs", "client_cert", "client_key")
# Seconds between the attempts at a request. Every request that is made here may be made twice.
_PAUSES = (0.5, 1.0, 2.0)
_PASSING = (500, 502, 503, 504)
_BROKEN_OFF = (ConnectionResetError, ConnectionAbortedError, BrokenPipeError, http.client.IncompleteRead)


class NoTls(CrossbuildError):
    """Whoever answers speaks no TLS, or none that suits."""


@dataclass(frozen=True)
class Answer:
    """An HTTP response, whatever its status."""

    status: int
    headers: Message
    content: bytes = b""

    def json(self) -> Any:
        """The decoded content. Raises ValueError."""
        return json.loads(self.content)


class _Redirects(urllib.request.HTTPRedirectHandler):
    """Follows to where blobs are kept. The Authorization header goes to the same server only."""

    def http_error_308(self, req: Any, fp: Any, code: int, msg: str, headers: Any) -> Any:
        # Python before 3.11 does not know this one.
        return self.http_error_301(req, fp, 301, msg, headers)

    def redirect_request(
        self, req: urllib.request.Request, fp: Any, code: int, msg: str, headers: Any, newurl: str
    ) -> urllib.request.Request | None:
        request = super().redirect_request(req, fp, code, msg, headers, newurl)
        authorization = req.unredirected_hdrs.get("Authorization")
        if request and authorization and server(request.full_url) == server(req.full_url):
            request.add_unredirected_header("Authorization", authorization)
        return request


class Http:
    """A client with the options of ``_registry_options.REGISTRY_SPEC``; ``direct``: no proxy of the environment."""

    def __init__(self, options: dict[str, Any], direct: bool) -> None:
        self._timeout = options["timeout"]
        self._opener = urllib.request.OpenerDirector()
        for handler in (
            urllib.request.ProxyHandler({} if direct else None),
            urllib.request.HTTPHandler(),
            urllib.request.HTTPSHandler(context=_tls(*(options[name] for name in _TLS_OPTIONS))),
            urllib.request.HTTPDefaultErrorHandler(),
            urllib.request.HTTPErrorProcessor(),
            urllib.request.UnknownHandler(),
            _Redirects(),
        ):
            self._opener.add_handler(handler)

    def send(
        self,
        method: str,
        url: str,
        headers: dict[str, str] | None = None,
        content: bytes | None = None,
        authorization: str | None = None,
    ) -> Answer:
        """The answer, after some attempts where the server or the way to it fails. Raises CrossbuildError for none."""
        for pause in (*_PAUSES, None):
            request = urllib.request.Request(url, content, headers or {}, method=method)
            if authorization:
                request.add_unredirected_header("Authorization", authorization)
            try:
                answer = self._once(request)
                if answer.status not in _PASSING or pause is None:
                    return answer
            except (OSError, http.client.HTTPException) as exc:
                cause = _cause(exc)
                if not isinstance(cause, _BROKEN_OFF) or pause is None:
                    raise _unanswered(url, cause, self._timeout) from exc
            time.sleep(pause)
        raise AssertionError("the last attempt returns or raises")

    def _once(self, request: urllib.request.Request) -> Answer:
        try:
            response = self._opener.open(request, timeout=self._timeout)
        except urllib.error.HTTPError as error:
            response = error
        with response:
            content = response.read(LIMIT + 1)
        if len(content) > LIMIT:
            raise CrossbuildError(f"{request.full_url} is bigger than {LIMIT} bytes, the most that a manifest may be.")
        missing = getattr(response, "length", None)
        if missing:
            raise http.client.IncompleteRead(content, missing)
        return Answer(response.status, response.headers, content)


# Reading the system's certificates takes as long as ten requests, and a task may look at many images.
@functools.lru_cache(maxsize=None)
def _tls(ca_path: str | None, validate_certs: bool, client_cert: str | None, client_key: str | None) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cafile=ca_path)
        if not validate_certs:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        if client_cert:
            context.load_cert_chain(client_cert, client_key)
    except OSError as exc:
        # It names no file.
        files = ", ".join(filter(None, (ca_path, client_cert, client_key)))
        raise CrossbuildError(f"The certificates cannot be read ({files}): {exc}. They must be PEM files.") from exc
    return context


def server(url: str) -> tuple[str, str]:
    """Scheme and host of an address."""
    parts = urllib.parse.urlsplit(url)
    return parts.scheme, parts.netloc


def _cause(exc: BaseException) -> BaseException:
    """What urllib wrapped, if it did."""
    reason = getattr(exc, "reason", None)
    return reason if isinstance(exc, urllib.error.URLError) and isinstance(reason, BaseException) else exc


def _unanswered(url: str, cause: BaseException, timeout: int) -> CrossbuildError:
    _scheme, host = server(url)
    if isinstance(cause, ssl.SSLCertVerificationError):
        return CrossbuildError(
            f"The certificate of {host} is not trusted: {cause.verify_message}. Is it signed by an authority of your own,"
            " or by itself? Then name the file of that certificate with ca_path."
        )
    if isinstance(cause, ssl.SSLError):
        return NoTls(
            f"There is no TLS connection with {host}: {cause}. If it speaks plain HTTP, say insecure: true; if it wants"
            " a certificate of its clients, give client_cert and client_key."
        )
    if isinstance(cause, ConnectionRefusedError):
        return CrossbuildError(f"Nobody answers at {host}: connection refused. Does the registry run there?")
    if isinstance(cause, socket.gaierror):
        return CrossbuildError(f"The registry's host in {host} has no address: {cause.strerror}. Check the name.")
    if isinstance(cause, (socket.timeout, TimeoutError)):
        return CrossbuildError(
            f"{host} did not answer within {timeout} seconds. Is it reachable? timeout can be raised."
        )
    return CrossbuildError(f"The connection to {host} broke off, {len(_PAUSES) + 1} times at the most: {cause!r}.")
