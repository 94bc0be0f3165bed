# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The secrets of a build."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ansible_collections.trusted.crossbuild.plugins.module_utils._errors import CrossbuildError
from ansible_collections.trusted.crossbuild.plugins.module_utils._secrets import Secret, read


def option(kind: str, **given: str) -> dict[str, Any]:
    return {"id": "token", "type": kind, "src": None, "env": None, "value": None, **given}


def refused(*options: dict[str, Any]) -> str:
    with pytest.raises(CrossbuildError) as caught:
        read(options)
    return str(caught.value)


def test_every_kind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_bytes(b"in a file\0\n")
    monkeypatch.setenv("TOKEN", "in the environment")
    options = [
        option("file", id="a", src=str(tmp_path / "file")),
        option("env", id="b", env="TOKEN"),
        option("value", id="c", value="caf\xe9"),
    ]
    assert read(options) == [
        Secret("a", b"in a file\0\n"),
        Secret("b", b"in the environment"),
        Secret("c", "caf\xe9".encode()),
    ]


def test_another_value_or_name_is_another_digest() -> None:
    digests = {Secret(*pair).digest() for pair in (("a", b"x"), ("a", b"y"), ("b", b"x"), ("a", b"x"))}
    assert len(digests) == 3


def test_a_value_is_not_shown() -> None:
    assert "hidden" not in repr(Secret("a", b"hidden"))


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (option("file"), "neither src, env nor value; give src"),
        (option("value", env="HOME"), "has env; give value"),
        (option("value", env="HOME", value="v"), "has env and value; give value, and only that"),
        (option("env", env="NO_SUCH_VARIABLE"), "NO_SUCH_VARIABLE, which is not set"),
        (option("file", src="/no/such/file"), "/no/such/file, which cannot be read: No such file"),
        (option("value", value="v", id="a,src=/etc/shadow"), "'a,src=/etc/shadow' is not possible"),
        (option("value", value="v" * 512_001), "more than the 512000 bytes"),
    ],
)
def test_what_is_refused(given: dict[str, Any], words: str) -> None:
    assert words in refused(given)


def test_one_id_twice() -> None:
    assert "token is given twice" in refused(option("value", value="a"), option("value", value="b"))
