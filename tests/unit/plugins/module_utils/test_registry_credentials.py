# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import base64
import json
import os
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.trusted.crossbuild.plugins.module_utils._errors import CrossbuildError
from ansible_collections.trusted.crossbuild.plugins.module_utils._registry_credentials import Credentials, find


def encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def found(path: Path, config: Any, registry: str = "registry.example") -> Credentials | None:
    path.write_text(json.dumps(config))
    return find({"username": None, "password": None, "config_path": str(path)}, registry)


@pytest.mark.parametrize(
    ("entry", "username", "password", "identity_token"),
    [
        ({"auth": encoded("builder:a:b")}, "builder", "a:b", ""),
        ({"auth": encoded("builder:secret\0\0")}, "builder", "secret", ""),
        ({"username": "builder", "password": "secret"}, "builder", "secret", ""),
        ({"auth": encoded("builder:"), "identitytoken": "token"}, "", "", "token"),
    ],
)
def test_an_entry_of_docker_login(
    tmp_path: Path, entry: dict[str, str], username: str, password: str, identity_token: str
) -> None:
    path = tmp_path / "config.json"
    credentials = found(path, {"auths": {"other.example": {}, "registry.example": entry}})
    assert credentials == Credentials(str(path), username, password, identity_token)


@pytest.mark.parametrize(
    ("name", "registry"),
    [
        ("registry.example:5000", "registry.example:5000"),
        ("https://registry.example:5000/v2/", "registry.example:5000"),
        ("https://index.docker.io/v1/", "docker.io"),
    ],
)
def test_the_names_that_clients_give_a_registry(tmp_path: Path, name: str, registry: str) -> None:
    credentials = found(tmp_path / "config.json", {"auths": {name: {"auth": encoded("builder:secret")}}}, registry)
    assert credentials is not None
    assert credentials.basic == "Basic " + encoded("builder:secret")


@pytest.mark.parametrize(
    "config",
    [
        {},
        {"auths": None},
        {"auths": {"registry.example": {}}},
        {"auths": {"registry.example:5000": {"auth": encoded("builder:secret")}}},
        {"auths": {"registry.example.org": {"auth": encoded("builder:secret")}}},
    ],
)
def test_credentials_for_another_registry_are_not_used(tmp_path: Path, config: dict[str, Any]) -> None:
    assert found(tmp_path / "config.json", config) is None


def test_the_options_come_first_and_no_file_is_needed(tmp_path: Path) -> None:
    options = {"username": "builder", "password": "secret", "config_path": str(tmp_path / "nothing.json")}
    assert find(options, "registry.example") == Credentials("the options username and password", "builder", "secret")
    assert find({**options, "username": None}, "registry.example") is None


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("{", "is no JSON"),
        ("[]", "is not what docker login writes"),
        ('{"auths": ["secret"]}', "is not what docker login writes"),
        ('{"auths": {"registry.example": "secret"}}', "is not what docker login writes"),
        ('{"auths": {"registry.example": {"auth": "secret!"}}}', "The entry registry.example"),
        # Of bytes that are no text.
        ('{"auths": {"registry.example": {"auth": "c2VjcmV0Ov8="}}}', "The entry registry.example"),
        ('{"auths": {"registry.example": {"auth": 1}}}', "is not what docker login writes"),
    ],
)
def test_a_damaged_file_is_named_and_not_quoted(tmp_path: Path, content: str, words: str) -> None:
    path = tmp_path / "config.json"
    path.write_text(content)
    with pytest.raises(CrossbuildError) as caught:
        find({"username": None, "password": None, "config_path": str(path)}, "registry.example")
    assert words in str(caught.value)
    assert str(path) in str(caught.value)
    assert "secret" not in str(caught.value)


def test_a_password_is_not_shown() -> None:
    assert "secret" not in repr(Credentials("the options", "builder", "secret", "secret"))


HELPER = """\
#!/bin/sh
case $1,$(cat) in
    get,registry.example) echo '{"Username": "builder", "Secret": "secret"}' ;;
    get,https://index.docker.io/v1/) echo '{"Username": "<token>", "Secret": "token"}' ;;
    get,locked.example) echo 'it is locked'; exit 1 ;;
    *) echo 'credentials not found in native keychain'; exit 1 ;;
esac
"""


@pytest.fixture
def helper(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    program = tmp_path / "docker-credential-tests"
    program.write_text(HELPER)
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    return program.name


@pytest.mark.parametrize("config", [{"credsStore": "tests"}, {"credHelpers": {"registry.example": "tests"}}])
def test_a_helper_is_asked(tmp_path: Path, helper: str, config: dict[str, Any]) -> None:
    config["auths"] = {"registry.example": {}}
    assert found(tmp_path / "config.json", config) == Credentials(helper, "builder", "secret")


def test_what_a_helper_says_besides_a_password(tmp_path: Path, helper: str) -> None:
    path, config = tmp_path / "config.json", {"credsStore": "tests"}
    assert found(path, config, "docker.io") == Credentials(helper, identity_token="token")
    assert found(path, config, "other.example") is None
    with pytest.raises(CrossbuildError, match=f"{helper} did not give .* for locked.example. It said: it is locked"):
        found(path, config, "locked.example")
