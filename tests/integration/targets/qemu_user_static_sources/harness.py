# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The module as a host runs it, and real emulators of two versions to give it."""

from __future__ import annotations

import hashlib
import io
import json
import os
import re
import subprocess
import sys
import tarfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

MODULE = "ansible_collections.trusted.crossbuild.plugins.modules.qemu_user_static"
STORE = Path("/opt/trusted.crossbuild/qemu")
CURRENT = STORE / "current"
# Debian's own: the version of this release, and the one of its backports.
OLD, NEW = "7.2", "10.0"

Options = dict[str, Any]


def command(options: Options, check: bool = False) -> tuple[list[str], str]:
    """A module's process, and what it reads."""
    arguments = {"ANSIBLE_MODULE_ARGS": {**options, "_ansible_check_mode": check, "_ansible_diff": True}}
    return [sys.executable, "-m", MODULE], json.dumps(arguments)


def run(
    check: bool = False, environment: dict[str, str] | None = None, prefix: tuple[str, ...] = (), **options: Any
) -> Any:
    """The module's result, whatever it was."""
    words, stdin = command(options, check)
    done = subprocess.run([*prefix, *words], input=stdin, text=True, capture_output=True, check=False,
                          env={**os.environ, "no_proxy": "*", **(environment or {})})  # fmt: skip
    assert done.stdout.lstrip().startswith("{"), done.stdout + done.stderr
    return json.loads(done.stdout)


def changed(**options: Any) -> Any:
    result = run(**options)
    assert result.get("changed"), result
    assert result["actions"], result
    return result


def unchanged(**options: Any) -> Any:
    result = run(**options)
    assert not result.get("failed"), result
    assert (result["changed"], result["actions"]) == (False, [])
    return result


def refused(*words: str, **options: Any) -> Any:
    result = run(**options)
    assert result.get("failed"), result
    for word in words:
        assert word in result["msg"], result["msg"]
    return result


def version_of(path: Path) -> str:
    said = subprocess.run([path, "--version"], capture_output=True, text=True, check=True).stdout
    found = re.search(r"version (\S+)", said)
    assert found, said
    return found.group(1)


def listing() -> list[str]:
    return sorted(path.name for path in STORE.iterdir()) if STORE.exists() else []


def sha256(path: Path) -> str:
    return "sha256:" + hashlib.sha256(path.read_bytes()).hexdigest()


def from_archive(path: Path, **options: Any) -> Options:
    return {"source": "archive", "archive": str(path), "checksum": sha256(path), **options}


def make_tar(path: Path, members: dict[str, Any], compression: str = "") -> Path:
    """A tar of files (bytes), links (their target as text) and what else there is (a type of tarfile)."""
    with tarfile.open(path, f"w:{compression}") as tar:
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.mode = 0o755
            if isinstance(content, bytes) and len(content) > 1:
                info.size = len(content)
                tar.addfile(info, io.BytesIO(content))
                continue
            info.type, info.linkname = (tarfile.SYMTYPE, content) if isinstance(content, str) else (content, "")
            tar.addfile(info)
    return path


def sh(script: str) -> str:
    return subprocess.run(["bash", "-euo", "pipefail", "-c", script], check=True, capture_output=True, text=True).stdout


def add_backports() -> None:
    """The backports from wherever this machine has its packages."""
    sh("""
        source=/etc/apt/sources.list.d/debian.sources
        uri=$(awk '/^URIs:/ {print $2; exit}' $source)
        key=$(awk '/^Signed-By:/ {print $2; exit}' $source)
        printf 'Types: deb\\nURIs: %s\\nSuites: bookworm-backports\\nComponents: main\\nSigned-By: %s\\n' "$uri" "$key" \
            > /etc/apt/sources.list.d/backports.sources
        apt-get -qq update
    """)


@dataclass(frozen=True)
class Packages:
    """Debian's packages, as files: static emulators old and new, dynamic ones, and nothing but links."""

    old: Path
    new: Path
    dynamic: Path
    transitional: Path

    def emulator(self, name: str) -> dict[str, bytes]:
        """The emulators for arm and arm64 of one package, under the names they have there."""
        directory = Path(f"/var/tmp/{name}")
        if not directory.exists():
            subprocess.run(["dpkg-deb", "--extract", getattr(self, name), directory], check=True)
        found = [
            path
            for path in (directory / "usr/bin").iterdir()
            if re.fullmatch(r"qemu-(arm|aarch64)(-static)?", path.name)
        ]
        return {f"usr/bin/{path.name}": path.read_bytes() for path in sorted(found)}
