# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""When the classic builder builds a second time. Real engines: tests/integration."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from ansible_collections.trusted.crossbuild.plugins.module_utils import _dockerfile, _platform
from ansible_collections.trusted.crossbuild.plugins.module_utils._build_log import Built, Failed
from ansible_collections.trusted.crossbuild.plugins.module_utils._build_source import Source
from ansible_collections.trusted.crossbuild.plugins.module_utils._builder import Request
from ansible_collections.trusted.crossbuild.plugins.module_utils._engine_classic import ClassicBuilder
from ansible_collections.trusted.crossbuild.plugins.module_utils._engine_sdk import Image


class Memory:
    """An engine in memory whose cache has an image for one platform, to count how often it is asked to build.

    One that is ``stubborn`` builds for that platform also without the cache.
    """

    def __init__(self, cached: str, fails: bool = False, stubborn: bool = False) -> None:
        self.cached = cached
        self.fails = fails
        self.stubborn = stubborn
        self.without_cache: list[bool] = []
        self.discarded: list[str] = []

    def build(self, _context: Iterator[bytes], options: dict[str, Any]) -> Iterator[dict[str, Any]]:
        self.without_cache.append(options["nocache"])
        if self.fails:
            return iter([{"error": "no"}])
        return iter([{"aux": {"ID": options["platform"] if options["nocache"] and not self.stubborn else self.cached}}])

    def image(self, image_id: str) -> Image:
        return Image(image_id, _platform.parse(image_id), {}, [], [])

    def discard(self, image_id: str) -> None:
        self.discarded.append(image_id)


def build(engine: Any, platform: str, text: str, fresh: bool = False) -> list[Any]:
    source = Source(_dockerfile.parse(text), text, "/dev/null", [], "Dockerfile", {})
    request = Request(_platform.parse(platform), {}, None, {}, None, [], fresh, newest_bases=False)
    return list(ClassicBuilder(engine, "").build(source, request))


@pytest.mark.parametrize(
    ("cached", "asked", "text", "calls"),
    [
        ("linux/arm/v7", "linux/arm/v7", "FROM scratch\n", [False]),
        ("linux/arm/v7", "linux/arm/v6", "FROM scratch\n", [False, True]),
        # It would do on a v7, but not as the image for a v7 in an index.
        ("linux/arm/v6", "linux/arm/v7", "FROM base AS one\nFROM scratch\n", [False, True]),
        ("linux/arm/v6", "linux/arm/v7", "FROM base\n", [False]),
        ("linux/amd64", "linux/arm/v7", "FROM scratch\n", [False, True]),
        ("linux/arm64", "linux/arm64", "FROM scratch\n", [False]),
    ],
)
def test_only_for_another_platform_out_of_the_cache(cached: str, asked: str, text: str, calls: list[bool]) -> None:
    engine = Memory(cached)
    again = len(calls) == 2
    events = build(engine, asked, text)
    assert [event for event in events if isinstance(event, Built)] == [Built(asked if again else cached)]
    assert engine.without_cache == calls
    assert engine.discarded == ([cached] if again else [])


def test_never_twice_without_the_cache_or_after_a_failure() -> None:
    engine = Memory("linux/arm/v7", stubborn=True)
    assert build(engine, "linux/arm/v6", "FROM scratch\n", fresh=True) == [Built("linux/arm/v7")]
    assert engine.without_cache == [True]
    assert engine.discarded == []
    engine = Memory("linux/arm/v7", fails=True)
    assert build(engine, "linux/arm/v6", "FROM scratch\n") == [Failed("no")]
    assert engine.without_cache == [False]
