# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Execute every example of the documents, as it is written, on the hosts that it names.

Runs in the hosts' surroundings only. See README.md beside this file.
"""

from __future__ import annotations

import argparse
import configparser
import itertools
import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import yaml
from extract import Example, Kind, examples

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
README = "README.md"
# In the order in which they are run. That of the modules is such that the emulators are exchanged last.
DOCUMENTS = (
    README,
    "roles/*/README.md",
    "plugins/modules/*.py",
    "plugins/filter/*.yml",
    "docs/docsite/rst/*.rst",
)
FARM = Path("/srv/farm")  # the reader's own directory, on the machine that is the laboratory
# What the reader has in it once README.md is read, but for what its commands made.
KEPT = ("ansible.cfg", "farm.ini", "files", "group_vars")
AFTER_README = Path("/srv/farm_after_readme")
INVENTORY = "farm.ini"
VARIABLES = "group_vars/build_hosts.yml"  # where the reader says what no text says where
HOST = "build1.example.com"  # where tasks are run that say nothing about hosts
SITE, BUILD = (f"ansible-playbook trusted.crossbuild.{name} -i {INVENTORY}" for name in ("site", "build"))
STEP_SECONDS = 600


class Failed(Exception):
    """An example did not do what it says; the message has what was printed."""


@dataclass(frozen=True)
class Step:
    """Examples that are run at once: one of them, or the tasks of a document one after the other."""

    examples: tuple[Example, ...]
    # What comes next in the document.
    follows: Example | None = None

    def followed_by_command(self, words: str) -> bool:
        return self.follows is not None and self.follows.kind is Kind.COMMAND and words in self.follows.text


def main() -> int:
    parser = argparse.ArgumentParser(prog="run", description=(__doc__ or "").splitlines()[0])
    parser.add_argument(
        "only", nargs="*", metavar="DOCUMENT", help="run only the examples of these, and those of README.md"
    )
    options = parser.parse_args()
    start = time.monotonic()
    excused = excuses()
    every = [one for one in collected() if one.kind is not Kind.SHOWN]
    problems = unknown(every, excused)
    if problems:
        sys.exit("\n".join(f"examples: {problem}" for problem in problems))
    if options.only:
        every = [one for one in every if one.document in {README, *options.only}]
    wanted = [one for one in every if (one.document, one.title) not in excused]
    checked = [one for one in every if (one.document, one.title) in excused]

    failures = []
    announce("what the examples name", lambda: playbook(HERE / "surroundings/surroundings.yml"))
    begun = [README]
    for step in steps(wanted):
        if step.examples[0].document != begun[-1]:
            begin(after=begun[-1])
            if step.examples[0].document not in begun:
                prepare(step.examples[0].document)
            begun.append(step.examples[0].document)
        place = f"{step.examples[0].place} {step.examples[0].title}"
        more = f" and {len(step.examples) - 1} more" if len(step.examples) > 1 else ""
        try:
            announce(f"{place}{more}", partial(run, step))
        except Failed as exc:
            print(f"examples: FAILED {place}\n{exc}", flush=True)
            failures.append(place)
    failures += [f"{one.place} {one.title}: {words}" for one in checked for words in wrong_options(one)]

    for one in checked:
        print(f"not executed: {one.place} {one.title}: {excused[one.document, one.title]}")
    for failure in failures:
        print(f"FAILED: {failure}")
    seconds = time.monotonic() - start
    print(f"examples: {len(wanted)} executed, {len(checked)} not, {len(failures)} failed, after {seconds:.0f} s")
    return 1 if failures else 0


def collected() -> list[Example]:
    paths = [path for pattern in DOCUMENTS for path in sorted(ROOT.glob(pattern))]
    return [one for path in paths for one in examples(str(path.relative_to(ROOT)), path.read_text())]


def excuses() -> dict[tuple[str, str], str]:
    """Why an example is not executed, by its document and title."""
    table = yaml.safe_load((HERE / "not_executed.yml").read_text())
    return {(document, title): reason for document, rows in table.items() for title, reason in rows.items()}


def unknown(every: Iterable[Example], excused: Iterable[tuple[str, str]]) -> list[str]:
    """Examples that nothing here knows how to run, and excuses for examples that are not there any more."""
    every = list(every)
    named = [(one.document, one.title) for one in every]
    lost = [
        f"not_executed.yml names {title!r} of {document}, which is there {named.count((document, title))} times"
        for document, title in excused
        if named.count((document, title)) != 1
    ]
    lacking = [
        f"{one.place}: how is this run? {one.title}"
        for one in every
        if one.kind not in RULES and (one.document, one.title) not in set(excused)
    ]
    return lost + lacking


def steps(wanted: list[Example]) -> Iterator[Step]:
    """In the order of the documents, and last of all those that take something away."""
    staying = [one for one in wanted if not one.takes_away]
    leaving = [one for one in wanted if one.takes_away]
    # The playbook last: it takes away what the single modules would.
    for part in (staying, sorted(leaving, key=lambda one: one.kind is Kind.COMMAND)):
        for (_document, kind), group in itertools.groupby(part, key=lambda one: (one.document, one.kind)):
            members = list(group)
            if kind is Kind.TASK:
                yield Step(tuple(members))
                continue
            yield from (Step((one,), following(one, part)) for one in members)


def following(one: Example, part: list[Example]) -> Example | None:
    after = part[part.index(one) + 1 :][:1]
    return after[0] if after and after[0].document == one.document else None


def begin(after: str) -> None:
    """Another document: its reader has read README.md, and nothing of the others."""
    if after == README and not Path(AFTER_README).exists():
        shell(f"mkdir {AFTER_README}; cp --archive {' '.join(KEPT)} {AFTER_README}")
    shell(f"find . -mindepth 1 -delete; cp --archive {AFTER_README}/. .")


def prepare(document: str) -> None:
    """What the hosts are to be like, where a document's examples begin with other ones than those before leave."""
    play = HERE / "surroundings/before" / f"{Path(document).stem}.yml"
    if play.exists():
        shell(f"ansible-playbook -i {INVENTORY} {play}")


def run(step: Step) -> None:
    first = step.examples[0]
    RULES[first.kind](step)


def run_playbook(step: Step) -> None:
    """At once, or by the command that comes next and names it."""
    [example] = step.examples
    name = example.file if example.file.endswith(".yml") else "play.yml"
    (FARM / name).write_text(true(example.text))
    if not step.followed_by_command(name):
        shell(f"ansible-playbook -i {INVENTORY} {name}")


def run_tasks(step: Step) -> None:
    """The tasks of a document as one play: what one registers, the next one uses."""
    tasks = [task for one in step.examples for task in yaml.safe_load(true(one.text))]
    play: dict[str, Any] = {"hosts": HOST, "become": True, "gather_facts": False, "tasks": tasks}
    given = HERE / "surroundings/given" / f"{Path(step.examples[0].document).parent.name}.yml"
    if given.exists():
        play["vars_files"] = [str(given)]
    (FARM / "play.yml").write_text(yaml.safe_dump([play], sort_keys=False, width=1000))
    said = shell(f"ansible-playbook -i {INVENTORY} play.yml")
    if not re.search(r"(?m)^\S+ +: ok=(?!0 ).* skipped=0 ", said):
        raise Failed(f"a task was skipped:\n{said}")
    for one in step.examples:
        compare(one, said)


def compare(example: Example, said: str) -> None:
    """What an example says in comments after it, ``# key: value``, is what it printed."""
    comments = re.findall(r"(?m)^ *# (\w+: [\[{].*)$", example.text)
    if not comments:
        return
    shown = yaml.safe_load("\n".join(comments))
    part = said[said.index(f"TASK [{example.title}]") :]
    printed = json.loads(re.search(r"=> (\{.*?^\})", part, re.DOTALL | re.MULTILINE).group(1))["msg"]  # type: ignore[union-attr]
    if printed != shown:
        raise Failed(f"it says that it prints {shown}, and it printed {printed}")


def run_variables(step: Step) -> None:
    """Put where the text says: to what the reader has there already, but for a guide, which shows whole files."""
    [example] = step.examples
    path = FARM / (example.file or VARIABLES)
    path.parent.mkdir(parents=True, exist_ok=True)
    whole = example.document.endswith(".rst")
    if whole and path == FARM / VARIABLES:  # another way to have all hosts, without what was said for one of them
        shutil.rmtree(FARM / "host_vars", ignore_errors=True)
    added = path.exists() and not whole
    there = yaml.safe_load(path.read_text()) if added else {}
    path.write_text(yaml.safe_dump({**there, **yaml.safe_load(true(example.text))}, sort_keys=False))
    if not step.followed_by_command("ansible-playbook trusted.crossbuild."):
        shell(BUILD if re.search(r"(?m)^(?:image_farm|crossbuild_(?:farm|images))", example.text) else SITE)


def run_settings(step: Step) -> None:
    """An inventory replaces the one before; sections of ansible.cfg are added to those that are there."""
    [example] = step.examples
    path = FARM / (example.file or INVENTORY)
    if path.suffix != ".cfg":
        path.write_text(true(example.text) + "\n")
        return
    settings = configparser.RawConfigParser()
    settings.read(path)
    settings.read_string(example.text)
    with path.open("w") as file:
        settings.write(file)
    if not step.followed_by_command("ansible"):
        shell(f"ansible build_hosts -i {INVENTORY} -m ansible.builtin.ping")


def run_command(step: Step) -> None:
    [example] = step.examples
    shell(true(example.text))


RULES: dict[Kind, Callable[[Step], None]] = {
    Kind.PLAYBOOK: run_playbook,
    Kind.TASK: run_tasks,
    Kind.VARIABLES: run_variables,
    Kind.SETTINGS: run_settings,
    Kind.COMMAND: run_command,
}


def true(text: str) -> str:
    """With the values of values.yml in the place of those that are made up."""
    for value, command in made_up().items():
        if value in text:
            text = text.replace(value, shell(command).strip())
    return text


def made_up() -> dict[str, str]:
    """The values that no reader should take for true, each with the command that prints the one that is."""
    values: dict[str, str] = yaml.safe_load((HERE / "values.yml").read_text())
    return values


def wrong_options(example: Example) -> list[str]:
    """Of an example that is not executed: what its tasks say that their modules do not know."""
    if example.kind not in (Kind.TASK, Kind.PLAYBOOK):
        return []
    data = example.data()
    tasks = data if example.kind is Kind.TASK else [task for play in data for task in play.get("tasks", [])]
    return [
        words
        for task in tasks
        for name, given in task.items()
        if "crossbuild." in name
        for words in _wrong(name, given or {})
    ]


def _wrong(name: str, given: dict[str, Any]) -> list[str]:
    document = json.loads(shell(f"ansible-doc --json {name}"))[name]["doc"]["options"]
    return [f"{name} has no option {option}" for option in _not_among(given, document)]


def _not_among(given: dict[str, Any], options: dict[str, Any]) -> Iterator[str]:
    for option, value in given.items():
        if option not in options:
            yield option
            continue
        for item in value if isinstance(value, list) else [value]:
            if isinstance(item, dict) and "suboptions" in options[option]:
                yield from _not_among(item, options[option]["suboptions"])


def announce(words: str, action: Callable[[], object]) -> None:
    start = time.monotonic()
    try:
        action()
    finally:
        print(f"examples: {time.monotonic() - start:5.1f} s  {words}", flush=True)


def playbook(path: Path) -> None:
    shell(f"ansible-playbook {path}", path.parent, os.environ)


def reader() -> dict[str, str]:
    """Nothing of the checkout and of the hosts' surroundings: the collection is the one that was installed."""
    hidden = ("ANSIBLE_COLLECTIONS_PATH", "ANSIBLE_COLLECTIONS_SCAN_SYS_PATH", "ANSIBLE_HOME", "ANSIBLE_INVENTORY")
    return {name: value for name, value in os.environ.items() if name not in hidden}


def shell(command: str, directory: Path = FARM, environment: Any = None) -> str:
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", command],
        cwd=directory,
        env=environment or reader(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT if "json" not in command else None,
        text=True,
        timeout=STEP_SECONDS,
        check=False,
    )
    if done.returncode != 0 or re.search(r"(?m)^\S+ +: ok=.* (?:unreachable|failed)=[1-9]", done.stdout):
        raise Failed(f"{command}: status {done.returncode}\n{done.stdout}")
    return done.stdout


if __name__ == "__main__":
    sys.exit(main())
