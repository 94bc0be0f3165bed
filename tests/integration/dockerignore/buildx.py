# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What `COPY . /` brings to an image, asked of the real client and engine, many builds at a time."""

from __future__ import annotations

import hashlib
import json
import os
import re
import subprocess
import tarfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

BATCH = 40
# An engine that has much to do may forget a build before the client asks how it is doing ("no such job", "context canceled").
ATTEMPTS = 5
# How a pattern is refused: by its syntax, as an expression too; a lone !; a control character, by the transport.
REFUSED = re.compile("syntax error in pattern|illegal exclusion pattern|PROTOCOL_ERROR")
KINDS = {tarfile.REGTYPE: "file", tarfile.DIRTYPE: "directory", tarfile.SYMTYPE: "symlink"}


@dataclass(frozen=True)
class Build:
    """One build: its context and its Dockerfile, whose directory is its own. ``valid``: none of the patterns is refused."""

    context: Path
    dockerfile: Path
    valid: bool


# Path -> kind, mode and content, as Member.record tells them; or, where the build was refused, the words of that.
Brought = dict[str, list[str]]


def copied(builds: list[Build]) -> list[Brought | str]:
    """What each build brought. A build that is refused ends those it runs with, so those run alone."""
    together = [build for build in builds if build.valid]
    batches = [together[at : at + BATCH] for at in range(0, len(together), BATCH)]
    batches += [[build] for build in builds if not build.valid]
    found: dict[Path, Brought | str] = {}
    with ThreadPoolExecutor(max_workers=3) as pool:
        for part in pool.map(_bake, batches):
            found.update(part)
    return [found[build.dockerfile] for build in builds]


def _bake(builds: list[Build]) -> dict[Path, Brought | str]:
    failure = ""
    for _attempt in range(ATTEMPTS if len(builds) == 1 else 1):
        failure = _run(builds)
        if not failure:
            return {build.dockerfile: _brought(_output(build)) for build in builds}
        if REFUSED.search(failure):
            break
    if len(builds) > 1:
        half = len(builds) // 2
        return {**_bake(builds[:half]), **_bake(builds[half:])}
    assert REFUSED.search(failure), failure
    return {builds[0].dockerfile: failure}


def _run(builds: list[Build]) -> str:
    """Run builds in one go. Returns what the client said where it failed."""
    targets = {
        f"t{number}": {
            "context": str(build.context),
            "dockerfile": str(build.dockerfile),
            "output": [f"type=tar,dest={_output(build)}"],
            "no-cache": True,
        }
        for number, build in enumerate(builds)
    }
    description = json.dumps({"group": {"default": {"targets": list(targets)}}, "target": targets})
    file = builds[0].dockerfile.with_name("bake.json")
    file.write_text(description)
    done = subprocess.run(
        ["docker", "buildx", "bake", "--progress=quiet", "--file", str(file)],
        # Else it asks whether it may use what lies outside of the working directory.
        env={**os.environ, "BUILDX_BAKE_ENTITLEMENTS_FS": "0"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
    )
    # Before the error stands what this was allowed to read and write.
    return "ERROR:" + done.stderr.rpartition("ERROR:")[2].strip() if done.returncode else ""


def _output(build: Build) -> Path:
    return build.dockerfile.with_name("image.tar")


def _brought(tar: Path) -> Brought:
    brought = {}
    with tarfile.open(tar, encoding="utf-8", errors="surrogateescape") as archive:
        for member in archive:
            content = member.linkname
            if member.isfile():
                file = archive.extractfile(member)
                assert file is not None
                content = hashlib.sha256(file.read()).hexdigest()
            brought[member.name] = [KINDS[member.type], f"{member.mode & 0o7777:o}", content]
    tar.unlink()
    return brought
