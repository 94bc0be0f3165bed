# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Generated build contexts, and generated .dockerignore files that have something to say about them."""

from __future__ import annotations

import os
import random
from dataclasses import dataclass
from pathlib import Path

# What is special to a pattern, a shell, a comment or an encoding; few enough that patterns and names often meet.
NAMES = [
    b"a", b"b", b"ab", b"a.b", b".a", b"A", b"a b", b" a", b"!a", b"#a", b"[a]", b"a]", b"a*", b"a?", b"a^b", b"a-b", b"a+b",
    b"a(b", b"a{b}", b"a|b", b"a$", b"a\\b", b"aab", b"a1", b"..a", "é".encode(), "aé".encode(), "e\u0301".encode(),
    "\u2003".encode(), "\ufeffa".encode(),
]  # fmt: skip
# Without set-user-ID, which engines before 23 lose where the client transfers a file by itself.
MODES = [0o644, 0o644, 0o600, 0o755, 0o711]
DIRECTORY_MODES = [0o755, 0o755, 0o700, 0o1777, 0o2755]
WILD = [
    b"*",
    b"?",
    b"**",
    b"*.*",
    b"[ab]",
    b"[^a]",
    b"[!a]",
    b"[a-c]*",
    b"?*",
    b"a*",
    b"*b",
    b"***",
    b"**a",
    b"a**",
    b"[\\]a]*",
]
CLASSES = [b"[%s]", b"[%sx]", b"[^x%s]", b"[%s-z]", b"[\\%s]"]
# Also what a pattern should not be, but is, and bytes that are not UTF-8.
ODD = [
    b".", b"/", b"..", b"//a", b"!!a", b"! a", b"**/", b"/**", b"**/**", b"a/../b", b"./a", b"../a", b"!./a", b"!/a/", b"! /a ",
    b"\\#a", b"\\!a", b"\\a*", b"\\*", b"a\\?", b"[*]", b"[?]", b"[a*]", b"a|b*", b"a{1,2}*", b"a{,2}*", b"a^b*", b"a$*", b"a.?",
    b"\\d?", b"?\\w*", b"*\\s*", b"\xe9", b"\xe9*", b"*\xe9", b"a\xe9*", b"\xef\xbb\xbfa*", b"\xef\xbb\xbfa", b"a\tb", b"\ta",
    b"\xc2\xa0a\xc2\xa0", b"\xe2\x80\x83", b"\xe2\x80\x83*", b"a/", b"a//b", b"*/", b"!*/*", b"!**", b"!*", b"*", b"**",
]  # fmt: skip
INVALID = [
    b"[", b"a[", b"[]", b"[]a]", b"[a-]", b"[-a]", b"[b-a]", b"[^]", b"*[", b"\\", b"a/\\", b"!", b"! ", b"!/", b"a\x01", b"*a*[",
    b"[a", b"!a[", b"**/[",
]  # fmt: skip
COMMENTS = [b"# a", b"#a", b"#", b" #a", b"\t#a*", b"", b"", b"   "]


@dataclass(frozen=True)
class Tree:
    """A context on disk, and the paths in it."""

    directory: Path
    paths: tuple[bytes, ...]

    def listing(self) -> str:
        return "\n".join(_shown(path) for path in sorted(self.paths))


def make_tree(rng: random.Random, directory: Path) -> Tree:
    """Files whose content is their path, links to something and to nothing, directories with and without something in them."""
    directory.mkdir(parents=True)
    directories, paths = [b""], []
    for _number in range(rng.randint(25, 40)):
        above = rng.choice(directories)
        path = above + b"/" * bool(above) + rng.choice(NAMES)
        full = os.path.join(os.fsencode(directory), path)
        if os.path.lexists(full):
            continue
        paths.append(path)
        kind = rng.choice(["directory", "directory", "file", "file", "file", "link"])
        if kind == "directory":
            os.mkdir(full)
            os.chmod(full, rng.choice(DIRECTORY_MODES))
            if path.count(b"/") < 4:
                directories.append(path)
        elif kind == "file":
            with open(full, "wb") as file:
                file.write(path)
            os.chmod(full, rng.choice(MODES))
        else:
            os.symlink(rng.choice([rng.choice(paths), b"nowhere", b".", b"/a"]), full)
    # It counts only for a Dockerfile that has none of its own.
    (directory / ".dockerignore").write_bytes(make_patterns(rng, tuple(paths)))
    return Tree(directory, (*paths, b".dockerignore"))


def make_patterns(rng: random.Random, paths: tuple[bytes, ...]) -> bytes:
    """The bytes of a .dockerignore; one of twenty has a pattern known to be invalid."""
    lines = [_line(rng, paths) for _number in range(rng.randint(1, 6))]
    if rng.random() < 0.05:
        lines.insert(rng.randint(0, len(lines)), rng.choice(INVALID))
    end = rng.choice([b"\n", b"\n", b"\n", b"\r\n"])
    mark = b"\xef\xbb\xbf" if rng.random() < 0.1 else b""
    return mark + end.join(lines) + rng.choice([end, b""])


def _line(rng: random.Random, paths: tuple[bytes, ...]) -> bytes:
    chance = rng.random()
    if chance < 0.08:
        return rng.choice(COMMENTS)
    if chance < 0.25:
        return rng.choice([b"", b"", b"!"]) + rng.choice(ODD)
    # Most are about a path that there is, or one above it, with some of it made wild.
    parts = rng.choice(paths).split(b"/")
    parts = [_part(rng, part) for part in parts[: rng.randint(1, len(parts))]]
    before = rng.choice([b"", b"", b"", b"", b"/", b"./", b"**/", b"//", b"*/", b"x/../"])
    behind = rng.choice([b"", b"", b"", b"", b"/", b"/**", b"/*", b"/.", b"*", b"/**/a"])
    mark = rng.choice([b"", b"", b"!"])
    left, right = rng.choice([b"", b"", b"", b" ", b"\t"]), rng.choice([b"", b"", b"", b" ", b"\t"])
    return left + mark + before + b"/".join(parts) + behind + right


def _part(rng: random.Random, name: bytes) -> bytes:
    chance = rng.random()
    if chance < 0.5:
        return name
    if chance < 0.75:
        return rng.choice(WILD)
    at = rng.randrange(len(name))
    char = name[at : at + 1]
    if not char.isalnum():
        return name[:at] + b"\\" + name[at:]
    return name[:at] + rng.choice(CLASSES) % char + name[at + 1 :]


def _shown(path: bytes) -> str:
    return ascii(os.fsdecode(path))
