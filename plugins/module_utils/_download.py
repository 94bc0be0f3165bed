# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A file from this host or from a URL, believed only when its checksum is what was said."""

from __future__ import annotations

import hashlib
import os
import re
from typing import IO

from ._errors import CrossbuildError

_CHUNK = 1 << 20
_SCHEMES = ("http://", "https://", "file://")
# Seconds without a byte from the server.
_SILENCE = 60


def parse_checksum(checksum: str) -> str:
    """The 64 digits of ``sha256:DIGITS``."""
    found = re.fullmatch(r"sha256:([0-9a-fA-F]{64})", checksum.strip())
    if not found:
        raise CrossbuildError(f"The checksum {checksum!r} is none: expected sha256: and 64 hexadecimal digits.")
    return found.group(1).lower()


def is_url(source: str) -> bool:
    """Raises CrossbuildError for a URL that is not understood here."""
    if "://" not in source:
        return False
    if not source.lower().startswith(_SCHEMES):
        raise CrossbuildError(
            f"{source} is no URL that can be fetched: expected one that begins with {', '.join(_SCHEMES)}."
        )
    return True


def open_verified(source: str, sha256: str, directory: str) -> IO[bytes]:
    """The content of a path or URL, once all of it is known to have that checksum. ``directory`` is for the download."""
    file = _downloaded(source, directory) if is_url(source) else _opened(source)
    try:
        digest = hashlib.sha256()
        for chunk in iter(lambda: file.read(_CHUNK), b""):
            digest.update(chunk)
        if digest.hexdigest() != sha256:
            raise CrossbuildError(
                f"{source} has the checksum sha256:{digest.hexdigest()}, and sha256:{sha256} was expected. It was not used."
                " Compare both with what its makers publish."
            )
        file.seek(0)
    except BaseException:
        file.close()
        raise
    return file


def _opened(path: str) -> IO[bytes]:
    try:
        return open(path, "rb")
    except OSError as exc:
        raise CrossbuildError(f"The file {path} cannot be read on this host: {exc.strerror}.") from exc


def _downloaded(url: str, directory: str) -> IO[bytes]:
    """Proxies are taken from the environment, as urllib does."""
    # Slow to import, and a run that has nothing to fetch does without.
    import http.client
    import urllib.error
    import urllib.request

    file = open(os.path.join(directory, "download"), "w+b")  # noqa: SIM115
    try:
        with urllib.request.build_opener().open(url, timeout=_SILENCE) as answer:
            for chunk in iter(lambda: answer.read(_CHUNK), b""):
                file.write(chunk)
            expected = answer.headers.get("Content-Length")
        if expected and file.tell() != int(expected):
            raise CrossbuildError(
                f"{url}: the connection ended after {file.tell()} of {expected} bytes. Run this again."
            )
        file.seek(0)
    except (urllib.error.URLError, http.client.HTTPException, ConnectionError, TimeoutError) as exc:
        file.close()
        raise CrossbuildError(f"{url} cannot be fetched: {exc}.") from exc
    except BaseException:
        file.close()
        raise
    return file
