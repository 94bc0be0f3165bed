# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os
import stat

import pytest

from ansible_collections.trusted.crossbuild.plugins.module_utils._errors import CrossbuildError
from ansible_collections.trusted.crossbuild.plugins.module_utils._receipt import Receipt


def test_what_is_saved_is_loaded(tmp_path):
    receipt = Receipt("name", str(tmp_path))
    receipt.save({"packages": ["a", "b"], "mounted": True})
    assert Receipt("name", str(tmp_path)).load() == {"packages": ["a", "b"], "mounted": True}
    assert stat.S_IMODE((tmp_path / "name.json").stat().st_mode) == 0o600


def test_no_receipt_is_an_empty_one(tmp_path):
    assert Receipt("name", str(tmp_path / "missing")).load() == {}


def test_the_last_receipt_takes_the_directory_with_it(tmp_path):
    directory = tmp_path / "receipts"
    one, other = Receipt("one", str(directory)), Receipt("other", str(directory))
    one.save({"a": 1})
    other.save({"b": 2})
    one.save({})
    assert os.listdir(directory) == ["other.json"]
    other.save({})
    assert not directory.exists()
    other.save({})


@pytest.mark.parametrize(
    ("content", "words"), [("{", "is not JSON"), ("[]", "holds no JSON object"), ("", "is not JSON")]
)
def test_a_damaged_receipt_is_named(tmp_path, content, words):
    (tmp_path / "name.json").write_text(content)
    with pytest.raises(CrossbuildError, match=words) as caught:
        Receipt("name", str(tmp_path)).load()
    assert str(tmp_path / "name.json") in str(caught.value)
