# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.trusted.crossbuild.plugins.module_utils._dockerfile import parse
from ansible_collections.trusted.crossbuild.plugins.module_utils._dockerfile_mounts import (
    Skipped,
    frontend_problem,
    with_mounts,
)
from ansible_collections.trusted.crossbuild.plugins.module_utils._errors import CrossbuildError
from ansible_collections.trusted.crossbuild.plugins.module_utils._platform import Platform

ARM = Platform("arm", "v7")
AMD64 = Platform("amd64")
MOUNT = "type=bind,from=a.example/accelerator:1,target=/dev/.crossbuild,readonly"
FLAG = f" --mount={MOUNT}"


def mounted(text, mounts=None):
    parsed = parse(text)
    return with_mounts(text, parsed, {stage.index: MOUNT for stage in parsed.stages} if mounts is None else mounts)


# In each, | is where the mount has to be.
@pytest.mark.parametrize(
    "text",
    [
        "FROM a\nRUN| make\n",
        "FROM a\nRUN| make",
        'FROM a\nRUN| ["make", "all"]\n',
        "FROM a\nrun| make\n  Run|\tmake\n",
        "FROM a\nRUN| <<EOF\nRUN make\nEOF\nRUN| x\n",
        "FROM a\nRUN| cat <<A - <<'B'\nRUN a\nA\nRUN b\nB\nRUN| x\n",
        "FROM a\nRUN| --mount=type=cache,target=/c <<EOF\nmake\nEOF\n",
        "FROM a\nRUN| --network=none --mount=type=tmpfs,target=/t --security=insecure make\n",
        "FROM a\nRUN| --security=insecure --network=none make\n",
        "FROM a\nRUN| -- make\n",
        "FROM a\nRUN| \\\n  # comment\n\n  --network=none \\\n\n make && \\\n RUN\n",
        "FROM a\nRU\\\nN| make\n",
        "FROM a\n\\\n# RUN\n  R\\\n#\nUN| make\n",
        "# escape=`\nFROM a\nRUN| `\n make C:\\\nRUN| x\n",
        "# syntax=docker/dockerfile:1\nFROM a\nRUN| make\n",
        "FROM a\r\nRUN| make \\\r\n  all\r\nRUN| x\r\n",
        "\ufeffFROM a\nRUN| make\n",
        "\ufeff\\\nFROM a\nRUN| make\n",
        "# ü\nFROM a\nENV A=ü\nRUN| echo ü \udcff\n",
        'FROM a\nSHELL ["/bin/bash", "-c"]\nRUN| make\n',
        "FROM a\nRUN| --mount=type=bind,target=/dev/.crossbuild2 make\n",
        "FROM a\nRUN| --mount=type=secret,id=x --mount=type=cache,target=$HOME/c make\n",
        "FROM a\nRUN| --mount=type=bind,from=b,target=rel make\n",
        "ARG RUN=1\nFROM a\n# RUN x\nCOPY RUN x\nENV RUN make\nRUN| x\n",
        "FROM a\nRUN\n",
        "FROM a\nRUN| 'open\nRUN| x\n",
    ],
)
def test_where_the_mount_comes(text):
    plain = text.replace("|", "")
    found = mounted(plain)
    assert found.text == text.replace("|", FLAG)
    assert len(found.lines) == text.count("|")
    assert found.skipped == ()


def test_lines_are_those_where_the_instructions_begin():
    assert mounted("FROM a\nRUN \\\n x\n\nRUN y\n").lines == (2, 5)


@pytest.mark.parametrize(
    ("run", "reason"),
    [
        ("RUN --mount=type=tmpfs,target=/dev/.crossbuild x", "own at /dev/.crossbuild,"),
        ("RUN --mount=type=tmpfs,dst=/dev/.crossbuild/ x", "own at /dev/.crossbuild,"),
        ("RUN --mount=type=tmpfs,Destination=//dev/./.crossbuild/a x", "own at /dev/.crossbuild/a,"),
        ("RUN --network=none --mount=type=bind,source=/x,target=/dev x", "own at /dev,"),
        ("ONBUILD RUN x", "ONBUILD RUN is for builds of other images"),
        ("onbuild run x", "ONBUILD RUN is for builds of other images"),
    ],
)
def test_what_gets_no_mount_is_told(run, reason):
    text = f"FROM a\n{run}\nONBUILD COPY a b\n"
    found = mounted(text)
    assert (found.text, found.lines) == (text, ())
    assert [skipped.line for skipped in found.skipped] == [2]
    assert reason in found.skipped[0].reason


def test_only_the_stages_named_are_changed():
    text = "FROM a AS b\nRUN x\nONBUILD RUN x\nFROM c\nRUN y\nONBUILD RUN z\n"
    found = mounted(text, {1: MOUNT})
    assert found.text == text.replace("RUN y", f"RUN{FLAG} y")
    assert found.skipped == (Skipped(6, "ONBUILD RUN is for builds of other images, and recorded in this one"),)


@pytest.mark.parametrize(
    "mount", ["type=bind,target=/a b", "type=bind,target=$X", "type=bind,target=x", "type=bind", ""]
)
def test_a_mount_that_would_need_quotes_or_has_no_target(mount):
    with pytest.raises(ValueError, match="absolute target"):
        mounted("FROM a\nRUN x\n", {0: mount})


# fmt: off
PIECES = st.sampled_from([
    "FROM a\n", "RUN ", "run\t", "RU\\\nN ", "ONBUILD RUN ", "COPY a b\n", "\\\n", "\\ \r\n", "`\n", "# c\n", "\n", "\r\n",
    "<<E\n", "<<-E <<'F'\n", "E\n", "\tE\n", "F\n", "--network=none ", "--mount=type=cache,target=/c ", "-- ", '["a"]\n',
    "--mount=type=tmpfs,dst=/dev ", "'", '"', "$X", "ü", "\xa0", "\u2003", "\x1c", " ", "x", "\\", "\udcff", "\v",
])
# fmt: on
TEXTS = st.tuples(
    st.sampled_from(["", "\ufeff", "# escape=`\n", "# syntax=x\r\n", "\n"]), st.lists(PIECES, max_size=16).map("".join)
).map(lambda parts: f"{parts[0]}FROM a\n{parts[1]}")


@given(TEXTS)
def test_a_mount_more_and_nothing_else(text):
    try:
        before = parse(text)
    except CrossbuildError:
        return
    found = with_mounts(text, before, {stage.index: MOUNT for stage in before.stages})
    after = parse(found.text)
    # What was put in can be taken out again, and the rest is the user's, byte for byte.
    assert found.text.replace(FLAG, "") == text
    assert found.text.count(FLAG) == len(found.lines)
    skipped = {one.line for one in found.skipped}
    runs = [one for one in before.instructions if one.keyword == "RUN" and one.value and one.start not in skipped]
    assert [one.start for one in runs] == list(found.lines)
    assert after.directives == before.directives
    for old, new in zip(before.instructions, after.instructions):
        expected = old
        if old.start in found.lines:
            end = old.keyword_end
            original = old.original[:end] + FLAG + old.original[end:]
            expected = dataclasses.replace(old, flags=(FLAG.strip(), *old.flags), original=original)
        assert new == expected


# --- which frontends


@pytest.mark.parametrize(
    ("syntax", "problem"),
    [
        ("docker/dockerfile", None),
        ("docker/dockerfile:1", None),
        ("docker/dockerfile:1.2", None),
        ("docker/dockerfile:1.10.0", None),
        ("docker/dockerfile:2.0", None),
        ("docker/dockerfile:1.7-labs", None),
        ("docker/dockerfile:1.0-experimental", None),
        ("docker/dockerfile:experimental", None),
        ("docker/dockerfile-upstream:master", None),
        ("mirror.example:5000/docker/dockerfile:1.4@sha256:ab", None),
        ("docker/dockerfile:1.0", "does not know"),
        ("docker/dockerfile:1.1.7", "does not know"),
        ("mirror.example:5000/docker/dockerfile:1.0.0@sha256:ab", "does not know"),
        ("docker/dockerfile@sha256:ab", "no version"),
        ("r2d4/mocker", "not docker/dockerfile"),
        ("not-docker/dockerfile:1", "not docker/dockerfile"),
    ],
)
def test_frontends_that_know_the_mount(syntax, problem):
    for text, args in ((f"# syntax={syntax}\nFROM a\n", {}), ("FROM a\n", {"BUILDKIT_SYNTAX": syntax})):
        said = frontend_problem(parse(text), args)
        assert said is None if problem is None else problem in said


def test_the_builders_own_frontend_knows_the_mount():
    assert frontend_problem(parse("FROM a\n"), {}) is None
