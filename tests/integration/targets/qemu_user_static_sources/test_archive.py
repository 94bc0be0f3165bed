# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Archives: what is taken from them, what is refused, and how versions follow each other."""

from __future__ import annotations

import shutil
import subprocess
import tarfile
from pathlib import Path
from typing import Any

import pytest
from harness import (
    CURRENT,
    NEW,
    OLD,
    STORE,
    Packages,
    changed,
    from_archive,
    listing,
    make_tar,
    refused,
    run,
    sha256,
    unchanged,
    version_of,
)

pytestmark = pytest.mark.usefixtures("clean")


def test_versions_follow_each_other(old: Path, new: Path) -> None:
    planned = run(check=True, **from_archive(old))
    assert planned["changed"]
    assert planned["diff"]["before"] == "current: none\n"
    assert not STORE.exists()

    first = changed(**from_archive(old))
    assert first["emulators"]["arm"]["path"] == str(CURRENT / "qemu-arm-static")
    assert first["emulators"]["arm"]["version"].startswith(OLD)
    assert (first["current"], first["previous"]) == (
        f"{version_of(CURRENT / 'qemu-arm-static')}-{sha256(old)[7:19]}",
        None,
    )
    assert unchanged(**from_archive(old))["current"] == first["current"]
    refused("no version of the emulators to go back to", state="rolled_back")

    second = changed(**from_archive(new))
    assert second["emulators"]["aarch64"]["version"].startswith(NEW)
    assert (second["previous"], listing()) == (
        first["current"],
        sorted([first["current"], second["current"], "current"]),
    )

    before = (CURRENT / "qemu-arm-static").stat()
    planned = run(check=True, state="rolled_back")
    assert planned["actions"] == [f"go back to {first['current']}"]
    assert planned["diff"] == {"before": f"current: {second['current']}\n", "after": f"current: {first['current']}\n"}
    assert changed(state="rolled_back")["current"] == first["current"]
    # Later than what was there: by this a registration knows that the file behind its path is another.
    assert (CURRENT / "qemu-arm-static").stat().st_ctime_ns > before.st_ctime_ns
    assert unchanged(state="rolled_back")["current"] == first["current"]
    assert version_of(CURRENT / "qemu-arm-static").startswith(OLD)

    assert changed(**from_archive(new))["actions"] == [f"use {second['current']}"]
    assert unchanged(**from_archive(new))["previous"] == first["current"]

    assert run(check=True, state="absent")["changed"]
    assert changed(state="absent")["actions"] == [f"remove {STORE}"]
    unchanged(state="absent")
    assert not STORE.parent.exists()


def test_only_the_version_before_stays(old: Path, new: Path, tmp_path: Path, packages: Packages) -> None:
    changed(**from_archive(old))
    second = changed(**from_archive(new))["current"]
    changed(state="rolled_back")
    working = run(state="rolled_back")["current"]
    third_tar = make_tar(
        tmp_path / "third.tar", {f"opt/{name}": content for name, content in packages.emulator("new").items()}
    )
    third = changed(**from_archive(third_tar))
    # The one that was in use, not the one that was newest.
    assert third["previous"] == working
    assert listing() == sorted([working, third["current"], "current"])
    assert second not in listing()


@pytest.mark.parametrize("compression", ["gz", "bz2", "xz"])
def test_compressed(compression: str, tmp_path: Path, packages: Packages) -> None:
    member = {"qemu-arm": packages.emulator("new")["usr/bin/qemu-arm"]}
    result = changed(**from_archive(make_tar(tmp_path / "archive", member, compression)), platforms=["armhf"])
    assert result["emulators"]["arm"]["version"].startswith(NEW)


def test_zstd_by_the_program(old: Path, tmp_path: Path) -> None:
    archive = tmp_path / "old.tar.zst"
    subprocess.run(["zstd", "-1", "-q", old, "-o", archive], check=True)
    only_python = tmp_path / "bin"
    only_python.mkdir()
    refused("the program zstd is not on this host", **from_archive(archive), environment={"PATH": str(only_python)})
    assert changed(**from_archive(archive))["emulators"]["arm"]["version"].startswith(OLD)
    damaged = tmp_path / "damaged.zst"
    damaged.write_bytes(archive.read_bytes()[:-10000])
    refused("is damaged", **from_archive(damaged))
    assert version_of(CURRENT / "qemu-arm-static").startswith(OLD)


def test_debian_packages(packages: Packages) -> None:
    result = changed(**from_archive(packages.new), platforms=["all"])
    assert len(result["emulators"]) == 8
    assert {one["linkage"] for one in result["emulators"].values()} == {"static-pie"}
    refused("is a link to usr/bin/qemu-arm, which is not in it", "transitional", **from_archive(packages.transitional))
    refused("is dynamically linked", "qemu-", **from_archive(packages.dynamic))
    assert unchanged(**from_archive(packages.new))["current"] == result["current"]


def test_links_within_the_archive(packages: Packages, tmp_path: Path) -> None:
    program = packages.emulator("new")["usr/bin/qemu-arm"]
    members = {"./usr/bin/qemu-arm-static": "../libexec/emulator", "./usr/libexec/emulator": program}
    assert changed(**from_archive(make_tar(tmp_path / "a.tar", members)), platforms=["armhf"])["current"]
    assert not (CURRENT / "qemu-arm-static").is_symlink()


REFUSED = {
    "leads out": ({"usr/bin/qemu-arm-static": "../../../../bin/busybox"}, "leads out of the archive"),
    "absolute": ({"usr/bin/qemu-arm-static": "/bin/busybox"}, "which is not in it"),
    "circle": ({"qemu-arm": "qemu-arm-static", "qemu-arm-static": "qemu-arm"}, "from link to link without an end"),
    "device": ({"qemu-arm-static": tarfile.CHRTYPE}, "is neither file nor link but a device"),
    "text": ({"qemu-arm-static": b"#!/bin/sh\necho qemu-arm version 10.0\n"}, "is no ELF file"),
    "nothing": ({"readme": b"nothing"}, "holds no emulator"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_refused_as_a_whole(case: str, tmp_path: Path, old: Path, packages: Packages) -> None:
    changed(**from_archive(old))
    members, words = REFUSED[case]
    good = (
        {}
        if case == "nothing"
        else {"usr/bin/qemu-aarch64-static": packages.emulator("old")["usr/bin/qemu-aarch64-static"]}
    )
    refused(words, **from_archive(make_tar(tmp_path / "bad.tar", {**good, **members})))
    assert len(listing()) == 2
    assert unchanged(**from_archive(old))["emulators"]["arm"]["version"].startswith(OLD)


def test_programs_that_do_not_do(tmp_path: Path, packages: Packages) -> None:
    arm, aarch64 = (packages.emulator("old")[f"usr/bin/qemu-{name}-static"] for name in ("arm", "aarch64"))

    def arm_from(path: Path) -> dict[str, Any]:
        return {**from_archive(path), "platforms": ["armhf"]}

    def offered(content: bytes) -> Path:
        return make_tar(tmp_path / "bad.tar", {"bin/qemu-arm-static": content})

    refused("is damaged", **arm_from(offered(arm[: len(arm) // 2])))
    refused("says that it is qemu-aarch64", **arm_from(offered(aarch64)))
    refused("dynamically linked", "qemu-arm-static of", **arm_from(offered(Path("/bin/true").read_bytes())))
    # e_machine of arm64: https://refspecs.linuxfoundation.org/elf/gabi4+/ch4.eheader.html
    refused("a program for aarch64, and this host is x86_64", **arm_from(offered(arm[:18] + b"\xb7\0" + arm[20:])))
    # The code, without which it crashes; what the headers say is as it was.
    hollow = arm[:4096] + bytes(len(arm) - 4096)
    refused("does not tell its version (status -", **arm_from(offered(hollow)))
    both = {"qemu-arm": packages.emulator("new")["usr/bin/qemu-arm"], "qemu-aarch64-static": aarch64}
    refused("of several versions, 10.0", **from_archive(make_tar(tmp_path / "both.tar", both)))
    assert not STORE.exists()


def test_an_architecture_that_is_not_in_it(old: Path) -> None:
    refused(
        "holds no emulator for s390x, but qemu-aarch64-static, qemu-arm-static",
        **from_archive(old),
        platforms=["s390x"],
    )
    assert not STORE.exists()
    changed(**from_archive(old))
    refused("holds no emulator for s390x", **from_archive(old), platforms=["s390x"])


def test_damage_afterwards_is_repaired(old: Path) -> None:
    name = changed(**from_archive(old))["current"]
    (CURRENT / "qemu-arm-static").write_bytes(b"")
    assert "again" in changed(**from_archive(old))["actions"][0]
    assert unchanged(**from_archive(old))["current"] == name
    (CURRENT / "qemu-arm-static").unlink()
    shutil.rmtree(STORE / name)
    CURRENT.unlink()
    changed(**from_archive(old))


def test_options_that_do_not_belong_together(old: Path) -> None:
    refused("archive is for source: archive, and source is package", archive=str(old))
    refused("version is for source: package", **from_archive(old), version="7.2")
    refused("missing", source="archive", archive=str(old))
    refused("is none: expected sha256:", source="archive", archive=str(old), checksum="md5:abc")
    refused("no URL that can be fetched", source="archive", archive="ftp://host/x", checksum=sha256(old))
    refused("is not on this host", source="archive", archive="/nowhere.tar", checksum=sha256(old), check=True)
    refused("not named by its digest", source="image", image="tonistiigi/binfmt:latest")
    assert not STORE.exists()
