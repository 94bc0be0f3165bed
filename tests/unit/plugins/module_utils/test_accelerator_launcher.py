# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The launcher, compiled and run: two programs of this machine stand for the native and the foreign one."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from ansible_collections.trusted.crossbuild.plugins.module_utils._accelerator_tree import compile_launcher

SOURCE = Path(__file__).resolve().parents[4] / "roles/accelerator/files/launcher.c"
# Says which one it is, and by which name and arguments it was called, and LD_LIBRARY_PATH.
PROGRAM = r"""
#include <stdio.h>
#include <stdlib.h>
int main(int count, char **words) {
    printf("%s", WHO);
    for (int i = 0; i < count; i++) printf("|%s", words[i]);
    char *path = getenv("LD_LIBRARY_PATH");
    printf("%s%s\n", path ? "|" : "", path ? path : "");
    return 7;
}
"""
ID, OTHER = "0123456789abcdef", "00ff"


class Accelerator:
    """A tree as in a container, with one tool."""

    def __init__(self, directory: Path) -> None:
        self.prefix = directory / "accelerator"
        self.foreign = directory / "usr/bin/tool"
        self.plugin = directory / "usr/lib/plugin.so"
        for path in (self.foreign, self.plugin):
            path.parent.mkdir(parents=True)
        libraries = self.prefix / "root/lib"
        libraries.mkdir(parents=True)
        source = directory / "tool.c"
        source.write_text(PROGRAM)
        native = self._inside("root", self.foreign)
        for target, who, identity in ((self.foreign, "foreign", ID), (native, "native", OTHER)):
            subprocess.run(["gcc", f'-DWHO="{who}"', f"-Wl,--build-id=0x{identity}", "-o", target, source], check=True)
        loader = "ld-linux-x86-64.so.2"
        shutil.copy(f"/lib64/{loader}", libraries / loader)
        listing = subprocess.run(["ldd", native], check=True, capture_output=True, text=True).stdout
        library = next(line.split()[2] for line in listing.splitlines() if "libc.so.6" in line)
        shutil.copy(library, libraries)
        launcher = self.prefix / "launcher"
        compile_launcher(SOURCE.read_text(), str(launcher), str(self.prefix))
        self.emul = self._inside("emul", self.foreign)
        self.emul.symlink_to(launcher)
        self.gate(ID)

    def _inside(self, part: str, path: Path) -> Path:
        inside = self.prefix / part / path.relative_to("/")
        inside.parent.mkdir(parents=True, exist_ok=True)
        return inside

    def gate(self, *lines: str, of: Path | None = None) -> None:
        self._inside("gate", of or self.foreign).write_text("".join(f"{line}\n" for line in lines))

    def run(self, *arguments: str, **variables: str) -> str:
        done = subprocess.run(
            ["called", *arguments], executable=self.emul, env=variables, capture_output=True, text=True, check=False
        )
        assert (done.returncode, done.stderr) == (7, "")
        return done.stdout.rstrip("\n")


@pytest.fixture(scope="module")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> Accelerator:
    return Accelerator(tmp_path_factory.mktemp("launcher"))


@pytest.fixture
def accelerator(compiled: Accelerator) -> Accelerator:
    compiled.gate(ID)
    return compiled


def test_the_native_program_gets_name_arguments_and_environment(accelerator: Accelerator) -> None:
    assert accelerator.run("a b", "", "-x") == "native|called|a b||-x"
    assert accelerator.run(LD_LIBRARY_PATH="/nowhere") == "native|called|/nowhere"


def test_libraries_of_the_container_are_not_loaded(accelerator: Accelerator, tmp_path: Path) -> None:
    (tmp_path / "libc.so.6").write_text("broken")
    assert accelerator.run(LD_LIBRARY_PATH=str(tmp_path)).startswith("native|")


@pytest.mark.parametrize("lines", [(OTHER,), (), ("",), (ID[:-2],), (ID + "00",), ("$X",)])
def test_another_program_is_not_replaced(accelerator: Accelerator, lines: tuple[str, ...]) -> None:
    accelerator.gate(*lines)
    assert accelerator.run("a", "b") == "foreign|\1called|a|b"


def test_one_build_id_of_several_lets_it_in(accelerator: Accelerator) -> None:
    accelerator.gate(OTHER, ID)
    assert accelerator.run().startswith("native|")


def test_a_gate_that_is_not_there_or_too_long_lets_nothing_in(accelerator: Accelerator) -> None:
    accelerator.gate(ID, *(f"-x{number}" for number in range(1000)))
    assert accelerator.run().startswith("foreign|")
    accelerator._inside("gate", accelerator.foreign).unlink()
    assert accelerator.run().startswith("foreign|")


@pytest.mark.parametrize(
    ("pattern", "argument", "declines"),
    [
        ("-v", "-v", True),
        ("-v", "-vx", False),
        ("-v", "-", False),
        ("-print-*", "-print-search-dirs", True),
        ("-print-*", "-print", False),
        ("@*", "@", True),
        ("-m*=native", "-march=native", True),
        ("-m*=native", "-march=native2", False),
        ("-f*-charset=*", "-finput-charset=latin1", True),
        ("*fL*", "-tfL", True),
        ("*fL*", "-tfD", False),
    ],
)
def test_arguments_that_are_declined(accelerator: Accelerator, pattern: str, argument: str, declines: bool) -> None:
    accelerator.gate(ID, pattern)
    assert accelerator.run("-c", argument) == f"{'foreign|' + chr(1) if declines else 'native|'}called|-c|{argument}"


def test_variables_that_are_declined(accelerator: Accelerator) -> None:
    accelerator.gate(ID, "$LIBRARY_PATH")
    assert accelerator.run(LIBRARY_PATH_X="1", LIBRARY="").startswith("native|")
    assert accelerator.run(LIBRARY_PATH="").startswith("foreign|")


@pytest.mark.parametrize("form", ["{option} {path}", "{option}={path}"])
def test_a_file_that_is_loaded_is_replaced(accelerator: Accelerator, form: str) -> None:
    accelerator.gate(ID, "+-plugin")
    accelerator.gate(ID, of=accelerator.plugin)
    shutil.copy(accelerator.foreign, accelerator.plugin)
    words = form.format(option="-plugin", path=accelerator.plugin).split()
    expected = form.format(option="-plugin", path=f"{accelerator.prefix}/root{accelerator.plugin}").replace(" ", "|")
    assert accelerator.run("-plugin-opt=x", *words, "y") == f"native|called|-plugin-opt=x|{expected}|y"


def test_a_file_that_is_loaded_and_unknown_is_declined_with_the_arguments_as_they_were(
    accelerator: Accelerator,
) -> None:
    accelerator.gate(ID, "+-plugin")
    accelerator.gate(OTHER, of=accelerator.plugin)
    shutil.copy(accelerator.foreign, accelerator.plugin)
    for words in (["-plugin", str(accelerator.plugin)], ["-plugin"], ["-plugin", "relative"], ["-plugin=/nowhere"]):
        assert accelerator.run(*words) == "|".join(["foreign", "\1called", *words])
    accelerator.gate(ID, of=accelerator.plugin)
    twice = ["-plugin", str(accelerator.plugin)] * 2
    assert accelerator.run(*twice) == "|".join(["foreign", "\1called", *twice])
