# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Accelerators as images: written here, and read as an engine would."""

from __future__ import annotations

import hashlib
import io
import json
import os
import re
import tarfile
from dataclasses import replace
from pathlib import Path

import pytest

from ansible_collections.trusted.crossbuild.plugins.module_utils import _accelerator_image
from ansible_collections.trusted.crossbuild.plugins.module_utils._engine_sdk import Image
from ansible_collections.trusted.crossbuild.plugins.module_utils._platform import Platform

ARM = Platform("arm", "v7")


def tree(directory: Path, names: list[str], mask: int = 0o022, content: str = "content") -> str:
    (directory / "emul/usr").mkdir(parents=True)
    for name in names:
        (directory / name).write_text(content)
        (directory / name).chmod(0o755 & ~mask)
    (directory / "gate").write_text("abcd\n")
    (directory / "gate").chmod(0o644 & ~mask)
    (directory / "emul/usr/tool").symlink_to("../../launcher")
    return str(directory)


def written(path: Path, of: str, packages: dict[str, str] | None = None) -> tuple[str, bytes]:
    reference = _accelerator_image.write(of, "bookworm", ARM, "recipe", packages or {"gcc": "1"}, str(path))
    return reference, path.read_bytes()


def loaded(content: bytes) -> Image:
    """What an engine makes of the tar."""
    with tarfile.open(fileobj=io.BytesIO(content)) as archive:

        def read(name: str) -> bytes:
            file = archive.extractfile(name)
            assert file
            return file.read()

        [listing] = json.loads(read("manifest.json"))
        about = json.loads(read(listing["Config"]))
        digests = [f"sha256:{hashlib.sha256(read(name)).hexdigest()}" for name in listing["Layers"]]
        assert about["rootfs"]["diff_ids"] == digests
        digest = hashlib.sha256(read(listing["Config"])).hexdigest()
        assert listing["Config"] == f"{digest}.json"
    return Image.of(
        {
            "Id": f"sha256:{digest}",
            "Architecture": about["architecture"],
            "Variant": about["variant"],
            "Config": about["config"],
            "RepoTags": listing["RepoTags"],
            "RootFS": {"Layers": digests},
        }
    )


def test_what_is_written_is_found(tmp_path: Path) -> None:
    reference, content = written(tmp_path / "image", tree(tmp_path / "tree", ["launcher"]), {"gcc": "12.2.0-14"})
    [one] = _accelerator_image.found([loaded(content)])
    assert one.reference == reference
    assert one.fits("bookworm", ARM) and not one.fits("trixie", ARM) and not one.fits("bookworm", Platform("arm64"))
    assert (one.recipe, dict(one.packages)) == ("recipe", {"gcc": "12.2.0-14"})
    assert re.fullmatch(r"crossbuild\.invalid/accelerator:bookworm-arm-v7-[0-9a-f]{16}", reference)
    assert not (tmp_path / "image.layer").exists()


def test_the_same_files_make_the_same_image(tmp_path: Path) -> None:
    one = tree(tmp_path / "one", ["launcher", "b", "a"])
    other = tree(tmp_path / "other", ["a", "b", "launcher"], mask=0o077)
    os.utime(tmp_path / "other/a", (1, 1))
    assert written(tmp_path / "1", one) == written(tmp_path / "2", other)
    first, last = (dict.fromkeys(names, "1") for names in ("ab", "ba"))
    assert written(tmp_path / "5", one, first) == written(tmp_path / "6", one, last)
    (tmp_path / "other/a").write_text("changed")
    assert written(tmp_path / "3", other)[0] != written(tmp_path / "4", one)[0]


def test_nothing_of_the_host_goes_in(tmp_path: Path) -> None:
    made = tree(tmp_path / "tree", ["launcher", "b", "a"])
    for path in (tmp_path / "tree").rglob("*"):
        os.chown(path, *((7, 7) if os.geteuid() == 0 else (-1, -1)), follow_symlinks=False)
    _reference, content = written(tmp_path / "image", made)
    with tarfile.open(fileobj=io.BytesIO(content)) as image:
        file = image.extractfile("layer.tar")
        assert file
        with tarfile.open(fileobj=io.BytesIO(file.read())) as layer:
            members = layer.getmembers()
    assert [member.name for member in members] == ["a", "b", "emul", "gate", "launcher", "emul/usr", "emul/usr/tool"]
    assert {(one.uid, one.gid, one.uname, one.gname, one.mtime) for one in members} == {(0, 0, "", "", 0)}
    modes = {member.name: member.mode for member in members if member.isreg()}
    assert modes == {"a": 0o755, "b": 0o755, "launcher": 0o755, "gate": 0o644}


def test_an_image_that_holds_something_else_has_no_reference(tmp_path: Path) -> None:
    _reference, content = written(tmp_path / "image", tree(tmp_path / "tree", ["launcher"]))
    image = loaded(content)
    for spoiled in (
        replace(image, layers=["sha256:" + "0" * 64]),
        replace(image, tags=["crossbuild.invalid/accelerator:other"]),
        replace(image, platform=Platform("amd64")),
    ):
        assert [one.reference for one in _accelerator_image.found([spoiled])] == [None]


@pytest.mark.parametrize(
    "labels",
    [
        {},
        {"trusted.crossbuild.accelerator": "bookworm"},
        {"trusted.crossbuild.accelerator": "bookworm linux/pdp11", "trusted.crossbuild.accelerator.packages": "{}"},
        {"trusted.crossbuild.accelerator": "bookworm linux/arm/v7", "trusted.crossbuild.accelerator.packages": "?"},
        {"trusted.crossbuild.accelerator": "bookworm linux/arm/v7", "trusted.crossbuild.accelerator.packages": "3"},
    ],
)
def test_what_only_has_the_label_is_none(labels: dict[str, str]) -> None:
    assert _accelerator_image.found([Image("sha256:1", ARM, labels, [], [], ["sha256:2"])]) == []


def test_more_than_one_layer_is_none(tmp_path: Path) -> None:
    _reference, content = written(tmp_path / "image", tree(tmp_path / "tree", ["launcher"]))
    image = loaded(content)
    assert _accelerator_image.found([replace(image, layers=[*image.layers, "sha256:2"])]) == []
