# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What engines save, in both forms; layouts that are not what they were."""

from __future__ import annotations

import hashlib
import io
import json
import os
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.trusted.crossbuild.plugins.module_utils import _oci_layout
from ansible_collections.trusted.crossbuild.plugins.module_utils._errors import CrossbuildError
from ansible_collections.trusted.crossbuild.plugins.module_utils._platform import parse

CALLED = {"org.opencontainers.image.ref.name": "1"}
ARM, ARM64 = parse("armhf"), parse("arm64")
SHARED = b"a layer that both have" * 1000


def digest(content: bytes) -> str:
    return "sha256:" + hashlib.sha256(content).hexdigest()


def tar(files: dict[str, bytes], links: dict[str, str] | None = None) -> io.BytesIO:
    written = io.BytesIO()
    with tarfile.open(fileobj=written, mode="w") as archive:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
        for name, target in (links or {}).items():
            info = tarfile.TarInfo(name)
            info.type, info.linkname = tarfile.SYMTYPE, target
            archive.addfile(info)
    written.seek(0)
    return written


def config(architecture: str, *layers: bytes) -> bytes:
    content = {
        "architecture": architecture,
        "os": "linux",
        "rootfs": {"type": "layers", "diff_ids": list(map(digest, layers))},
    }
    return json.dumps(content).encode()


def saved(architecture: str, own: bytes) -> tuple[io.BytesIO, str]:
    """As engines before version 25 save an image, with a layer that is in it twice; and its ID."""
    described = config(architecture, SHARED, own, SHARED)
    files = {
        "11/VERSION": b"1.0",
        "11/json": b"{}",
        "11/layer.tar": SHARED,
        "22/layer.tar": own,
        f"{digest(described)[7:]}.json": described,
        "manifest.json": b"[]",
    }
    return tar(files, {"33/layer.tar": "../11/layer.tar"}), digest(described)


def write(directory: Path, *images: tuple[str, Any, bytes]) -> list[str]:
    """A layout of images; their IDs."""
    directory.mkdir()
    writer, identities = _oci_layout.Writer(str(directory)), []
    for architecture, platform, own in images:
        content, identity = saved(architecture, own)
        writer.add(content, identity, f"app:{platform}", platform)
        identities.append(identity)
    writer.finish(CALLED)
    return identities


def bytes_of(directory: Path) -> dict[str, bytes]:
    return {str(path.relative_to(directory)): path.read_bytes() for path in directory.rglob("*") if path.is_file()}


def packed(directory: Path, target: Path) -> Path:
    with target.open("wb") as file:
        _oci_layout.pack(str(directory), file)
    return target


BOTH = (("arm", ARM, b"of arm"), ("arm64", ARM64, b"of arm64"))


@pytest.mark.parametrize("is_archive", [True, False])
@pytest.mark.parametrize("count", [1, 2])
def test_it_holds_the_images_and_nothing_else(tmp_path: Path, is_archive: bool, count: int) -> None:
    identities = write(tmp_path / "layout", *BOTH[:count])
    path = packed(tmp_path / "layout", tmp_path / "tar") if is_archive else tmp_path / "layout"
    found = _oci_layout.contents(str(path), is_archive, CALLED)
    assert [(one.platform, one.config) for one in found] == list(
        zip(["linux/arm/v7", "linux/arm64"][:count], identities)
    )
    # Of each: a configuration, a layer and a manifest; of both: the shared layer and the index.
    assert len(list((tmp_path / "layout/blobs/sha256").iterdir())) == (4 if count == 1 else 8)
    for name, content in bytes_of(tmp_path / "layout").items():
        assert not name.startswith("blobs") or os.path.basename(name) == digest(content)[7:]
    assert _oci_layout.contents(str(path), is_archive, {"org.opencontainers.image.ref.name": "2"}) == []


def test_the_same_images_make_the_same_bytes(tmp_path: Path) -> None:
    write(tmp_path / "one", *BOTH)
    write(tmp_path / "two", *reversed(BOTH))
    assert bytes_of(tmp_path / "one") == bytes_of(tmp_path / "two")
    for name in ("one", "two"):
        os.utime(tmp_path / name / "index.json", (len(name), 7))
        (tmp_path / name / "oci-layout").chmod(0o600 if name == "one" else 0o644)
    first, second = (packed(tmp_path / name, tmp_path / f"{name}.tar") for name in ("one", "two"))
    assert first.read_bytes() == second.read_bytes()
    with tarfile.open(first) as archive:
        names = archive.getnames()
    assert names[:2] == ["oci-layout", "index.json"]
    assert names[2:] == sorted(names[2:])


def test_layers_say_that_they_are_not_compressed_and_how_big_they_are(tmp_path: Path) -> None:
    write(tmp_path / "layout", BOTH[0])
    (top,) = json.loads((tmp_path / "layout/index.json").read_bytes())["manifests"]
    manifest = json.loads((tmp_path / "layout" / _oci_layout.blob(top["digest"])).read_bytes())
    assert top["annotations"] == CALLED
    assert top["platform"] == {"architecture": "arm", "os": "linux", "variant": "v7"}
    assert [layer["size"] for layer in manifest["layers"]] == [len(SHARED), len(b"of arm"), len(SHARED)]
    assert {layer["mediaType"] for layer in manifest["layers"]} == {"application/vnd.oci.image.layer.v1.tar"}


def test_a_manifest_that_the_engine_has_is_kept(tmp_path: Path) -> None:
    """Engines whose images are containerd's: what they save is a layout, and the ID is that of the manifest."""
    layer, described = b"compressed", config("arm64", b"not compressed")
    content = {
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "config": {"mediaType": "c", "digest": digest(described), "size": len(described)},
        "layers": [{"mediaType": "l", "digest": digest(layer), "size": len(layer)}],
    }
    manifest = json.dumps(content, indent=3).encode()
    blobs = {f"blobs/sha256/{digest(one)[7:]}": one for one in (layer, described, manifest)}
    writer = _oci_layout.Writer(str(tmp_path))
    writer.add(tar({**blobs, "index.json": b"{}"}), digest(manifest), "app", ARM64)
    writer.finish(CALLED)
    (found,) = _oci_layout.contents(str(tmp_path), False, CALLED)
    assert found == ("linux/arm64", digest(described), digest(manifest))
    del blobs[f"blobs/sha256/{digest(layer)[7:]}"]
    (tmp_path / "other").mkdir()
    with pytest.raises(CrossbuildError, match=f"lacks {digest(layer)}"):
        _oci_layout.Writer(str(tmp_path / "other")).add(tar(blobs), digest(manifest), "app", ARM64)


def test_what_the_engine_leaves_out_is_named(tmp_path: Path) -> None:
    described = config("arm", SHARED)
    writer = _oci_layout.Writer(str(tmp_path))
    with pytest.raises(CrossbuildError, match=f"lacks {digest(SHARED)}"):
        writer.add(tar({"x.json": described, "1/layer.tar": b"other bytes"}), digest(described), "app", ARM)
    with pytest.raises(CrossbuildError, match="lacks sha256:00"):
        writer.add(tar({}), "sha256:00", "app", ARM)
    with pytest.raises(CrossbuildError, match="neither of the two"):
        writer.add(tar({"x": b"{}"}), digest(b"{}"), "app", ARM)
    with pytest.raises(CrossbuildError, match="broke off while it saved app"):
        writer.add(io.BytesIO(saved("arm", b"own")[0].read()[:10000]), digest(described), "app", ARM)


def test_two_images_for_one_platform_are_refused(tmp_path: Path) -> None:
    with pytest.raises(CrossbuildError, match="are for linux/arm/v7"):
        write(tmp_path / "layout", BOTH[0], ("arm", ARM, b"another"))


def damages() -> dict[str, Callable[[Path], Any]]:
    def first_blob(layout: Path, kind: str) -> Path:
        return next(path for path in sorted((layout / "blobs/sha256").iterdir()) if kind in path.read_text())

    return {
        "no index": lambda layout: (layout / "index.json").unlink(),
        "no JSON": lambda layout: (layout / "index.json").write_text("{"),
        "another version": lambda layout: (layout / "oci-layout").write_text('{"imageLayoutVersion":"2"}'),
        "two images at the top": lambda layout: (layout / "index.json").write_text('{"manifests": [1, 2]}'),
        "a list": lambda layout: (layout / "index.json").write_text("[]"),
        "no layer": lambda layout: first_blob(layout, "a layer").unlink(),
        "a short layer": lambda layout: first_blob(layout, "a layer").write_text("a"),
        "no configuration": lambda layout: first_blob(layout, "rootfs").unlink(),
        "another manifest": lambda layout: first_blob(layout, "image.layer.v1").write_text('{"config":{},"layers":[]}'),
        "a changed manifest": lambda layout: first_blob(layout, "image.layer.v1").write_text(
            first_blob(layout, "image.layer.v1").read_text() + " "
        ),
    }


@pytest.mark.parametrize("damage", damages())
def test_a_damaged_layout_counts_as_none(tmp_path: Path, damage: str) -> None:
    write(tmp_path / "layout", *BOTH)
    assert _oci_layout.contents(str(tmp_path / "layout"), False, CALLED)
    damages()[damage](tmp_path / "layout")
    assert _oci_layout.contents(str(tmp_path / "layout"), False, CALLED) == []


@pytest.mark.parametrize("content", [b"", b"no tar", b"\0" * 10240])
def test_a_file_that_is_no_layout_counts_as_none(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "file"
    assert _oci_layout.contents(str(path), True, CALLED) == []
    path.write_bytes(content)
    assert _oci_layout.contents(str(path), True, CALLED) == []
    assert _oci_layout.contents(str(path), False, CALLED) == []


def test_a_tar_that_was_cut_off_counts_as_none(tmp_path: Path) -> None:
    write(tmp_path / "layout", *BOTH)
    path = packed(tmp_path / "layout", tmp_path / "tar")
    os.truncate(path, path.stat().st_size - 20 * 1024)
    assert _oci_layout.contents(str(path), True, CALLED) == []
