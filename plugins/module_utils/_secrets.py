# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Secrets that the steps of a build may read, and that are nowhere else: not in the image, the command line or a file."""

from __future__ import annotations

import hashlib
import os
import re
from dataclasses import dataclass, field
from typing import Any, Iterable

from ._errors import CrossbuildError

_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*\Z")
# BuildKit's own limit: MaxSecretSize in https://github.com/moby/buildkit/blob/master/session/secrets/secrets.go.
_LARGEST = 500 * 1024
# The digest is in a label of the image: whoever has that must not find a short secret by trying.
_ROUNDS = 200_000


@dataclass(frozen=True)
class Secret:
    id: str
    value: bytes = field(repr=False)

    def digest(self) -> str:
        return hashlib.pbkdf2_hmac("sha256", self.value, f"trusted.crossbuild {self.id}".encode(), _ROUNDS).hex()

    def text(self) -> str:
        return self.value.decode("utf-8", "replace")


def read(options: Iterable[dict[str, Any]]) -> list[Secret]:
    """The secrets of a task. Raises CrossbuildError, which never holds a value."""
    found: dict[str, Secret] = {}
    for option in options:
        name = option["id"]
        if not _ID.match(name):
            raise CrossbuildError(
                f"The secret's id {name!r} is not possible: letters, digits and any of _.- make one, as in --mount=type=secret,id=..."
            )
        if name in found:
            raise CrossbuildError(f"The secret {name} is given twice. Give it once, or another id.")
        value = _value(option)
        if len(value) > _LARGEST:
            raise CrossbuildError(f"The secret {name} has more than the {_LARGEST} bytes that BuildKit takes.")
        found[name] = Secret(name, value)
    return list(found.values())


def _value(option: dict[str, Any]) -> bytes:
    name, kind = option["id"], option["type"]
    given = {key for key in ("src", "env", "value") if option[key] is not None}
    wanted = "src" if kind == "file" else kind
    if given != {wanted}:
        raise CrossbuildError(
            f"The secret {name} is of type {kind} and has {' and '.join(sorted(given)) or 'neither src, env nor value'};"
            f" give {wanted}, and only that."
        )
    if kind == "value":
        return str(option["value"]).encode("utf-8", "surrogateescape")
    if kind == "env":
        value = os.environb.get(os.fsencode(option["env"]))
        if value is None:
            raise CrossbuildError(
                f"The secret {name} is to be in the environment variable {option['env']}, which is not set on the build host."
                " Set it with environment, or use another type."
            )
        return value
    try:
        with open(option["src"], "rb") as file:
            return file.read(_LARGEST + 1)
    except OSError as exc:
        raise CrossbuildError(
            f"The secret {name} is to be in {option['src']}, which cannot be read: {exc.strerror}."
        ) from exc
