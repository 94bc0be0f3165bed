# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Who this host is to a registry: what ``docker login`` left in Docker's configuration file, or a helper of it knows.

The file: https://docs.docker.com/reference/cli/docker/login/ , the helpers' protocol:
https://github.com/docker/docker-credential-helpers#development
"""

from __future__ import annotations

import base64
import binascii
import json
from dataclasses import dataclass
from typing import Any

from . import _command
from ._errors import CrossbuildError
from ._registry_reference import DOCKER_HUB

# What docker login calls Docker Hub.
_HUB_KEY = "https://index.docker.io/v1/"


@dataclass(frozen=True)
class Credentials:
    """A user and a password, or a token that a token server takes instead. ``origin`` says where they are from."""

    origin: str
    username: str = ""
    password: str = ""
    identity_token: str = ""

    def __repr__(self) -> str:
        return f"Credentials({self.username or 'identity token'}, from {self.origin})"

    @property
    def basic(self) -> str:
        """The value of an Authorization header."""
        return "Basic " + base64.b64encode(f"{self.username}:{self.password}".encode()).decode()

    def for_engine(self, registry: str) -> dict[str, str]:
        """As an engine wants them that pushes: https://docs.docker.com/reference/api/engine/#section/Authentication"""
        server = {"serveraddress": _key(registry)}
        if self.identity_token:
            return {**server, "identitytoken": self.identity_token}
        return {**server, "username": self.username, "password": self.password}


def find(options: dict[str, Any], registry: str) -> Credentials | None:
    """The options ``username`` and ``password``, else what the file ``config_path`` says; None means anonymous."""
    if options["username"]:
        return Credentials("the options username and password", options["username"], options["password"])
    path = options["config_path"]
    config = _read(path)
    helper = (config.get("credHelpers") or {}).get(registry) or config.get("credsStore")
    if helper:
        return _ask(f"docker-credential-{helper}", _key(registry))
    for name, entry in (config.get("auths") or {}).items():
        if _host(name) == registry:
            return _stored(entry, path, name)
    return None


def _read(path: str) -> dict[str, Any]:
    try:
        with open(path, encoding="utf-8") as file:
            config = json.load(file)
    except FileNotFoundError:
        return {}
    except ValueError as exc:
        raise CrossbuildError(f"{path} is no JSON: {exc}. Repair it, or name another file with config_path.") from exc
    if not _is_docker_s(config):
        raise CrossbuildError(
            f"{path} is not what docker login writes. Repair it, or name another file with config_path."
        )
    return dict(config)


def _is_docker_s(config: Any) -> bool:
    if not isinstance(config, dict):
        return False
    entries, helpers = config.get("auths") or {}, config.get("credHelpers") or {}
    if not isinstance(entries, dict) or not isinstance(helpers, dict):
        return False
    return all(
        isinstance(entry, dict) and all(isinstance(text, str) for text in entry.values()) for entry in entries.values()
    )


def _key(registry: str) -> str:
    """What Docker calls a registry where it keeps credentials."""
    return _HUB_KEY if registry == DOCKER_HUB else registry


def _host(name: str) -> str:
    """The registry an entry is for: older clients wrote whole addresses."""
    host = name.partition("://")[2] or name
    host = host.partition("/")[0]
    return DOCKER_HUB if host == "index." + DOCKER_HUB else host


def _stored(entry: dict[str, Any], path: str, name: str) -> Credentials | None:
    if entry.get("identitytoken"):
        return Credentials(path, identity_token=entry["identitytoken"])
    username, password = entry.get("username", ""), entry.get("password", "")
    if entry.get("auth"):
        try:
            pair = base64.b64decode(entry["auth"], validate=True).decode()
        except (binascii.Error, UnicodeDecodeError) as exc:
            raise CrossbuildError(f"The entry {name} in {path} is damaged: {exc}. Run docker login again.") from exc
        username, _colon, password = pair.rstrip("\0").partition(":")
    return Credentials(path, username, password) if username else None


def _ask(program: str, server: str) -> Credentials | None:
    done = _command.run([program, "get"], stdin=server)
    if done.returncode != 0:
        said = _command.tail(done.stdout + done.stderr)
        # The helpers' own words for a registry that they know nothing about.
        if "credentials not found" in said:
            return None
        raise CrossbuildError(f"{program} did not give the credentials for {server}. It said: {said or 'nothing'}")
    try:
        answer = json.loads(done.stdout)
        username, secret = answer["Username"], answer["Secret"]
    except (ValueError, TypeError, KeyError) as exc:
        raise CrossbuildError(f"{program} did not answer as a credential helper does: {exc!r}") from exc
    if username == "<token>":
        return Credentials(program, identity_token=secret)
    return Credentials(program, username, secret)
