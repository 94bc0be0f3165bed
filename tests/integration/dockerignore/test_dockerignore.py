# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is sent of a build context is what `COPY . /` brings where the newest buildx sends the context itself."""

from __future__ import annotations

import os
import random
import shutil
from pathlib import Path

import pytest
from buildx import Brought, Build, copied
from cases import Tree, make_patterns, make_tree

from ansible_collections.trusted.crossbuild.plugins.module_utils import _build_source
from ansible_collections.trusted.crossbuild.plugins.module_utils._errors import CrossbuildError

SEED = int(os.environ.get("CROSSBUILD_SEED", "20140427"))
TREES, FILES = 10, 100


def sent(build: Build) -> Brought | str:
    """What this collection would send, or why it refuses to."""
    try:
        members = _build_source.Reader(str(build.context), str(build.dockerfile), None).read().members
    except CrossbuildError as error:
        return str(error)
    return {member.path: [member.kind, f"{member.mode:o}", member.content] for member in members}


def make_build(tree: Tree, directory: Path, patterns: bytes | None) -> tuple[Build, Brought | str]:
    # A copy for each: the engine keeps what a client sent by the directory it came from, and builds at the same time that
    # leave out different things of one directory were seen to get each other's files.
    context = directory / "context"
    shutil.copytree(tree.directory, context, symlinks=True)
    dockerfile = directory / "Dockerfile"
    dockerfile.write_text("FROM scratch\nCOPY . /\n")
    if patterns is not None:
        (directory / "Dockerfile.dockerignore").write_bytes(patterns)
    own = sent(Build(context, dockerfile, True))
    return Build(context, dockerfile, not isinstance(own, str)), own


@pytest.mark.parametrize("number", range(TREES))
def test_copy_brings_what_is_sent(number: int, tmp_path: Path) -> None:
    seed = f"{SEED}-{number}"
    rng = random.Random(seed)
    tree = make_tree(rng, tmp_path / "context")
    texts: list[bytes | None] = [None, *(make_patterns(rng, tree.paths) for _number in range(FILES - 1))]
    made = [make_build(tree, tmp_path / str(index), text) for index, text in enumerate(texts)]
    brought = copied([build for build, _own in made])
    # An engine that builds forty images at once was seen to leave out a file that it brings when it is asked again. What
    # differs is asked once more, alone and of a copy that the engine has not seen yet; a misread pattern differs each time.
    again = [index for index, (_build, own) in enumerate(made) if differ(own, brought[index])]
    for index in again:
        build, _own = make_build(tree, tmp_path / f"{index}-again", texts[index])
        (brought[index],) = copied([build])
    differences = [
        report(texts[index], made[index][1], brought[index])
        for index in again
        if differ(made[index][1], brought[index])
    ]
    refused = sum(isinstance(real, str) for real in brought)
    different = len({repr(sorted(real)) for real in brought if isinstance(real, dict)})
    print(f"seed {seed}: {len(made)} files, {refused} refused, {different} different results, {len(again)} asked again")
    assert not differences, f"seed {seed}, tree:\n{tree.listing()}\n" + "\n".join(differences[:5])
    # Else the generator says nothing.
    assert refused > 2
    assert different > 10


def differ(own: Brought | str, real: Brought | str) -> bool:
    """Both may refuse, each in its words."""
    return own != real if isinstance(real, dict) else isinstance(own, dict)


def report(patterns: bytes | None, own: Brought | str, real: Brought | str) -> str:
    if isinstance(own, dict) and isinstance(real, dict):
        paths = own.keys() | real.keys()
        what = "".join(
            f"  {path!a}: sent {own.get(path)}, brought {real.get(path)}\n"
            for path in sorted(paths)
            if own.get(path) != real.get(path)
        )
    else:
        what = ""
    return f"\n{patterns!r}\n{what}  sent: {shown(own)}\n  brought: {shown(real)}"


def shown(side: Brought | str) -> str:
    return f"refused: {side}" if isinstance(side, str) else ascii(sorted(side))
