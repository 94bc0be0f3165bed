# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the documents name is there, and what is there is named."""

from __future__ import annotations

import ast
import functools
import re
import textwrap
from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.trusted.crossbuild.plugins.module_utils._reason import REMEDIES, Reason

ROOT = Path(__file__).resolve().parents[2]
README = ROOT / "README.md"
ARCHITECTURE = ROOT / "docs/architecture.md"
CONTRIBUTING = ROOT / "CONTRIBUTING.md"
ROLE_DIRECTORIES = sorted(path.parent for path in ROOT.glob("roles/*/meta"))
PAGES = [README, ARCHITECTURE, CONTRIBUTING, *(directory / "README.md" for directory in ROLE_DIRECTORIES)]
# Their links are checked by Sphinx (make docs). What is code is indented by four there, too, so that one reading does for both.
GUIDES = sorted(ROOT.glob("docs/docsite/rst/*.rst"))
DOCUMENTS = [*PAGES, *GUIDES]

MODULES = {path.stem for path in ROOT.glob("plugins/modules/*.py")}
ROLES = {directory.name for directory in ROLE_DIRECTORIES}
PLAYBOOKS = {path.stem for path in ROOT.glob("playbooks/*.yml")}
MODULE_UTILS = {path.name for path in ROOT.glob("plugins/module_utils/*.py")}
SOURCE = "\n".join(path.read_text() for path in sorted(ROOT.glob("plugins/**/*.py")))
MAKEFILE = (ROOT / "Makefile").read_text().replace("\\\n", "")

# Files that the documents name and that are the reader's own, or another project's.
ELSEWHERE = {"farm.ini", "group_vars/build_hosts.yml", "scripts/qemu-binfmt-conf.sh"}
FILE = re.compile(r"(?<![\w/~.-])[\w.-]+(?:/[\w.-]+)*\.(?:ini|json|md|py|rst|sh|toml|ya?ml)\b")
DIRECTORIES = ("bench", "plugins", "roles", "playbooks", "tests", "molecule", "meta", "docs", "changelogs")
PATH = re.compile(rf"(?<![\w/~.-])(?:{'|'.join(DIRECTORIES)})/[\w./-]*")

each_document = pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
each_page = pytest.mark.parametrize("document", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
each_guide = pytest.mark.parametrize("guide", GUIDES, ids=lambda path: path.stem)
each_role = pytest.mark.parametrize("role", ROLE_DIRECTORIES, ids=lambda path: path.name)


def code(document: Path) -> str:
    """What is set as code: the indented blocks, and what is between backticks in a line."""
    # A collection installed elsewhere has the same files below its own directory.
    text = document.read_text().replace("…", "").replace("~/.ansible/collections/", "")
    text = text.replace("ansible_collections/trusted/crossbuild/", "")
    blocks = re.findall(r"(?m)^ {4}.*", text)
    return "\n".join(blocks + re.findall(r"`([^`\n]+)`", text))


def playbooks_in(document: Path) -> list[dict[str, Any]]:
    """The plays of the indented blocks that are playbooks."""
    blocks = re.findall(r"(?m)^ {4}- hosts:.*\n(?:(?: {4}.*)?\n)*", document.read_text())
    return [play for block in blocks for play in yaml.safe_load(block)]


def captions(document: Path) -> set[str]:
    """The files of the reader's own that the examples of a guide are in."""
    return set(re.findall(r"(?m)^ +:caption: (\S+)$", document.read_text()))


def yaml_in(guide: Path) -> list[Any]:
    """What the YAML examples of a guide hold."""
    pattern = r"(?m)^( *)\.\. code-block:: yaml\n(?:\1 +:.*\n)*\n((?:\1 {4}.*\n|\n)+)"
    return [yaml.safe_load(textwrap.dedent(text)) for _indent, text in re.findall(pattern, guide.read_text())]


@functools.cache  # as reading YAML takes its time, and each document is compared with all modules
def documentation(module: str) -> dict[str, Any]:
    """A module's options, those of its fragments included."""
    options: dict[str, Any] = {}
    content = _constants(ROOT / f"plugins/modules/{module}.py")["DOCUMENTATION"]
    for fragment in content["extends_documentation_fragment"]:
        name, _dot, part = fragment.removeprefix("trusted.crossbuild.").partition(".")
        fragments = _constants(ROOT / f"plugins/doc_fragments/{name}.py")
        options.update(fragments[(part or "documentation").upper()]["options"])
    return {**options, **content["options"]}


def _constants(path: Path) -> dict[str, Any]:
    assignments = [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Assign)]
    return {
        node.targets[0].id: yaml.safe_load(node.value.value)
        for node in assignments
        if isinstance(node.targets[0], ast.Name)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
    }


def variables(role: Path) -> dict[str, Any]:
    """What the argument specs of all entry points of a role declare."""
    specs = yaml.safe_load((role / "meta/argument_specs.yml").read_text())["argument_specs"]
    return {name: option for spec in specs.values() for name, option in spec.get("options", {}).items()}


def registered(role: Path) -> set[str]:
    """The names under which a role leaves what its modules returned."""
    return set(re.findall(r"(?m)^  register: (\w+)$", "\n".join(path.read_text() for path in role.glob("tasks/*.yml"))))


ROLE_VARIABLES = {name for directory in ROLE_DIRECTORIES for name in {*variables(directory), *registered(directory)}}
PLAYBOOK_SOURCE = "\n".join(
    path.read_text() for path in [*ROOT.glob("playbooks/**/*.yml"), *ROOT.glob("roles/*/defaults/*.yml")]
)
PLAYBOOK_VARIABLES = set(re.findall(r"\bcrossbuild_\w+", PLAYBOOK_SOURCE))


@each_document
def test_files_exist(document: Path) -> None:
    below = [path for name in DIRECTORIES for path in (ROOT / name).rglob("*")]
    there = {f"/{path.relative_to(ROOT)}" for path in [*ROOT.glob("*"), *below]}
    text = code(document)
    named = {name.rstrip("/") for name in FILE.findall(text) + PATH.findall(text)} - ELSEWHERE - captions(document)
    # A file may be named without the directory it is in.
    assert {name for name in named if not any(path.endswith("/" + name) for path in there)} == set()


@each_page
def test_links_lead_somewhere(document: Path) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", document.read_text()):
        path, _hash, anchor = target.partition("#")
        if target.startswith("https://"):
            continue
        linked = document.parent / path if path else document
        assert linked.exists(), target
        headings = re.findall(r"(?m)^#+ (.*)", linked.read_text()) if anchor else []
        anchors = [re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings]
        assert not anchor or anchor in anchors, target


@each_document
def test_modules_roles_and_playbooks_exist(document: Path) -> None:
    # What begins with a slash is a directory, and with a dot a label of a guide.
    names = set(re.findall(r"(?<![/.])trusted\.crossbuild\.(\w+)", document.read_text()))
    # The labels of an image are called like this, too.
    labels = {name for name in names if f'"trusted.crossbuild.{name}' in SOURCE}
    assert names - labels - MODULES - ROLES - PLAYBOOKS == set()


@each_document
def test_two_part_names_exist(document: Path) -> None:
    names = set(re.findall(r"(?<![\w./])crossbuild\.(\w+)", document.read_text()))
    assert {name for name in names if not (ROOT / f"playbooks/action_plugins/crossbuild.{name}.py").exists()} == set()


def test_the_readme_names_every_module_role_and_playbook() -> None:
    text = README.read_text()
    assert {name for name in MODULES | ROLES | PLAYBOOKS if f"`trusted.crossbuild.{name}`" not in text} == set()


@each_document
def test_options_exist(document: Path) -> None:
    for play in playbooks_in(document):
        for task in play.get("tasks", []):
            for name in [name for name in task if "crossbuild." in name]:
                assert unknown(task[name], documentation(name.rpartition(".")[2])) == [], name
        for role in play.get("roles", []):
            name = role if isinstance(role, str) else role["role"]
            given = {} if isinstance(role, str) else role.get("vars", {})
            assert set(given) <= set(variables(ROOT / "roles" / name.rpartition(".")[2])), name
    for module, arguments in re.findall(r"-m trusted\.crossbuild\.(\w+)(?: -a (\S+))?", document.read_text()):
        assert {text.partition("=")[0] for text in arguments.split()} <= set(documentation(module)), module


def unknown(given: Any, options: dict[str, Any]) -> list[str]:
    """The names of what is given for options that there are not, suboptions included."""
    found = []
    for name, value in (given or {}).items():
        if name not in options:
            found.append(name)
        for item in value if isinstance(value, list) else [value]:
            suboptions = options.get(name, {}).get("suboptions")
            found += unknown(item, suboptions) if suboptions and isinstance(item, dict) else []
    return found


@each_guide
def test_yaml_of_guides_is_plays_or_variables_that_exist(guide: Path) -> None:
    """What can be executed as it is written."""
    images = variables(ROOT / "roles/image_farm")["image_farm_images"]["options"]
    contents = yaml_in(guide)
    assert len(contents) == guide.read_text().count(":: yaml")
    for content in contents:
        if isinstance(content, list):
            assert all("hosts" in play for play in content)
            continue
        assert set(content) - ROLE_VARIABLES - PLAYBOOK_VARIABLES == set()
        assert {name for image in content.get("crossbuild_images", []) for name in image} <= set(images)


@each_document
def test_role_variables_exist(document: Path) -> None:
    names = set(re.findall(rf"(?<![\w.])(?:{'|'.join([*ROLES, 'crossbuild'])})_\w+", code(document)))
    assert names - ROLE_VARIABLES - PLAYBOOK_VARIABLES == set()


@each_document
def test_words_of_the_code_exist(document: Path) -> None:
    """Options in prose (`state: absent`), and functions, classes and constants (`_build.run`) of the modules."""
    quoted = re.findall(r"`([^`\n]+)`", document.read_text())
    options = {text.partition(":")[0] for text in quoted if re.fullmatch(r"[a-z_]+: \w+", text)}
    known = {option for module in MODULES for option in documentation(module)}
    known |= ROLE_VARIABLES | PLAYBOOK_VARIABLES | {"tasks_from"}
    assert options - known == set()
    dotted = {tuple(text.split(".")) for text in quoted if re.fullmatch(r"_\w+\.(?!py\b)\w+", text)}
    for module, name in dotted:
        assert re.search(rf"(?m)^(?:def |class )?{name}\b", (ROOT / f"plugins/module_utils/{module}.py").read_text())
    constants = {text for text in quoted if re.fullmatch(r"[A-Z][A-Z_]+[A-Z]|[A-Z][a-z]+[A-Z]\w+", text)}
    assert {name for name in constants if not re.search(rf"\b{name}\b", SOURCE)} == set()


@each_document
def test_make_targets_exist(document: Path) -> None:
    rules = re.findall(r"(?m)^([a-z][a-z -]*):(?!=)", MAKEFILE)
    targets = {name for rule in rules for name in rule.split()} | set(listed("CHECKS")) | set(listed("LINTERS"))
    lines = re.findall(r"(?m)(?:^|`)\s*(?:\$ )?make ([^`#\n]*)", document.read_text())
    words = {word for line in lines for word in re.sub(r"'[^']*'", "", line).split()}
    settings = {word.partition("=")[0] for word in words if "=" in word}
    assert {word for word in words if "=" not in word} - targets == set()
    assert settings - set(re.findall(r"(?m)^(\w+) \?=", MAKEFILE)) == set()


def listed(variable: str) -> list[str]:
    found = re.search(rf"(?m)^{variable} := (.*)", MAKEFILE)
    assert found
    return found.group(1).split()


def test_every_make_target_is_documented() -> None:
    text = README.read_text() + ARCHITECTURE.read_text()
    targets = {"site", "verify", "teardown", "test", "test-fast", "clean", "lint", *listed("CHECKS"), "integration"}
    assert {name for name in targets if f"`make {name}`" not in text} == set()


def test_the_architecture_names_every_file_of_module_utils_once() -> None:
    text = ARCHITECTURE.read_text()
    rows = re.findall(r"(?m)^\| `(_\w+\.py)` \|", text)
    assert sorted(rows) == sorted(MODULE_UTILS)
    assert set(re.findall(r"\b_\w+\.py\b", text)) <= MODULE_UTILS
    stems = set(re.findall(r"`(_\w+)`", text))
    assert {stem for stem in stems if f"{stem}.py" not in MODULE_UTILS and stem not in SOURCE} == set()


def test_exec_format_error_is_explained_for_every_reason() -> None:
    """A section for each, which has the remedy in the very words that a host would say."""
    text = (ROOT / "docs/docsite/rst/guide_exec_format_error.rst").read_text()
    parts = re.split(r"(?m)^``(\w+)``\n-+\n", text)
    sections = dict(zip(parts[1::2], parts[2::2], strict=True))
    assert sorted(sections) == sorted(reason.value for reason in Reason)
    for reason in Reason:
        assert REMEDIES[reason] in " ".join(sections[reason.value].split())


def test_the_readme_shows_the_end_of_site() -> None:
    printed = yaml.safe_load((ROOT / "playbooks/tasks/first_image.yml").read_text())[-1]
    table = yaml.safe_load((ROOT / "roles/fleet_report/tasks/main.yml").read_text())[1]
    shown = README.read_text()
    message = printed["ansible.builtin.debug"]["msg"]
    pattern = ".+".join(re.escape(part) for part in re.split(r"\{\{.*?\}\}", message))
    assert re.search(rf'(?m)^ +"msg": "{pattern}"$', shown), message
    assert f"TASK [{printed['name']}]" in shown
    assert f"TASK [trusted.crossbuild.fleet_report : {table['name']}]" in shown


def test_the_readme_names_the_version_that_is_built() -> None:
    version = yaml.safe_load((ROOT / "galaxy.yml").read_text())["version"]
    assert set(re.findall(r"trusted-crossbuild-([\d.]+)\.tar\.gz", README.read_text())) == {version}


@each_role
def test_defaults_and_argument_specs_agree(role: Path) -> None:
    defaults = yaml.safe_load((role / "defaults/main.yml").read_text())
    options = variables(role)
    assert set(defaults) == set(options)
    # One that is made of other variables cannot be said in the specs.
    plain = {name: value for name, value in defaults.items() if "{{" not in str(value)}
    assert plain == {name: options[name].get("default") for name in plain}
