# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Dockerfiles built twice, as written and with the mounts, by BuildKit in the engine of DOCKER_HOST: builds.py BUSYBOX."""

from __future__ import annotations

import io
import re
import subprocess
import sys
import tarfile

from comparison import compared, unexplained  # of the target setup_engine

from ansible_collections.trusted.crossbuild.plugins.module_utils import _dockerfile, _dockerfile_mounts

MOUNT = "type=bind,from=test/marker:1,target=/dev/.crossbuild,readonly"
# What each RUN does: it says whether the mount is there, and leaves a file.
SEE = '#!/bin/sh\necho "see $1: $(cat /dev/.crossbuild/marker 2>&1)"\necho x > "/ran.$1"\n'

FORMS = r"""# escape=\
ARG BASE=test/base:1
FROM test/base:1 AS native
RUN see native
FROM ${BASE} AS parent
# syntax=docker/dockerfile:1.0
RUN see shell
  run see lower && \
  # a comment

      true ü
RUN ["see", "exec"]
RU\
N --network=none --mount=type=tmpfs,target=/t \
    --mount=type=cache,target=/c see flags
RUN --mount=type=tmpfs,target=/dev/.crossbuild see own
ONBUILD RUN see trigger
SHELL ["/bin/sh", "-e", "-c"]
RUN see words
FROM parent AS child
ENV A=b
RUN see child
FROM test/base:1
COPY --from=child /ran.child /
COPY --from=native /ran.native /
ONBUILD RUN true
CMD ["see", "cmd"]
RUN see last
"""
WINDOWS = "\ufeff# escape=`\r\nFROM test/base:1\r\nRUN `\r\n\r\n  see crlf\r\nENV A=C:\\\r\nRUN see last"
HEREDOCS = """FROM test/base:1
RUN <<EOF
see plain
RUN x || true
EOF
RUN --mount=type=tmpfs,target=/t <<-'A' cat - <<B && see both
\tRUN first
\tA
RUN none
B
RUN see after
"""
# An image without /dev. For a RUN the newer BuildKit makes it and leaves it there, unless a mount is below it.
BARE = "FROM scratch\nCOPY --from=test/base:1 /bin /bin\nRUN see bare\nRUN see again\n"
FAILING = "# one\nFROM test/base:1\nRUN true \\\n  # four\n\n  && true\n\nRUN see x && \\\n  exit 7\n"
# The RUNs that have no mount: of the stage that is to have none, one with its own, and what is there for a child.
WITHOUT = {"native", "own", "trigger"}


def docker(*words: str, given: bytes = b"", fails: bool = False) -> str:
    done = subprocess.run(["docker", *words], input=given, capture_output=True, check=False)
    said = (done.stdout + done.stderr).decode("utf-8", "replace")
    assert (done.returncode != 0) == fails, f"docker {' '.join(words)} ended with {done.returncode}:\n{said}"
    return said


def import_image(name: str, files: dict[str, tuple[int, bytes]], links: dict[str, str]) -> None:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        for path in ("dev", "proc", "sys"):
            member = tarfile.TarInfo(path)
            member.type, member.mode = tarfile.DIRTYPE, 0o755
            archive.addfile(member)
        for path, (mode, content) in files.items():
            member = tarfile.TarInfo(path)
            member.mode, member.size = mode, len(content)
            archive.addfile(member, io.BytesIO(content))
        for path, target in links.items():
            member = tarfile.TarInfo(path)
            member.type, member.linkname = tarfile.SYMTYPE, target
            archive.addfile(member)
    docker("import", "-", name, given=packed.getvalue())


def rewritten(text: str) -> str:
    parsed = _dockerfile.parse(text)
    mounts = {stage.index: MOUNT for stage in parsed.stages if stage.name != "native"}
    return _dockerfile_mounts.with_mounts(text, parsed, mounts).text


def build(text: str, name: str, fails: bool = False) -> str:
    """Returns what the build says."""
    command = [
        "buildx",
        "build",
        "--progress=plain",
        "--no-cache",
        "--provenance=false",
        "--network=none",
        "--load",
        "--tag",
        name,
        "-",
    ]
    return docker(*command, given=text.encode(), fails=fails)


def seen(said: str) -> dict[str, bool]:
    return {name: found == "here" for name, found in re.findall(r"^#\d+ [\d.]+ see (\w+): (.*)$", said, re.MULTILINE)}


def compare(text: str) -> None:
    plain, changed = build(text, "test/plain"), build(rewritten(text), "test/mounted")
    names = re.findall(r"see\W+(\w+)", text)
    ran = {name for name in names if name != "cmd"}
    assert set(seen(plain)) == set(seen(changed)) == ran, (plain, changed)
    assert not any(seen(plain).values()), plain
    assert {name for name, there in seen(changed).items() if not there} == ran & WITHOUT, changed
    found = unexplained(compared("test/plain", "test/mounted"))
    if text == BARE:
        found = [words for words in found if not re.match(r"layer \d+: /dev\b", words)]
    assert not found, "\n".join(found)
    print(f"{len(ran)} RUNs: the same")


def compare_failures(current: bool) -> None:
    """Of a command that fails only the newer BuildKit tells the line, of what it cannot read both."""
    unreadable = FAILING.replace("RUN see", "RUN --nope see")
    for text in (unreadable, rewritten(unreadable)):
        said = build(text, "test/failing", fails=True)
        assert re.search(r"parse error (on )?line 8: ", said), said
    for text in (FAILING, rewritten(FAILING)) if current else ():
        said = build(text, "test/failing", fails=True)
        assert re.findall(r"^Dockerfile:(\d+)", said, re.MULTILINE) == ["8"], said
        assert re.search(r"^ *8 \| >>> RUN.* see x && ", said, re.MULTILINE), said
    print("errors are in the user's lines")


with open(sys.argv[1], "rb") as busybox:
    program = busybox.read()
import_image(
    "test/base:1",
    {"bin/busybox": (0o755, program), "bin/see": (0o755, SEE.encode())},
    {f"bin/{name}": "busybox" for name in ("sh", "cat")},
)
import_image("test/marker:1", {"marker": (0o644, b"here\n")}, {})
version = docker("version", "--format", "{{.Server.Version}}").strip()
print("engine", version)
current = int(version.split(".")[0]) >= 23
# An older engine's frontend knows neither heredocs nor RUN --network.
for written in (FORMS, WINDOWS, BARE, HEREDOCS) if current else (FORMS.replace("--network=none ", ""), WINDOWS, BARE):
    compare(written)
compare_failures(current)
