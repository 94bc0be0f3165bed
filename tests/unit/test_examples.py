# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The examples of documents are found, and each is run or excused."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).resolve().parents[1] / "examples"))

import run
from extract import Example, Kind, examples

MARKDOWN = """\
# A title

`farm.ini`:

    [build_hosts]
    build1.example.com

Then:

    ansible-playbook site.yml    # turns them
    ansible all -m ping

What `group_vars/build_hosts.yml` says:

    builder_platforms: [armhf]

    crossbuild_canary: 1

- A list
  goes on.

Tasks, and a play:

    - name: Ping
      ansible.builtin.ping:

and

    - hosts: all

and

    FROM scratch

and what it prints:

    TASK [Ping] ****
"""

RESTRUCTURED = """\
Title
=====

In ``farm.ini``:

.. code-block:: ini

   [build_hosts]
   build1.example.com

.. code-block:: yaml
   :caption: group_vars/all.yml

   a: 1

   b: 2

Then:

.. code-block:: console

   $ ansible-playbook site.yml \\
       -i farm.ini
   ok: [build1.example.com]
   $ true

* In a list

  .. code-block:: yaml

     - hosts: all

The end.
"""

MODULE = '''\
DOCUMENTATION = "none"

EXAMPLES = r"""
- name: One
  a.b.c:
    state: absent

- name: Two
  a.b.c:
  # printed: 1
"""
'''


def found(document: str, text: str) -> list[tuple[int, Kind, str, str]]:
    return [(one.line, one.kind, one.title, one.file) for one in examples(document, text)]


def test_blocks_of_markdown() -> None:
    assert found("README.md", MARKDOWN) == [
        (5, Kind.SETTINGS, "[build_hosts]", "farm.ini"),
        (10, Kind.COMMAND, "ansible-playbook site.yml", ""),
        (11, Kind.COMMAND, "ansible all -m ping", ""),
        (15, Kind.VARIABLES, "builder_platforms: [armhf]", "group_vars/build_hosts.yml"),
        (24, Kind.TASK, "Ping", ""),
        (29, Kind.PLAYBOOK, "- hosts: all", ""),
        (33, Kind.DOCKERFILE, "FROM scratch", ""),
        (37, Kind.OTHER, "TASK [Ping] ****", ""),
    ]


def test_a_block_has_all_of_its_text() -> None:
    variables = next(one for one in examples("README.md", MARKDOWN) if one.kind is Kind.VARIABLES)
    assert variables.data() == {"builder_platforms": ["armhf"], "crossbuild_canary": 1}


def test_directives_of_restructured_text() -> None:
    assert found("guide.rst", RESTRUCTURED) == [
        (8, Kind.SETTINGS, "[build_hosts]", "farm.ini"),
        (14, Kind.VARIABLES, "a: 1", "group_vars/all.yml"),
        (22, Kind.COMMAND, "ansible-playbook site.yml \\\n    -i farm.ini", ""),
        (25, Kind.COMMAND, "true", ""),
        (31, Kind.PLAYBOOK, "- hosts: all", ""),
    ]


@pytest.mark.parametrize(
    ("play", "title"),
    [
        ("- hosts: all\n  tasks:\n    - name: Build it\n      a.b.c:\n", "Build it"),
        ("- hosts: all\n  roles:\n    - a.b.c\n", "a.b.c"),
        ("- hosts: all\n  roles:\n    - role: a.b.c\n", "a.b.c"),
        ("- name: Everywhere\n  hosts: all\n", "Everywhere"),
    ],
)
def test_a_playbook_is_known_by_what_it_does_first(play: str, title: str) -> None:
    block = "".join(f"    {line}\n" for line in play.splitlines())
    assert found("README.md", f"A play:\n\n{block}") == [(3, Kind.PLAYBOOK, title, "")]


def test_tasks_of_a_module() -> None:
    assert found("module.py", MODULE) == [(4, Kind.TASK, "One", ""), (8, Kind.TASK, "Two", "")]


def test_tasks_of_a_sidecar() -> None:
    assert found("one.yml", "---\nEXAMPLES: |\n  - name: One\n    a.b.c:\n") == [(3, Kind.TASK, "One", "")]


@pytest.mark.parametrize("text", ["just words", "- one\n- two", "a: [", "FROM: {"])
def test_what_nobody_knows_is_not_taken_for_anything(text: str) -> None:
    block = "".join(f"    {line}\n" for line in text.splitlines())
    assert found("README.md", f"Text:\n\n{block}")[0][1] is Kind.OTHER


def test_what_takes_away_comes_last() -> None:
    one, two = examples("module.py", MODULE)
    away = Example("README.md", 1, Kind.COMMAND, "teardown", "teardown")
    assert [step.examples for step in run.steps([away, one, two])] == [(two,), (one,), (away,)]


def test_a_file_is_used_by_the_command_that_comes_next() -> None:
    variables = Example("a.md", 1, Kind.VARIABLES, "a: 1", "a: 1")
    command, elsewhere = (Example(name, 2, Kind.COMMAND, "ansible", "ansible site") for name in ("a.md", "b.md"))
    play = Example("a.md", 2, Kind.PLAYBOOK, "site", "- import_playbook: site")
    for after, used in ((command, True), (elsewhere, False), (play, False)):
        step, *_more = run.steps([variables, after])
        assert step.followed_by_command("site") == used
        assert not step.followed_by_command("build")


def test_every_example_is_run_or_excused() -> None:
    assert run.unknown([one for one in run.collected() if one.kind is not Kind.SHOWN], run.excuses()) == []


def test_one_that_nothing_knows_is_told() -> None:
    odd = Example("a.md", 7, Kind.OTHER, "odd", "odd")
    assert run.unknown([odd], {}) == ["a.md:7: how is this run? odd"]
    assert run.unknown([odd], {("a.md", "odd"): "a reason"}) == []
    assert run.unknown([], {("a.md", "odd"): "a reason"}) == [
        "not_executed.yml names 'odd' of a.md, which is there 0 times"
    ]


def test_every_value_that_is_made_up_occurs() -> None:
    text = "\n".join(one.text for one in run.collected())
    assert [value for value in run.made_up() if value not in text] == []
