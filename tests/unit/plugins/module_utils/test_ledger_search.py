# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Many builds looked up at once, with images that answer on demand. The target image_farm has a real ledger."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from ansible_collections.trusted.crossbuild.plugins.module_utils import _ledger_search
from ansible_collections.trusted.crossbuild.plugins.module_utils._connection import CONNECTION_SPEC
from ansible_collections.trusted.crossbuild.plugins.module_utils._errors import CrossbuildError

ENTRY = {"image": "r@d", "seconds": 2.5}
ANSWERS = {
    "found": {"changed": False, "ledger": ENTRY},
    "missing": {"changed": True},
    "broken": CrossbuildError("The registry does not answer."),
}


class Image:
    """In the place of DockerImage: its name says how it answers."""

    asked: list = []
    looked = 0
    remembered = 0

    def __init__(self, params, engine, check_mode):
        assert (engine, check_mode) == ("engine", True)
        Image.asked.append(params)
        self.builds = [SimpleNamespace(reference=f"{params['name']}:{params['tag']}", platform="linux/arm64")]
        self.task = SimpleNamespace(keep=lambda save: save(), reader=SimpleNamespace(remember=self.remember))
        self.answer = ANSWERS[params["name"]]

    def remember(self):
        Image.remembered += 1

    def present(self):
        Image.looked += 1
        if isinstance(self.answer, CrossbuildError):
            raise self.answer
        return self.answer


@pytest.fixture(autouse=True)
def _images(monkeypatch):
    Image.asked, Image.looked, Image.remembered = [], 0, 0
    monkeypatch.setattr(_ledger_search, "DockerImage", Image)
    monkeypatch.setattr(_ledger_search, "SdkEngine", lambda _params: "engine")


def search(*builds, check_mode=False):
    each = [{"name": one, "path": "/srv"} if isinstance(one, str) else one for one in builds]
    params = {**dict.fromkeys(CONNECTION_SPEC), "ledger": "r/ledger", "registry": {"insecure": True}, "builds": each}
    return _ledger_search.run(params, check_mode)["builds"]


def test_those_that_are_there_and_those_that_are_not():
    found, missing = search("found", "missing")
    assert found == {"name": "found:latest", "platform": "linux/arm64", "ledger": ENTRY, "problem": None}
    assert (missing["ledger"], missing["problem"]) == (None, None)
    assert Image.remembered == 2
    assert {(one["ledger"], one["registry"]["insecure"], one["verify"]) for one in Image.asked} == {
        ("r/ledger", True, "programs")
    }


def test_after_one_that_cannot_be_looked_up_no_other_one_is():
    answers = search("found", "broken", "found")
    assert [one["ledger"] for one in answers] == [ENTRY, None, None]
    assert [one["problem"] for one in answers] == [
        None,
        "The registry does not answer.",
        "The registry does not answer.",
    ]
    assert Image.looked == 2


def test_check_mode_remembers_nothing():
    search("found", check_mode=True)
    assert Image.remembered == 0


def test_secrets_are_refused_and_not_repeated():
    with pytest.raises(CrossbuildError, match="found has secrets, which are for docker_image only") as refused:
        search({"name": "found", "path": "/srv", "secrets": [{"id": "key", "type": "value", "value": "hush"}]})
    assert "hush" not in str(refused.value)
