# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How a registry wants its clients to say who they are, and the words it then gets.

https://distribution.github.io/distribution/spec/auth/token/ and .../oauth/
"""

from __future__ import annotations

import re
import urllib.parse
from dataclasses import dataclass
from typing import Iterable, Sequence

from ._errors import CrossbuildError
from ._registry_credentials import Credentials
from ._registry_http import Answer, Http

_PARAMETER = re.compile(r'([A-Za-z0-9_-]+)=(?:"((?:[^"\\]|\\.)*)"|([^\s,"]+))')


@dataclass(frozen=True)
class Challenge:
    """What a WWW-Authenticate header asks for: ``basic`` or ``bearer``, and its parameters."""

    scheme: str
    parameters: dict[str, str]


def parse(header: str) -> Challenge:
    scheme, _blank, rest = header.strip().partition(" ")
    found = {
        match[1].lower(): re.sub(r"\\(.)", r"\1", match[2]) if match[2] is not None else match[3]
        for match in _PARAMETER.finditer(rest)
    }
    return Challenge(scheme.lower(), found)


def authorization(
    http: Http, registry: str, headers: Iterable[str], scopes: Sequence[str], credentials: Credentials | None
) -> str:
    """The Authorization header for requests with some scopes (``repository:app:pull``). Raises CrossbuildError."""
    challenges = {challenge.scheme: challenge for challenge in map(parse, headers)}
    if "bearer" in challenges:
        return "Bearer " + _token(http, registry, challenges["bearer"], scopes, credentials)
    if "basic" not in challenges:
        offered = ", ".join(challenges) or "nothing"
        raise CrossbuildError(f"{registry} wants to know who asks, by {offered}; Basic and Bearer are known here.")
    if credentials is None or not credentials.username:
        raise refused(registry, credentials)
    return credentials.basic


def _token(
    http: Http, registry: str, challenge: Challenge, scopes: Sequence[str], credentials: Credentials | None
) -> str:
    realm = challenge.parameters.get("realm", "")
    if urllib.parse.urlsplit(realm).scheme not in ("http", "https"):
        raise CrossbuildError(f"{registry} sends its clients to {realm!r} for a token, which is no web address.")
    query = {"service": challenge.parameters.get("service", "")}
    if credentials and credentials.identity_token:
        form = {
            **query,
            "grant_type": "refresh_token",
            "refresh_token": credentials.identity_token,
            "client_id": "trusted.crossbuild",
            "scope": " ".join(scopes),
        }
        content = urllib.parse.urlencode(form).encode()
        answer = http.send("POST", realm, {"Content-Type": "application/x-www-form-urlencoded"}, content)
    else:
        pairs = [*query.items(), *(("scope", scope) for scope in scopes)]
        separator = "&" if "?" in realm else "?"
        url = f"{realm}{separator}{urllib.parse.urlencode(pairs)}"
        answer = http.send("GET", url, authorization=credentials.basic if credentials else None)
    if answer.status in (400, 401, 403):
        raise refused(registry, credentials)
    return _read_token(answer, realm)


def _read_token(answer: Answer, realm: str) -> str:
    try:
        content = answer.json()
        token = content.get("token") or content["access_token"]
    except (ValueError, AttributeError, KeyError) as exc:
        raise CrossbuildError(f"The token server {realm} answered {answer.status} and gave no token.") from exc
    return str(token)


def refused(registry: str, credentials: Credentials | None) -> CrossbuildError:
    if credentials is None:
        return CrossbuildError(
            f"{registry} wants to know who asks (401), and there are no credentials for it. Give username and password, or"
            " run docker login as the user of this task."
        )
    who = f"the user {credentials.username}" if credentials.username else "the identity token"
    return CrossbuildError(
        f"{registry} refused {who} (401), from {credentials.origin}. Check the name, the password, and"
        " whether that user may do this."
    )
