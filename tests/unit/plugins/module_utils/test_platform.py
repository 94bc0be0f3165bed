# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import itertools
import json
import os
import pathlib
import re
import sys
import types

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ansible_collections.trusted.crossbuild.plugins.module_utils._architectures import ARCHITECTURES
from ansible_collections.trusted.crossbuild.plugins.module_utils._errors import CrossbuildError
from ansible_collections.trusted.crossbuild.plugins.module_utils._platform import (
    Platform,
    architectures,
    everything,
    host,
    parse,
    parse_list,
    same_family,
)

# What each of the worlds calls a platform, written apart from the table under test.
REFERENCE = json.loads((pathlib.Path(__file__).parent / "data/architectures.json").read_text())
SPELLINGS = {platform: names for row in REFERENCE.values() for platform, names in row["names"].items()}
DEBIAN = {platform: name for row in REFERENCE.values() for platform, name in row["debian"].items()}
UNAME = {machine: platform for row in REFERENCE.values() for machine, platform in row["uname"].items()}
ALL = [parse(name) for name in SPELLINGS]


@pytest.mark.parametrize(
    ("name", "platform"), [(name, platform) for platform, names in SPELLINGS.items() for name in names.split()]
)
def test_every_spelling_is_understood(name: str, platform: str) -> None:
    for spelling in (name, name.upper(), f"  {name}\n", f"linux/{name.replace('linux/', '')}"):
        assert str(parse(spelling)) == platform


@pytest.mark.parametrize("platform", [*ALL, *everything()], ids=str)
def test_a_platform_s_text_is_its_name(platform: Platform) -> None:
    assert parse(str(platform)) == platform
    assert parse(str(platform)).arch is platform.arch


@pytest.mark.parametrize(("platform", "name"), [*DEBIAN.items()])
def test_debian_s_names_lead_there_and_back(platform: str, name: str | None) -> None:
    assert parse(platform).debian == name
    if name and platform != "linux/amd64/v2":
        assert str(parse(name)) == platform


@pytest.mark.parametrize(
    ("name", "nearest"),
    [
        ("armhff", "armhf"),
        ("amd46", "amd64"),
        ("arm/v9", "arm/v7"),
        ("linux/risc64", "riscv64"),
        ("ppc64", "ppc64le"),
        ("windows/amd64", "amd64"),
        ("linux/linux/arm64", "arm64"),
        # Docker means the big-endian ones, which are not emulated here.
        ("mips64", "mips64le"),
        ("linux/mips64", "mips64el"),
        ("mips", "mipsle"),
        ("", "armhf"),
        ("linux/", "arm64"),
        ("???", "riscv64"),
    ],
)
def test_an_unknown_name_is_refused_with_the_nearest(name: str, nearest: str) -> None:
    with pytest.raises(CrossbuildError) as caught:
        parse(name)
    assert repr(name) in str(caught.value)
    assert nearest in offered(str(caught.value))


def offered(message: str) -> list[str]:
    found = re.search(r"nearest known names are (.*?); any of linux/{(.*)} is", message)
    assert found is not None
    assert sorted(found[2].split(",")) == sorted(arch.docker for arch in ARCHITECTURES)
    return found[1].split(", ")


@given(st.text(max_size=20) | st.sampled_from(sorted(" ".join(SPELLINGS.values()).split())).map(lambda name: name[1:]))
@example("linux")
@example("LINUX/ARM/V7 ")
def test_any_name_is_known_or_refused_with_names_that_are(name: str) -> None:
    try:
        platform = parse(name)
    except CrossbuildError as error:
        assert {str(parse(near)) for near in offered(str(error))} <= set(SPELLINGS)
    else:
        assert str(platform) in SPELLINGS


@given(st.lists(st.sampled_from(sorted(" ".join(SPELLINGS.values()).split()))))
def test_a_list_keeps_its_order_and_has_each_platform_once(names: list[str]) -> None:
    result = parse_list(names)
    assert result == list(dict.fromkeys(parse(name) for name in names))
    assert parse_list(map(str, result)) == result
    assert architectures(result) == [arch for arch in ARCHITECTURES if any(one.arch is arch for one in result)]


def test_all_stands_for_one_of_every_architecture() -> None:
    assert parse_list([" ALL "]) == everything()
    assert parse_list(["s390x", "all", "armv6l"]) == list(
        dict.fromkeys([parse("s390x"), *everything(), parse("arm/v6")])
    )
    assert [platform.arch for platform in everything()] == list(ARCHITECTURES)
    assert {str(platform) for platform in everything()} < set(SPELLINGS)
    with pytest.raises(CrossbuildError, match="'al'"):
        parse_list(["arm", "al"])


@pytest.mark.parametrize("platform", ALL, ids=str)
def test_each_accepts_itself_and_images_that_name_no_variant(platform: Platform) -> None:
    assert platform.accepts(platform)
    assert platform.accepts(Platform(platform.architecture))
    assert not platform.accepts(Platform(platform.architecture, os="windows"))


@pytest.mark.parametrize(("one", "other"), [*itertools.permutations(ALL, 2)], ids=str)
def test_of_other_platforms_only_older_variants_are_accepted(one: Platform, other: Platform) -> None:
    newest_first = [
        "linux/arm/v7 linux/arm/v6 linux/arm/v5",
        "linux/amd64/v4 linux/amd64/v3 linux/amd64/v2 linux/amd64",
    ]
    pairs = {pair for line in newest_first for pair in itertools.combinations(line.split(), 2)}
    assert one.accepts(other) is ((str(one), str(other)) in pairs)


def test_variants_that_images_state_and_nobody_has_to_ask_for() -> None:
    assert parse("arm64").accepts(Platform("arm64", "v8"))
    assert not parse("arm64").accepts(Platform("arm64", "v9"))
    assert parse("amd64").accepts(Platform("amd64", "v1"))
    assert not parse("arm/v7").accepts(Platform("arm", "v8"))
    assert not parse("arm/v7").accepts(Platform("never heard of"))


@pytest.mark.parametrize(("machine", "platform"), [*UNAME.items()])
def test_the_host_is_known_by_its_uname(machine: str, platform: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "uname", lambda: types.SimpleNamespace(machine=machine))
    monkeypatch.setattr(sys, "byteorder", "little")
    assert str(host()) == platform


def test_a_host_of_unknown_architecture_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "uname", lambda: types.SimpleNamespace(machine="mips64"))
    monkeypatch.setattr(sys, "byteorder", "big")
    with pytest.raises(CrossbuildError, match="'mips64'"):
        host()


@pytest.mark.parametrize(("one", "other"), [*itertools.product(everything(), repeat=2)], ids=str)
def test_families_run_each_other_s_programs(one: Platform, other: Platform) -> None:
    families = [{"386", "amd64"}, {"arm", "arm64"}, {"mipsle", "mips64le"}]
    expected = one == other or {one.architecture, other.architecture} in families
    assert same_family(one, other) is expected


def test_the_table_names_nothing_twice() -> None:
    names = [name for arch in ARCHITECTURES for name in {arch.docker, arch.qemu, *arch.debian.values(), *arch.aliases}]
    assert len(names) == len(set(names))
    assert all(
        variant in ("", *arch.variants) for arch in ARCHITECTURES for variant in (*arch.debian, arch.default_variant)
    )
