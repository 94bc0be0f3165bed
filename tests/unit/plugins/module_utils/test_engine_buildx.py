# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What buildx is called with, and which buildx that is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ansible_collections.trusted.crossbuild.plugins.module_utils import _buildx_plugin, _dockerfile, _engine_buildx
from ansible_collections.trusted.crossbuild.plugins.module_utils._builder import Request
from ansible_collections.trusted.crossbuild.plugins.module_utils._buildx_plugin import Plugin
from ansible_collections.trusted.crossbuild.plugins.module_utils._errors import CrossbuildError
from ansible_collections.trusted.crossbuild.plugins.module_utils._platform import Platform
from ansible_collections.trusted.crossbuild.plugins.module_utils._secrets import Secret

READS = "RUN --mount=type=secret,id=a true\n"


def options(text: str, **changed: Any) -> list[str]:
    request: dict[str, Any] = {
        "platform": Platform("arm", "v7"),
        "args": {},
        "target": None,
        "labels": {},
        "network": None,
        "secrets": [Secret("a", b"value")],
        "fresh": False,
        "newest_bases": False,
    }
    return _engine_buildx._options(Request(**{**request, **changed}), _dockerfile.parse(text))


def test_every_option() -> None:
    given = {"args": {"A": "1 2"}, "labels": {"l": "x=y"}, "target": "t", "network": "host", "fresh": True}
    assert options("FROM base\n", **given, secrets=[]) == [
        *("--platform", "linux/arm/v7", "--build-arg", "A=1 2", "--label", "l=x=y"),
        *("--target", "t", "--network", "host", "--no-cache"),
    ]


@pytest.mark.parametrize(
    ("text", "flags"),
    [
        (f"FROM b AS one\nRUN true\nFROM b AS two\n{READS}FROM b\n", ["--no-cache-filter", "two"]),
        (
            f"FROM b AS one\n{READS}FROM b AS two\n{READS}FROM b\n",
            ["--no-cache-filter", "one", "--no-cache-filter", "two"],
        ),
        # BuildKit leaves a stage without a name, or one that is alone, out of the filter.
        (f"FROM b AS one\nRUN true\nFROM b\n{READS}", ["--no-cache"]),
        (f"FROM b AS one\n{READS}", ["--no-cache"]),
        ("FROM b AS one\nRUN --mount=type=cache,target=/c true\n", []),
    ],
)
def test_stages_that_read_a_secret_do_not_come_from_the_cache(text: str, flags: list[str]) -> None:
    assert options(text)[2:] == flags
    assert options(text, secrets=[])[2:] == []


@pytest.mark.parametrize(
    ("version", "usable"), [("0.12.0", True), ("0.13.1+ds1", True), ("1.0", True), ("0.9.1", False), ("", False)]
)
def test_which_versions_do(version: str, usable: bool) -> None:
    assert Plugin("/p", version).usable is usable


def test_the_plugin_that_the_client_would_use(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plugin = tmp_path / "cli-plugins" / "docker-buildx"
    plugin.parent.mkdir()
    plugin.write_text("#!/bin/sh\necho github.com/docker/buildx v0.29.1 a32761a\n")
    plugin.chmod(0o755)
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    assert _buildx_plugin.find() == Plugin(str(plugin), "0.29.1")
    plugin.write_text("#!/bin/sh\necho broken >&2; exit 1\n")
    with pytest.raises(CrossbuildError, match="broken"):
        _buildx_plugin.find()
