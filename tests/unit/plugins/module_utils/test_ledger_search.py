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


class Image:
    """In the place of DockerImage, its only build, and its task: its name says how it answers."""

    asked: list = []
    looked: list = []
    remembered = 0

    def __init__(self, params, engine, check_mode):
        assert engine == "engine"
        Image.asked.append(params)
        self.params = params
        self.reference, self.platform = f"{params['name']}:{params['tag']}", params["platforms"][0]
        self.builds = [self]
        self.ledger = SimpleNamespace(described=lambda: ENTRY)
        self.reader = SimpleNamespace(remember=self.remember, read=lambda: "source")
        self.task = self

    def keep(self, save):
        save()

    def remember(self):
        Image.remembered += 1

    def is_in(self, ledger, source, may_pull):
        assert (ledger, source) == (self.ledger, "source")
        Image.looked.append((self.params["name"], self.platform, may_pull))
        if self.params["name"] == "broken":
            raise CrossbuildError("The registry does not answer.")
        return self.params["name"] == "found"


@pytest.fixture(autouse=True)
def _images(monkeypatch):
    Image.asked, Image.looked, Image.remembered = [], [], 0
    monkeypatch.setattr(_ledger_search, "DockerImage", Image)
    monkeypatch.setattr(_ledger_search, "SdkEngine", lambda _params: "engine")


def search(*builds, check_mode=False):
    each = [
        {"path": "/srv", "platforms": ["linux/arm64"], **(one if isinstance(one, dict) else {"name": one})}
        for one in builds
    ]
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


def test_by_platform_and_answered_as_asked():
    platforms = ["linux/arm64", "linux/arm/v7", "linux/arm64"]
    answers = search(*({"name": "found", "platforms": [one]} for one in platforms))
    assert [one["platform"] for one in answers] == platforms
    assert [platform for _name, platform, _may_pull in Image.looked] == sorted(platforms)


def test_after_one_that_cannot_be_looked_up_no_other_one_is():
    answers = search("found", "broken", "found")
    assert [one["ledger"] for one in answers] == [ENTRY, None, None]
    assert [one["problem"] for one in answers] == [
        None,
        "The registry does not answer.",
        "The registry does not answer.",
    ]
    assert len(Image.looked) == 2


def test_what_is_always_pulled_is_not_looked_up():
    [answer] = search({"name": "found", "pull": "always"})
    assert (answer["ledger"], answer["problem"], Image.looked) == (None, None, [])


def test_check_mode_pulls_and_remembers_nothing():
    search("found", check_mode=True)
    assert (Image.looked, Image.remembered) == ([("found", "linux/arm64", False)], 0)


def test_secrets_are_refused_and_not_repeated():
    with pytest.raises(CrossbuildError, match="found has secrets, which are for docker_image only") as refused:
        search({"name": "found", "secrets": [{"id": "key", "type": "value", "value": "hush"}]})
    assert "hush" not in str(refused.value)
