# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The examples of a document, each with what kind it is; pure.

Documents are Markdown (its indented blocks), reStructuredText (its ``code-block`` directives), and the documentation of
modules and filters (the tasks of their EXAMPLES).
"""

from __future__ import annotations

import ast
import enum
import re
import textwrap
from dataclasses import dataclass
from typing import Any

import yaml


class Kind(enum.Enum):
    PLAYBOOK = "a playbook"
    TASK = "a task"
    VARIABLES = "a file of variables"
    SETTINGS = "an inventory or ansible.cfg"
    COMMAND = "a command"
    DOCKERFILE = "a Dockerfile"
    SHOWN = "what something prints: nothing to be executed"
    OTHER = "something else"


@dataclass(frozen=True)
class Example:
    """One block of a document, one command of a block of commands, or one task of EXAMPLES.

    ``title`` is what it is known by: the name of its first task or role, or else its first line. ``file`` is where the text
    before it says that it is, or what that directive's caption says; empty where nothing is said.
    """

    document: str
    line: int
    kind: Kind
    title: str
    text: str
    file: str = ""

    @property
    def place(self) -> str:
        return f"{self.document}:{self.line}"

    @property
    def takes_away(self) -> bool:
        """Whether others cannot run after it."""
        return bool(re.search(r"\bteardown\b|state: absent", self.text))

    def data(self) -> Any:
        return yaml.safe_load(self.text)


# A command is known by its program.
COMMAND = re.compile(r"(?:ansible(?:-\w+)?|cd|docker|git|make|pip3?|podman|python3?|skopeo|sudo) ")
DIRECTIVE = re.compile(r"^( *)\.\. code-block:: *(\S*)\n((?:\1 +:.*\n)*)((?:\1 +.*\n|[ \t]*\n)+)", re.MULTILINE)
FILE = re.compile(r"``?([\w./-]+\.(?:yml|yaml|ini|cfg))``?")


def examples(document: str, text: str) -> list[Example]:
    """``document`` is the path, by whose suffix it is read."""
    suffix = document.rpartition(".")[2]
    return {"md": _markdown, "rst": _restructured, "py": _module, "yml": _sidecar}[suffix](document, text)


def _markdown(document: str, text: str) -> list[Example]:
    found = []
    before = 0
    for match in re.finditer(r"(?m)(?<=\n\n)(?: {4}.*\n(?:[ \t]*\n(?= {4}))*)+", text):
        line = text.count("\n", 0, match.start()) + 1
        prose = text[before : match.start()]
        before = match.end()
        found += _block(document, line, textwrap.dedent(match.group()).strip("\n"), prose)
    return found


def _restructured(document: str, text: str) -> list[Example]:
    found = []
    before = 0
    for match in DIRECTIVE.finditer(text):
        _indent, language, options, content = match.groups()
        line = text.count("\n", 0, match.start(4)) + 1 + len(content) - len(content.lstrip("\n"))
        caption = re.search(r":caption: *(\S+)", options)
        prose = f"``{caption.group(1)}``" if caption else text[before : match.start()]
        before = match.end()
        found += _block(document, line, textwrap.dedent(content).strip("\n"), prose, language)
    return found


def _block(document: str, line: int, text: str, prose: str, language: str = "") -> list[Example]:
    """``prose`` is what stands between the example before and this one."""
    kind = _kind(text, language)
    # Of the last paragraph only: one before it speaks of something else.
    named = FILE.findall(prose.strip().rpartition("\n\n")[2])
    file = named[-1] if named else ""
    if kind is not Kind.COMMAND:
        return [Example(document, line, kind, _title(kind, text), text, file)]
    commands = []
    for match in re.finditer(r"(?m)^(?:.*\\\n)*.*$", text):
        # What begins with no prompt, where others do, is what the command before printed.
        command = match.group().removeprefix("$ ")
        if command.strip() and (language != "console" or match.group().startswith("$ ")):
            number = line + text.count("\n", 0, match.start())
            title = re.sub(r"\s+# .*", "", command)
            commands.append(Example(document, number, kind, title, title))
    return commands


def _title(kind: Kind, text: str) -> str:
    if kind in (Kind.PLAYBOOK, Kind.TASK):
        [first, *_more] = yaml.safe_load(text)
        [part, *_more] = first.get("tasks") or first.get("roles") or [first]
        named = part if isinstance(part, str) else part.get("name") or part.get("role")
        if named:
            return str(named)
    return text.partition("\n")[0]


def _kind(text: str, language: str) -> Kind:
    known = {"ini": Kind.SETTINGS, "console": Kind.COMMAND, "dockerfile": Kind.DOCKERFILE, "text": Kind.SHOWN}
    if language in known:
        return known[language]
    first = text.partition("\n")[0]
    if not language and re.fullmatch(r"\[\w+\]", first):
        return Kind.SETTINGS
    if not language and all(COMMAND.match(line) for line in text.splitlines()):
        return Kind.COMMAND
    if not language and first.startswith("FROM "):
        return Kind.DOCKERFILE
    try:
        data = yaml.safe_load(text)
    except yaml.YAMLError:
        return Kind.OTHER
    if isinstance(data, list) and all(isinstance(item, dict) for item in data):
        return Kind.PLAYBOOK if any({"hosts", "import_playbook"} & item.keys() for item in data) else Kind.TASK
    return Kind.VARIABLES if isinstance(data, dict) else Kind.OTHER


def _module(document: str, text: str) -> list[Example]:
    for node in ast.parse(text).body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "EXAMPLES":
            # The text begins on the line of the quotes.
            return _tasks(document, node.lineno, ast.literal_eval(node.value))
    return []


def _sidecar(document: str, text: str) -> list[Example]:
    line = text[: text.index("EXAMPLES:")].count("\n") + 2
    return _tasks(document, line, yaml.safe_load(text)["EXAMPLES"])


def _tasks(document: str, line: int, text: str) -> list[Example]:
    found = []
    for match in re.finditer(r"(?m)^- (?:.*\n)(?:(?!- ).*\n?)*", text):
        [task] = yaml.safe_load(match.group())
        number = line + text.count("\n", 0, match.start())
        found.append(Example(document, number, Kind.TASK, task["name"], match.group().strip("\n") + "\n"))
    return found
