# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The Docker Engine's HTTP API over its local socket, for hosts whose Python has no Docker SDK yet."""

from __future__ import annotations

import http.client
import json
import socket
import time
from typing import Any

from ._errors import CrossbuildError
from ._evidence import of_answer

SOCKET = "/var/run/docker.sock"
# The first Engine with everything the builds here rely on: a platform in the build and container API, BuildKit inside.
OLDEST = (20, 10)


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: str, timeout: float) -> None:
        super().__init__("localhost", timeout=timeout)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


class EngineSocket:
    """A Docker Engine behind a local socket."""

    def __init__(self, path: str = SOCKET, timeout: float = 10) -> None:
        self.path = path
        self._timeout = timeout
        # What was answered last to each question, see _evidence; empty where that was not always the same.
        self.answers: dict[str, str] = {}

    def get(self, resource: str) -> Any:
        """The decoded answer to ``GET resource``. Raises OSError where nobody answers."""
        content = self.find(resource)
        if content is None:
            raise CrossbuildError(f"The engine at {self.path} knows nothing of {resource}.")
        return content

    def find(self, resource: str) -> Any:
        """As ``get``; None for what is not there."""
        connection = _UnixConnection(self.path, self._timeout)
        try:
            connection.request("GET", resource)
            answer = connection.getresponse()
            content = answer.read()
            said = of_answer(answer.status, content)
            self.answers[resource] = said if self.answers.get(resource, said) == said else ""
            if answer.status == 404:
                return None
            if answer.status != 200:
                raise CrossbuildError(
                    f"The engine at {self.path} answered {answer.status} to {resource}: {content[:200]!r}"
                )
            return json.loads(content)
        except http.client.HTTPException as exc:
            raise OSError(f"no HTTP answer: {exc!r}") from exc
        finally:
            connection.close()

    def version(self) -> str | None:
        """The engine's version, or None where no engine answers."""
        try:
            return str(self.get("/version")["Version"])
        except PermissionError as exc:
            raise CrossbuildError(f"{self.path} may not be used by this user. Ask as root (become: true).") from exc
        except OSError:
            return None
        except (ValueError, TypeError, KeyError) as exc:
            raise CrossbuildError(f"What answers at {self.path} is no Docker Engine: {exc!r}.") from exc

    def wait(self, seconds: float = 60) -> str:
        """Waits until the engine answers, and returns its version."""
        end = time.monotonic() + seconds
        while True:
            version = self.version()
            if version:
                return version
            if time.monotonic() > end:
                raise CrossbuildError(
                    f"The Docker Engine was started but does not answer at {self.path} after {seconds:.0f} seconds."
                    " Its log says why: journalctl -u docker, or /var/log/docker.log."
                )
            time.sleep(0.1)

    def holdings(self) -> list[str]:
        """What is kept in this engine, in words: empty where nothing would be lost with its data.

        Images without a name are what builds leave behind for the next one to start from.
        """
        names = [(image["RepoTags"] or []) + (image["RepoDigests"] or []) for image in self.get("/images/json")]
        counts = {
            "images": sum(1 for found in names if set(found) - {"<none>:<none>", "<none>@<none>"}),
            "containers": len(self.get("/containers/json?all=1")),
            "volumes": len(self.get("/volumes")["Volumes"] or []),
        }
        return [f"{count} {kind if count > 1 else kind[:-1]}" for kind, count in counts.items() if count]


def require_recent(version: str) -> None:
    """Raises CrossbuildError for an engine that is too old."""
    if numbers(version) < OLDEST:
        oldest = ".".join(map(str, OLDEST))
        raise CrossbuildError(f"The Docker Engine is version {version}; {oldest} or newer is needed. Upgrade it.")


def numbers(version: str) -> tuple[int, ...]:
    """Major and minor number of an engine's version."""
    return tuple(int(part) for part in version.split(".")[:2] if part.isdigit())
