# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the images are made of: root filesystems and source packages of Debian, kept between runs.

Both come from the archive that this machine takes its own packages from.
"""

from __future__ import annotations

import hashlib
import os
import sys
import tempfile
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1] / "lab"))

import debian_archive
from shell import call

CACHE = Path(__file__).resolve().parents[2] / ".cache/accelerator"
# Of the sources, on whichever release they are built.
RELEASE = "bookworm"
# Of what is in /dev, an engine makes what is allowed.
MMDEBSTRAP = debian_archive.mmdebstrap(("ca-certificates",), "--skip=output/dev")


def root_filesystem(release: str, architecture: str) -> Path:
    """A tar of the release's essential packages and apt, which takes minutes where the architecture is emulated."""
    [source] = debian_archive.sources(release)
    recipe = "\0".join((*MMDEBSTRAP, release, source))
    name = f"{release}-{architecture}"
    tar = CACHE / f"{name}-{hashlib.sha256(recipe.encode()).hexdigest()[:16]}.tar"
    if not tar.exists():
        print(f"accelerator: putting {release} {architecture} together", flush=True)
        CACHE.mkdir(parents=True, exist_ok=True)
        unfinished = tar.with_suffix(f".{os.getpid()}")
        # By its own name it would be no tar.
        call(*MMDEBSTRAP, f"--architectures={architecture}", "--format=tar", release, unfinished, source)
        for old in CACHE.glob(f"{name}-*.tar"):
            old.unlink()
        unfinished.rename(tar)
    return tar


def source(package: str, *parts: str) -> Path:
    """A directory with the files of a source package; ``parts`` are options of apt-get source that say which of them."""
    directory = CACHE / "sources" / "".join((package, *parts))
    if not directory.exists():
        directory.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=directory.parent) as scratch:
            _fetch(Path(scratch), package, *parts).rename(directory)
    return directory


def _fetch(scratch: Path, package: str, *parts: str) -> Path:
    """By apt with lists of its own, as the machine may know no sources, or those of other releases."""
    [line] = debian_archive.sources(RELEASE)
    (scratch / "sources.list").write_text(line.replace("deb ", "deb-src ", 1) + "\n")
    (scratch / "lists/partial").mkdir(parents=True)
    (scratch / "files").mkdir()
    options = (
        f"-oDir::State::Lists={scratch}/lists",
        f"-oDir::Etc::SourceList={scratch}/sources.list",
        "-oDir::Etc::SourceParts=/dev/null",
        "-oAPT::Sandbox::User=root",
    )
    call("apt-get", *options, "-qq", "update")
    call("apt-get", *options, "-qq", "source", "--download-only", *parts, package, cwd=scratch / "files")
    return scratch / "files"
