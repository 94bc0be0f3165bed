# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import fnmatch
import json
import warnings
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.trusted.crossbuild.plugins.module_utils._dockerignore import parse
from ansible_collections.trusted.crossbuild.plugins.module_utils._errors import CrossbuildError

# Files and what buildx 0.29 left out of a context with them. "ignore" is Latin-1 for the bytes of the .dockerignore.
DATA = json.loads((Path(__file__).parent / "data" / "dockerignore_cases.json").read_text(encoding="utf-8"))
DIRECTORIES = set(DATA["directories"])


def walk(patterns, tree, directories):
    """The paths that a walk leaves out, skipping what it may skip; a kept path keeps the directories above it."""
    kept, skipped = set(), set()
    for path in sorted(tree):
        parent = path.rpartition("/")[0]
        if parent in skipped:
            skipped.add(path)
            continue
        out, look_below = patterns.leave_out(path, path in directories)
        if not look_below:
            skipped.add(path)
        if not out:
            kept.add(path)
    above = {path[:at] for path in kept for at, char in enumerate(path) if char == "/"}
    return sorted(set(tree) - kept - above)


@pytest.mark.parametrize("case", DATA["cases"], ids=[case["case"] for case in DATA["cases"]])
def test_agrees_with_buildx(case):
    data = (case["ignore"] or "").encode("latin-1")
    if case.get("error"):
        with pytest.raises(CrossbuildError, match=r"\.dockerignore, line [12]"):
            parse(data)
        return
    tree = [path for path in DATA["tree"] if case["ignore"] is not None or path != ".dockerignore"]
    assert walk(parse(data), tree, DIRECTORIES) == case["excluded"]


def test_the_first_path_may_be_deep():
    patterns = parse(b"nm/**\n!nm/*/README.md\n")
    assert patterns.leave_out("nm/p/i.js", False) == (True, False)
    assert patterns.leave_out("nm/p/README.md", False) == (False, False)


@pytest.mark.parametrize(
    ("ignore", "path", "excluded"),
    [
        # Bytes that are not UTF-8 arrive as surrogates, and are one character each.
        (b"\xe9\n", "\udce9", True),
        (b"\xe9*\n", "\udce9x", True),
        # Go reads all such bytes as one and the same character.
        (b"\xe9*\n", "\udceax", True),
        (b"?\n", "\udce9", True),
        ("é?\n".encode(), "éa", True),
        # The oddities of the reference are part of the definition.
        (b"a|b*\n", "ax", True),
        (b"x{2}*\n", "xx", True),
        (b"x{,2}*\n", "xx", False),
        (b"a^b*\n", "a^b", False),
        (b"[a*]\n", "a/a]", True),
        (b"\\d?\n", "1x", True),
        (b"[\\s]\n", " ", True),
        (b"\\s?\n", "\tx", True),
        (b"\\b?\n", "é", False),
        (b"x*[0-9-]\n", "xy-", True),
        ("\n\ufeffa*\n".encode(), "a", True),
        (b"x*\n/!x\n", "x", False),
        (b"//a\n", "a", True),
        (b"*/*\\\n", "a/a$b", True),
        (b"*/*\\\n", "a/a", False),
        (b"***\n", "a", True),
    ],
)
def test_one_pattern(ignore, path, excluded):
    assert parse(ignore).leave_out(path, False)[0] is excluded


@pytest.mark.parametrize(
    "pattern",
    [
        "[",
        "[]",
        "[]a]",
        "[a-]",
        "[-a]",
        "[^]",
        "a[",
        "*[",
        "?*[-a]",
        "*x*[",
        "[b-a]",
        "\\",
        "!",
        "! ",
        "!/",
        "a\x01",
        "[[:alpha:]]",
        "\\Q",
        "\\é",
        "[\\b]",
        "[\udce9]",
        "{2}*",
    ],
)
def test_invalid_pattern_is_named_with_its_line(pattern):
    with pytest.raises(CrossbuildError, match=r"line 3: the pattern ") as caught:
        parse(b"a\n# b\n" + pattern.encode("utf-8", "surrogateescape") + b"\n").leave_out("b", False)
    assert repr(pattern.strip()) in str(caught.value)


@pytest.mark.parametrize("pattern", ["!a[\\b]", "!\\é", "!a[\\1]"])
def test_a_pattern_that_is_invalid_only_as_an_expression_is_refused_when_it_is_needed(pattern):
    data = pattern.encode("utf-8", "surrogateescape")
    assert parse(data).leave_out("a", False) == (False, False)
    with pytest.raises(CrossbuildError, match="line 2: the pattern '!"):
        parse(b"a\n" + data).leave_out("a", False)


@pytest.mark.parametrize(
    ("ignore", "looks"),
    [
        (b"d\n", False),
        (b"d\n!d/a\n", True),
        (b"d\n!d/**\n", True),
        (b"d\n!e/a\n", False),
        (b"d\n!da/a\n", False),
        (b"d\n!*/a\n", True),
        (b"d\n!**/a\n", True),
    ],
)
def test_an_excluded_directory_is_searched_only_for_what_may_be_included_again(ignore, looks):
    assert parse(ignore).leave_out("d", True) == (True, looks)


NAMES = st.text(st.sampled_from("ab.-é"), min_size=1, max_size=3).filter(lambda name: name.strip("."))
PATHS = st.lists(NAMES, min_size=1, max_size=4).map("/".join)


def with_directories(paths):
    directories = {path[:at] for path in paths for at, char in enumerate(path) if char == "/"}
    return sorted(directories | set(paths)), directories


@given(st.lists(PATHS, max_size=12))
def test_nothing_is_left_out_without_patterns(paths):
    assert walk(parse(b"# nothing\n\n"), *with_directories(paths)) == []


@given(st.lists(PATHS, max_size=8), st.lists(PATHS, max_size=3), st.sampled_from(["", "/", "./"]))
def test_a_plain_path_excludes_itself_and_all_below(paths, patterns, before):
    tree, directories = with_directories(paths)
    data = "".join(f"{before}{pattern}\n" for pattern in patterns).encode()
    expected = [path for path in tree if any((path + "/").startswith(pattern + "/") for pattern in patterns)]
    assert walk(parse(data), tree, directories) == expected


@given(PATHS, PATHS)
def test_the_last_pattern_decides(path, other):
    data = f"**\n!{path}\n".encode()
    assert parse(data).leave_out(path, False)[0] is False
    assert parse(data + f"{path}\n".encode()).leave_out(path, False)[0] is True


WILD = st.lists(st.sampled_from(["a", "b", ".", "-", "é", "*", "?", "[ab]"]), min_size=1, max_size=4).map("".join)


@given(WILD.filter(lambda text: "**" not in text and text.strip(".")), NAMES)
def test_a_wild_name_matches_like_fnmatch(pattern, name):
    assert parse(pattern.encode()).leave_out(name, False)[0] is fnmatch.fnmatchcase(name, pattern)
    assert parse(b"**/" + pattern.encode()).leave_out("a/b/" + name, False)[0] is any(
        fnmatch.fnmatchcase(part, pattern) for part in ("a", "b", name)
    )


ANY_LINES = st.lists(
    st.lists(st.sampled_from([*"ab!*?[]^-\\/.,()#é \r", "**", "a/", "/b", "!a"]), max_size=7).map("".join), max_size=6
).map("\n".join)


@given(ANY_LINES, st.lists(PATHS, max_size=8))
def test_skipping_an_excluded_directory_loses_nothing(text, paths):
    tree, directories = with_directories(paths)
    try:
        patterns = parse(text.encode())
        by_itself = sorted(path for path in tree if patterns.leave_out(path, path in directories)[0])
    except CrossbuildError:  # which some patterns are worth only when they are asked
        return
    # Kept paths have the same answer; a path that is left out may only be needed for one below it.
    left_out = walk(patterns, tree, directories)
    assert [path for path in by_itself if path in left_out] == left_out
    kept = set(tree) - set(by_itself)
    assert not kept & set(left_out)


@given(st.binary(max_size=40))
def test_any_bytes_give_patterns_or_the_one_error(data):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            parse(data).leave_out("a/b", False)
        except CrossbuildError as error:
            assert "line " in str(error)
