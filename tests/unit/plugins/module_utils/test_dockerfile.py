# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import example, given, reject, settings
from hypothesis import strategies as st

from ansible_collections.trusted.crossbuild.plugins.module_utils._dockerfile import (
    Base,
    built_stages,
    parse,
    resolve_bases,
)
from ansible_collections.trusted.crossbuild.plugins.module_utils._dockerfile_lexer import lex
from ansible_collections.trusted.crossbuild.plugins.module_utils._errors import CrossbuildError
from ansible_collections.trusted.crossbuild.plugins.module_utils._platform import Platform

CASES = json.loads((Path(__file__).parent / "data" / "dockerfile_cases.json").read_text(encoding="utf-8"))
ARM = Platform("arm", "v7")
ARM64 = Platform("arm64")
AMD64 = Platform("amd64")


# --- the lexer, against BuildKit's own


@pytest.mark.parametrize("case", CASES, ids=[case["case"] for case in CASES])
def test_lexer_agrees_with_buildkit(case):
    if case["error"]:
        with pytest.raises(CrossbuildError, match="line 2"):
            lex(case["text"])
        return
    found = [{"name": i.keyword, "start": i.start, "end": i.end, "flags": list(i.flags)} for i in lex(case["text"])[1]]
    assert found == case["instructions"]


# The oracle is BuildKit 0.12, older than what this collection follows. Left out is what has changed since: a list with
# something behind it was JSON, "<< E" was no heredoc, "${X:-y}" did not end a heredoc's word, and the backslash escaped
# in flags whatever the directive said.
PIECES = st.sampled_from(
    [
        "FROM",
        "RUN",
        "COPY",
        "ADD",
        "CMD",
        "ENV",
        "ARG",
        "LABEL",
        "ONBUILD",
        "HEALTHCHECK",
        "SHELL",
        "VOLUME",
        "run",
        "Onbuild",
        "NOPE",
        " ",
        "  ",
        "\t",
        "\n",
        "\n",
        "\n",
        "\r\n",
        "\\\n",
        "\\ \t\n",
        "`\n",
        "\\\r\n",
        "\\",
        "`",
        "#",
        "# c\n",
        "# escape=`\n",
        "#escape = \\\n",
        "# syntax=a/b:1\n",
        "# escape=x\n",
        "//syntax=x\n",
        "\ufeff",
        "\v",
        "\f",
        "\x1c",
        "\xa0",
        "\u2003",
        "<<'",
        "<<$",
        "<<<",
        "<<E",
        "<<-E",
        "<<E\n",
        "<<-E\n",
        "<<'E'\n",
        '<<"E F"\n',
        "3<<E",
        "<<E<<F\n",
        "E",
        "E\n",
        "\tE\n",
        "E F\n",
        "F\n",
        "<<E\nE\n",
        "<<-E\nx\n\tE\n",
        "'",
        '"',
        "$X",
        "${X}",
        "${",
        "}",
        "$",
        "--",
        "--a=b",
        "--mount=type=cache,target=/x",
        "--x='a b'",
        "-- ",
        "[1]\n",
        '["a"]\n',
        '["a", \\\n"b"]\n',
        "[]\n",
        '["a", null]\n',
        '["a", NaN]\n',
        "['a']\n",
        "a",
        "b=c",
        "a=b",
        "=",
        ",",
        "\\\\",
        "\\'",
        '\\"',
        "é",
        "|",
        "&&",
        ">",
    ]
)
GENERATED = st.lists(PIECES, max_size=24).map("".join)
LINES = st.lists(
    st.tuples(
        st.sampled_from(["FROM ", "RUN ", "COPY ", "ENV ", "ONBUILD RUN ", "CMD ", "RU\\\nN ", " run\t", "# ", ""]),
        st.lists(PIECES, max_size=5).map("".join),
        st.sampled_from(["\n", "\n", " \\\n", "\r\n", "\nE\n", " <<-E\n\tE\n", ""]),
    ).map("".join),
    max_size=8,
).map("".join)


SHELL_FORM = ("RUN", "CMD", "ENTRYPOINT")


def oracle(text):
    """Instructions as BuildKit's parser sees them, or None where it refuses the text."""
    import dockerfile

    try:
        return [
            (
                (found.cmd or "").upper(),
                found.start_line,
                found.end_line,
                found.flags,
                [(heredoc.name, heredoc.content) for heredoc in found.heredocs],
                found.json,
                # A command for the shell arrives in one piece, other arguments and lists in several.
                found.value if (found.cmd or "").upper() in SHELL_FORM and not found.json else None,
            )
            for found in dockerfile.parse_string(text)
        ]
    except dockerfile.GoParseError:
        return None
    except UnicodeDecodeError:
        return reject()  # the binding's, for a word that BuildKit split within a character


def own(text):
    try:
        return [
            # The binding tells no heredocs below ONBUILD.
            (
                i.keyword,
                i.start,
                i.end,
                i.flags,
                [(h.name, h.body) for h in i.heredocs if i.keyword != "ONBUILD"],
                i.json,
                (i.value,) * bool(i.value) if i.keyword in SHELL_FORM and not i.json else None,
            )
            for i in lex(text)[1]
        ]
    except CrossbuildError:
        return None


@settings(max_examples=1500, deadline=None)
@given((GENERATED | LINES).filter(lambda text: "<<<<" not in text and not ("`" in text and "--" in text)))
@example("FROM a\nENV \\\v\n")
@example("FROM a\nHEALTHCHECK CMD\t[1]\n")
@example("FROM a\nHEALTHCHECK CMD \v[1]\n")
def test_lexer_agrees_with_buildkit_on_generated_texts(text):
    assert own(text) == oracle(text)


@given(GENERATED | LINES)
def test_the_lines_of_the_instructions_are_the_source(text):
    try:
        instructions = lex(text)[1]
    except CrossbuildError:
        return
    lines = text[text.startswith("\ufeff") :].split("\n")
    assert [i.original.rstrip("\n") for i in instructions] == [
        "\n".join(lines[i.start - 1 : i.end]).rstrip("\n") for i in instructions
    ]
    assert all(b.start > a.end for a, b in zip(instructions, instructions[1:]))


def test_value_is_joined_and_without_flags():
    (_from, run) = parse("FROM a\nRUN --network=none \\\n # c\n  echo a \\\n b\n").instructions
    assert (run.value, run.flags, run.start, run.end) == ("echo a  b", ("--network=none",), 2, 5)
    assert run.flag_values("network") == ["none"]


def test_heredocs_carry_their_bodies():
    run = parse("FROM a\nRUN <<-A cat && << 'B' cat\n\tx\n\tA\n$y\nB\n").instructions[1]
    assert [(h.name, h.body, h.strip, h.expand) for h in run.heredocs] == [
        ("A", "\tx\n", True, True),
        ("B", "$y\n", False, False),
    ]


@pytest.mark.parametrize(
    ("text", "json_form"),
    [
        ('RUN ["a", "b"]', True),
        ("RUN ['a']", False),
        ('RUN ["a"] b', False),
        ("RUN [NaN]", False),
        ('HEALTHCHECK CMD\t["a"]', True),
        ('ONBUILD CMD ["a"]', True),
        ('WORKDIR ["a"]', False),
        ("RUN", False),
    ],
)
def test_json_form(text, json_form):
    assert lex(text)[1][0].json is json_form


def test_a_json_list_begins_no_heredoc():
    assert lex('FROM a\nCOPY [ "a",  <<E  ]\nE\n')[1][1].heredocs[0].name == "E"
    assert lex('FROM a\nCOPY [ "a", " <<E " , "b" ]\n')[1][1].heredocs == ()


def test_a_heredoc_word_with_a_default_is_none():
    # As in current BuildKit; older ones take the whole for the heredoc's name.
    assert lex("FROM a\nRUN cat <<E${X:-y}\nE\n")[1][1].heredocs == ()


def test_directives():
    directives = parse("#syntax = docker/dockerfile:1 \n# Escape=`\n# check=skip=all\nFROM a\n").directives
    assert (directives.syntax, directives.escape, directives.check) == ("docker/dockerfile:1", "`", "skip=all")
    assert parse("FROM a\n# escape=`\n").directives.escape == "\\"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "no instructions"),
        ("# only this\n", "no instructions"),
        ("ARG A\n", "no FROM"),
        ("FROM a\nRNU x\n", "line 2: unknown instruction 'RNU', did you mean RUN?.*The line is: RNU x"),
        ("FROM a\n\nQQ x\n", "line 3: unknown instruction 'QQ', known are ADD"),
        ("RUN x\nFROM a\n", "line 1: RUN comes before the first FROM"),
        ("FROM\n", "line 1: FROM has 0 arguments"),
        ("FROM a b\n", "line 1: FROM has 2 arguments"),
        ("FROM a IS b\n", "line 1: FROM has 3 arguments"),
        ("FROM a AS 1b\n", "line 1: the stage name '1b'"),
        ("FROM --platfrom=x a\n", "line 1: FROM has the flags --platfrom=x"),
        ("FROM a\nRUN <<E\nx\n", "line 2: the heredoc <<E has no end.*The line is: RUN <<E"),
        ("FROM a\nENV x\n", "line 2: ENV has a name without a value"),
        ("FROM a\nLABEL a=b c\n", "line 2: LABEL has 'c' without '='"),
        ("FROM a\nCMD [1]\n", "line 2: the JSON list holds something else than strings"),
        ("# escape=x\nFROM a\n", "line 1: the escape character is 'x'"),
        ("# syntax=x\n# syntax=y\nFROM a\n", "line 2: the directive 'syntax' is given twice"),
    ],
)
def test_errors_show_the_line(text, message):
    with pytest.raises(CrossbuildError, match=message):
        parse(text)


# --- stages and the images they need


def test_stages():
    build, last = parse("ARG A\nFROM --platform=$P golang:$A AS Build\nRUN x\nFROM build\nCOPY a b\nCMD c\n").stages
    assert (build.index, build.name, build.base, build.base_platform, build.line) == (0, "build", "golang:$A", "$P", 2)
    assert [i.keyword for i in build.instructions] == ["RUN"]
    assert (last.index, last.name, last.base, last.base_platform, last.line) == (1, None, "build", None, 4)
    assert [i.keyword for i in last.instructions] == ["COPY", "CMD"]


def bases(text, args=None, target=None, all_stages=False):
    return resolve_bases(parse(text), args or {}, ARM, AMD64, target, all_stages)


def test_a_stage_is_no_image_and_unreachable_stages_are_left_out():
    text = """\
FROM --platform=$BUILDPLATFORM golang AS build
RUN --mount=type=bind,from=tools,target=/t --mount=type=cache,target=/c make
FROM nobody AS nobody
FROM debian AS base
FROM base
COPY --from=Build /a /
COPY --from=0 /a /
COPY --from=busybox /a /
COPY --from=scratch / /
"""
    needed = [
        Base("golang", AMD64, 1, "FROM"),
        Base("tools", ARM, 2, "RUN"),
        Base("debian", ARM, 4, "FROM"),
        Base("busybox", ARM, 8, "COPY"),
    ]
    assert bases(text) == needed
    assert bases(text, all_stages=True) == sorted([*needed, Base("nobody", ARM, 3, "FROM")], key=lambda base: base.line)
    assert bases(text, target="BASE") == [Base("debian", ARM, 4, "FROM")]
    assert [base.reference for base in bases(text, target="base", all_stages=True)] == [
        "golang",
        "tools",
        "nobody",
        "debian",
    ]


def test_a_stage_name_given_twice_means_the_last_one_before():
    text = "FROM a AS s\nFROM b AS s\nFROM s AS t\nFROM c AS s\n"
    assert [base.reference for base in bases(text, target="t")] == ["b"]
    assert [base.reference for base in bases(text, target="s")] == ["c"]


def test_an_error_behind_the_target_matters_to_buildkit_only():
    text = "FROM a AS s\nFROM $NOTHING\n"
    assert [base.reference for base in bases(text, target="s", all_stages=True)] == ["a"]
    with pytest.raises(CrossbuildError, match="line 2"):
        bases(text, target="s")


def test_a_dependency_of_a_dependency_is_needed():
    text = "FROM a AS a1\nFROM b AS b1\nRUN --mount=from=a1,target=/x y\nFROM scratch\nCOPY --from=b1 / /\n"
    assert [base.reference for base in bases(text)] == ["a", "b"]


def test_a_stage_that_is_not_needed_may_be_for_a_platform_unknown_here():
    text = "FROM --platform=windows/amd64 nano AS windows\nFROM a\n"
    assert bases(text) == [Base("a", ARM, 2, "FROM")]
    with pytest.raises(CrossbuildError, match=r"line 1: Unknown platform 'windows/amd64'.*FROM --platform=windows"):
        bases(text, target="windows")


def test_a_copy_counts_stages_and_a_mount_does_not():
    assert [base.reference for base in bases("FROM a\nFROM b\nCOPY --from=0 x y\n")] == ["a", "b"]
    assert [base.reference for base in bases("FROM a\nFROM b\nRUN --mount=from=0,target=/x y\n")] == ["b", "0"]


def test_heredocs_and_later_instructions_name_no_images():
    assert bases("FROM a\nRUN <<E\nFROM x\nCOPY --from=y a b\nE\nONBUILD COPY --from=z a b\n") == [
        Base("a", ARM, 1, "FROM")
    ]


def test_a_base_may_be_a_variable_that_names_a_stage():
    text = "ARG WHICH=full\nFROM a AS full\nFROM b AS slim\nFROM ${WHICH}\n"
    assert [base.reference for base in bases(text)] == ["a"]
    assert [base.reference for base in bases(text, {"WHICH": "slim"})] == ["b"]


@pytest.mark.parametrize(
    ("before", "word", "args", "reference"),
    [
        ("ARG V=3", "a:$V", {}, "a:3"),
        ("ARG V=3", "a:$V", {"V": "4"}, "a:4"),
        ("ARG V=3", "a:$V", {"V": ""}, "a:"),
        ("ARG V", "a:${V:-2}", {}, "a:2"),
        ("ARG V", "a:${V-2}", {"V": ""}, "a:"),
        ("ARG V", "a:${V:-2}", {"V": ""}, "a:2"),
        ("ARG V=1", "a${V:+:b}", {}, "a:b"),
        ("ARG V=", "a${V:+:b}", {}, "a"),
        ("ARG V=", "a${V+:b}", {}, "a:b"),
        ("ARG V", "a${V+:b}", {}, "a"),
        ("", "a:$V", {"V": "not declared"}, "a:"),
        ("ARG A=x B=y${A}", "$A$B", {}, "xyx"),
        ("ARG A='x  y' B=\"z\"", "$B", {}, "z"),
        ("ARG A='$B'", "a:${A:+$TARGETARCH}", {}, "a:arm"),
        ("ARG R=a/b:1", "${R%:*}-${R##*/}-${R/b/c}", {}, "a/b-b:1-a/c:1"),
        ("", "$TARGETPLATFORM-$TARGETVARIANT-$BUILDARCH-$BUILDVARIANT-$BUILDOS", {}, "linux/arm/v7-v7-amd64--linux"),
        ("ARG TARGETARCH", "a:$TARGETARCH", {}, "a:arm"),
        ("", "a:$TARGETARCH", {"TARGETARCH": "mine"}, "a:mine"),
        ("", "a:\\$V", {}, "a:$V"),
        ("", "a:'$V'", {}, "a:$V"),
        ("", '"a:$TARGETOS"', {}, "a:linux"),
        ("", "a:$", {}, "a:$"),
    ],
)
def test_expansion_in_from(before, word, args, reference):
    assert [base.reference for base in bases(f"{before}\nFROM {word}\n", args)] == [reference]


def test_the_escape_directive_holds_for_from():
    assert bases("# escape=`\nFROM a:`$X\\b\n")[0].reference == "a:$X\\b"


@pytest.mark.parametrize(
    ("flag", "args", "platform"),
    [
        ("--platform=linux/arm64", {}, ARM64),
        ("--platform=$BUILDPLATFORM", {}, AMD64),
        ("--platform=linux/${TARGETARCH}/${TARGETVARIANT}", {}, ARM),
        ("--platform=$P", {}, ARM64),
        ("--platform=$P", {"P": "amd64"}, AMD64),
        ("--platform=", {}, ARM),
        ("", {}, ARM),
    ],
)
def test_platform_of_from(flag, args, platform):
    assert bases(f"ARG P=arm64\nFROM {flag} a\n", args) == [Base("a", platform, 2, "FROM")]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("FROM --platform=$P a\n", r"line 1: the platform '\$P' expands to nothing"),
        ("FROM --platform=pdp11 a\n", "line 1: Unknown platform 'pdp11'"),
        ("FROM --platform=$P a\nFROM b\n", r"line 1: the platform"),
        ("FROM $X\n", r"line 1: the image '\$X' expands to nothing"),
        ("FROM a:${X\n", r"line 1: cannot expand 'a:\$\{X'"),
        ("FROM a:${X?gone}\n", "line 1: .*X: gone"),
        ("FROM a:${X!}\n", "line 1: .*'!' is unknown"),
        ("FROM a:'b\n", "line 1: .*quote is never closed"),
        ("FROM a\nCOPY --from=$X a b\n", r"line 2: '\$X' has a variable"),
        ("FROM a\nCOPY --from=1 a b\n", "line 2: there is no stage 1, expected 0 to 0"),
        ("FROM a\nCOPY --from=b a b\nFROM c AS b\n", "line 2: stage 'b' begins in line 3, expected an earlier stage"),
    ],
)
def test_what_cannot_be_resolved(text, message):
    with pytest.raises(CrossbuildError, match=message):
        bases(text)


def test_unknown_target_names_the_stages():
    with pytest.raises(CrossbuildError, match=r"no stage 'buidl'.*names: build, test"):
        bases("FROM a AS build\nFROM a AS test\n", target="buidl")
    with pytest.raises(CrossbuildError, match="none"):
        bases("FROM a\n", target="x")


@given(st.lists(st.integers(0, 5), max_size=5), st.booleans())
def test_every_needed_image_is_reached_and_no_other(parents, through_copy):
    """A random chain of stages: stage n builds on, or copies from, an earlier one or an image of its own."""
    lines, needs = ["FROM image0 AS s0"], [{"image0"}]
    for index, parent in enumerate(parents, 1):
        if parent >= index:
            lines.append(f"FROM image{index} AS s{index}")
            needs.append({f"image{index}"})
        elif through_copy:
            lines += [f"FROM image{index} AS s{index}", f"COPY --from=s{parent} / /"]
            needs.append({f"image{index}"} | needs[parent])
        else:
            lines.append(f"FROM s{parent} AS s{index}")
            needs.append(needs[parent])
    for index, needed in enumerate(needs):
        assert {base.reference for base in bases("\n".join(lines), target=f"s{index}")} == needed


# --- stages


@pytest.mark.parametrize(
    ("text", "args", "expected"),
    [
        ("FROM a\n", {}, ["0 linux/arm/v7 a"]),
        ("FROM scratch\n", {}, ["0 linux/arm/v7 None"]),
        (
            "FROM --platform=$BUILDPLATFORM a AS b\nFROM c\nCOPY --from=b / /\n",
            {},
            ["0 linux/amd64 a", "1 linux/arm/v7 c"],
        ),
        ("FROM --platform=linux/arm64 scratch\n", {}, ["0 linux/arm64 None"]),
        ("FROM --platform=linux/386 a AS b\nFROM b AS c\nFROM C\n", {}, [f"{n} linux/386 a" for n in range(3)]),
        ("FROM a AS b\nFROM --platform=$BUILDPLATFORM b\n", {}, ["0 linux/arm/v7 a", "1 linux/arm/v7 a"]),
        ("ARG P=linux/amd64\nFROM --platform=$P a\n", {"P": "linux/s390x"}, ["0 linux/s390x a"]),
        ("ARG B=b\nFROM --platform=$BUILDPLATFORM a AS b\nFROM $B\n", {}, ["0 linux/amd64 a", "1 linux/amd64 a"]),
        ("FROM --platform=windows/amd64 a\n", {}, ["0 None a"]),
        ("FROM --platform=windows/amd64 w AS unneeded\nFROM a\n", {}, ["1 linux/arm/v7 a"]),
    ],
)
def test_stages_that_are_built(text, args, expected):
    found = built_stages(parse(text), args, ARM, AMD64)
    assert [f"{one.stage.index} {one.platform} {one.root}" for one in found] == expected


def test_stages_behind_the_target_are_not_built():
    found = built_stages(parse("FROM a AS one\nFROM b AS two\n"), {}, ARM, AMD64, "one")
    assert [one.root for one in found] == ["a"]
