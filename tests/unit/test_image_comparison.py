# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import hashlib
import io
import json
import sys
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

sys.path.append(str(Path(__file__).resolve().parents[1] / "integration/targets/setup_engine/files"))

import comparison

BEGAN = 1000.5
Layer = dict[str, dict[str, Any]]


def packed(files: Layer) -> bytes:
    written = io.BytesIO()
    with tarfile.open(fileobj=written, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for name, attributes in files.items():
            member = tarfile.TarInfo(name)
            content = attributes.get("content", b"")
            member.size, member.mtime = len(content), 10
            for attribute, value in attributes.items():
                if attribute != "content":
                    setattr(member, attribute, value)
            archive.addfile(member, io.BytesIO(content))
    return written.getvalue()


@pytest.fixture(name="save")
def _save(tmp_path: Path) -> Callable[..., comparison.Saved]:
    """Writes an image as the engine does, of these layers."""

    def save(*layers: Layer, **config: Any) -> comparison.Saved:
        tars = [packed(files) for files in layers]
        described = {
            "created": str(len(list(tmp_path.iterdir()))),
            "os": "linux",
            "config": {"Env": ["A=b"]},
            "history": [{"created": "now", "created_by": "RUN true"}],
            **config,
            "rootfs": {"diff_ids": [hashlib.sha256(layer).hexdigest() for layer in tars]},
        }
        names = [f"{number}/layer.tar" for number in range(len(tars))]
        manifest = [{"Config": "config.json", "Layers": names}]
        files = {
            "manifest.json": json.dumps(manifest).encode(),
            "config.json": json.dumps(described).encode(),
            **dict(zip(names, tars, strict=True)),
        }
        path = tmp_path / f"{len(list(tmp_path.iterdir()))}.tar"
        path.write_bytes(packed({name: {"content": content} for name, content in files.items()}))
        return comparison.Saved(path, BEGAN)

    return save


SOME: Layer = {"usr": {"type": tarfile.DIRTYPE, "mode": 0o755}, "usr/a": {"content": b"one", "mode": 0o644}}


def test_the_same(save: Callable[..., comparison.Saved]) -> None:
    assert save(SOME).differences(save(SOME)) == {}


@pytest.mark.parametrize(
    ("other", "expected"),
    [
        ({"content": b"two"}, {"content"}),
        ({"content": b"one", "mode": 0o755}, {"mode"}),
        ({"content": b"one", "uid": 7}, {"owner"}),
        ({"content": b"one", "mtime": 999}, {"time"}),
        ({"content": b"one", "pax_headers": {"SCHILY.xattr.security.capability": "x"}}, {"attributes"}),
        ({"type": tarfile.SYMTYPE, "linkname": "b"}, {"type", "link", "content"}),
    ],
)
def test_a_file(save: Callable[..., comparison.Saved], other: dict[str, Any], expected: set[str]) -> None:
    found = save(SOME).differences(save({**SOME, "usr/a": {"mode": 0o644, **other}}))
    assert set(found) == {("layer 0: /usr/a", aspect) for aspect in expected}


def test_a_file_is_missing(save: Callable[..., comparison.Saved]) -> None:
    found = save(SOME).differences(save({"usr": SOME["usr"]}))
    assert found == {("layer 0: /usr/a", "presence"): (True, False)}


def test_times_of_the_build_are_the_same(save: Callable[..., comparison.Saved]) -> None:
    one, other = ({**SOME, "usr/a": {"content": b"one", "mtime": mtime}} for mtime in (1000, 1007.25))
    assert save(one).differences(save(other)) == {}


def test_layers_below(save: Callable[..., comparison.Saved]) -> None:
    """One that both have is left out, and only where both have it."""
    above = {"b": {"content": b"b"}}
    found = save(SOME, SOME, {}).differences(save(SOME, above, {}))
    assert {part for part, _aspect in found} == {"layer 1: /usr", "layer 1: /usr/a", "layer 1: /b"}
    assert ("layer 2: /b", "presence") in save(SOME, SOME, above).differences(save(SOME, SOME))


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        ({"config": {"Env": ["A=c"]}}, {("config", "Env")}),
        ({"config": {"Env": ["A=b"], "Cmd": ["sh"]}}, {("config", "Cmd")}),
        ({"variant": "v7"}, {("image", "variant")}),
        ({"history": [{"created": "later", "created_by": "RUN false"}]}, {("history 0", "created_by")}),
        ({"history": [{"created": "later", "created_by": "RUN true"}]}, set()),
    ],
)
def test_what_is_said_of_it(save: Callable[..., comparison.Saved], config: dict[str, Any], expected: set[Any]) -> None:
    assert set(save(SOME).differences(save(SOME, **config))) == expected


def test_unexplained() -> None:
    found: comparison.Differences = {("layer 1: /a", "content"): (1, 2), ("layer 1: /a", "mode"): ("644", "600")}
    assert comparison.unexplained(found, [("layer 1: /a", "content")]) == ["layer 1: /a: mode 644, 600"]
