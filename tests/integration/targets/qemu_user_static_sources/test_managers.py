# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""dnf, zypper and pacman: the real ones, out of Debian's packages, each with a repository of its own on this disk.

What they install is a real emulator in a package of that kind, called as the distribution calls it. The distribution around
them is not there: the host says that it is Fedora, openSUSE or Arch in its os-release, and apt-get is out of sight.
"""

from __future__ import annotations

import fcntl
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from harness import NEW, OLD, Packages, run, sh

WORK = Path("/var/tmp/managers")
RECEIPT = Path("/var/lib/trusted.crossbuild/qemu_user_static.json")
SPEC = """
Name: {name}
Version: {version}
Release: 1
Summary: An emulator
License: GPL
AutoReqProv: no
BuildArch: x86_64
%description
An emulator.
%install
install -D -m 755 {source} %{{buildroot}}{target}
%files
{target}
"""


@dataclass(frozen=True)
class Host:
    """A host of another distribution: what it says it is, and the commands that it does not have."""

    id: str
    like: str
    hidden: tuple[str, ...]

    def module(self, check: bool = False, **options: Any) -> Any:
        """The module, in a mount namespace where the host is that one."""
        release = WORK / f"os-release-{self.id}"
        release.write_text(f'NAME="{self.id}"\nID={self.id}\nID_LIKE="{self.like}"\n')
        hide = "".join(f"mount --bind /dev/null /usr/bin/{name}; " for name in self.hidden)
        script = f'mount --bind {release} "$(realpath /etc/os-release)"; {hide} exec "$@"'
        return run(check, None, ("unshare", "--mount", "bash", "-ec", script, "bash"), platforms=["armhf"], **options)

    def changed(self, **options: Any) -> Any:
        result = self.module(**options)
        assert result.get("changed"), result.get("msg", result)
        assert self.module(**options)["changed"] is False
        return result

    def refused(self, *words: str, **options: Any) -> None:
        result = self.module(**options)
        assert result.get("failed"), result
        for word in words:
            assert word in result["msg"], result["msg"]


FEDORA = Host("fedora", "", ("apt-get", "zypper"))
ROCKY = Host("rocky", "rhel centos fedora", ("apt-get", "zypper"))
SUSE = Host("opensuse-leap", "suse opensuse", ("apt-get",))
ARCH = Host("arch", "", ("apt-get", "zypper", "dnf"))


@pytest.fixture(scope="module")
def emulators(packages: Packages) -> dict[str, Path]:
    """Programs by the version of the package they are to be in."""
    WORK.mkdir(exist_ok=True)
    found = {
        "7.2.22": packages.emulator("old")["usr/bin/qemu-arm-static"],
        "10.0.2": packages.emulator("new")["usr/bin/qemu-arm"],
    }
    paths = {version: WORK / f"qemu-arm-{version}" for version in found}
    for version, path in paths.items():
        path.write_bytes(found[version])
        path.chmod(0o755)
    tools = "dnf zypper pacman-package-manager makepkg libarchive-tools createrepo-c rpm"
    sh(f"apt-get -qq install -y --no-install-recommends {tools} >/dev/null 2>&1")
    # Debian's rpm has its database elsewhere than all others, zypper included.
    (Path.home() / ".rpmmacros").write_text("%_dbpath /var/lib/rpm\n")
    sh("mkdir -p /var/lib/rpm; rpm --initdb")
    return paths


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    yield
    assert not RECEIPT.exists()
    assert not Path("/usr/bin/qemu-arm-static").exists()
    assert not Path("/usr/bin/qemu-arm").exists()


def build_rpms(name: str, target: str, emulators: dict[str, Path]) -> Path:
    repository = WORK / f"rpms-{name}"
    for version, source in emulators.items():
        spec = WORK / "package.spec"
        spec.write_text(SPEC.format(name=name, version=version, source=source, target=target))
        sh(f"rpmbuild -bb --quiet --define '_rpmdir {repository}' --define '_build_id_links none'"
           f" --define '__os_install_post %{{nil}}' --define 'debug_package %{{nil}}' {spec} 2>&1")  # fmt: skip
    sh(f"createrepo_c --quiet {repository}")
    return repository


@pytest.fixture
def dnf(emulators: dict[str, Path]) -> Iterator[None]:
    repository = build_rpms("qemu-user-static-arm", "/usr/bin/qemu-arm-static", emulators)
    settings = Path("/etc/yum.repos.d/test.repo")
    settings.parent.mkdir(exist_ok=True)
    settings.write_text(f"[test]\nname=test\nbaseurl=file://{repository}\ngpgcheck=0\n")
    yield
    settings.unlink()


def follow_versions(host: Host, path: str, other_version: str) -> None:
    """Newest, back, absent; each at once converged."""
    assert host.module(check=True)["changed"]
    assert host.changed()["emulators"]["arm"] == {"path": path, "version": "10.0.2", "linkage": "static-pie"}
    assert host.changed(version=other_version)["emulators"]["arm"]["version"].startswith(other_version)
    assert host.changed(version=NEW)["emulators"]["arm"]["version"].startswith(NEW)
    host.refused("They offer", "10.0.2", version="9.9")
    host.refused("default_release is for apt", default_release="stable")
    assert host.changed(state="absent")["actions"][0].startswith("remove qemu-")


@pytest.mark.usefixtures("dnf")
def test_dnf() -> None:
    follow_versions(FEDORA, "/usr/bin/qemu-arm-static", OLD)


@pytest.mark.usefixtures("dnf")
def test_dnf_keeps_what_others_need(emulators: dict[str, Path]) -> None:
    FEDORA.changed()
    spec = WORK / "needs.spec"
    body = SPEC.format(name="needs-it", version="1", source=emulators["10.0.2"], target="/opt/needs-it")
    spec.write_text(body.replace("License:", "Requires: qemu-user-static-arm\nLicense:"))
    sh(f"rpmbuild -bb --quiet --define '_rpmdir {WORK}/needs' --define '_build_id_links none'"
       f" --define '__os_install_post %{{nil}}' --define 'debug_package %{{nil}}' {spec} 2>&1")  # fmt: skip
    sh(f"dnf -q -y install {WORK}/needs/x86_64/needs-it-1-1.x86_64.rpm")
    FEDORA.refused("qemu-user-static-arm stay installed", state="absent")
    sh("dnf -q -y remove needs-it qemu-user-static-arm")


@pytest.mark.usefixtures("emulators")
def test_rhel_has_none() -> None:
    Path("/etc/yum.repos.d").mkdir(exist_ok=True)
    ROCKY.refused("rocky has no package of them, nor has EPEL: say source: archive")


@pytest.mark.usefixtures("dnf")
def test_dnf_is_locked() -> None:
    # dnf's own lock is a file with the number of a process that lives.
    lock = Path("/var/cache/dnf/metadata_lock.pid")
    lock.parent.mkdir(exist_ok=True)
    lock.write_text(str(os.getpid()))
    try:
        FEDORA.refused("dnf is locked", f"process {os.getpid()} (", "pytest", lock_timeout=2)
    finally:
        lock.unlink(missing_ok=True)


@pytest.fixture
def zypper(emulators: dict[str, Path]) -> Iterator[None]:
    # It fails where the last package of all goes, as on no real host.
    other = build_rpms("other", "/opt/other", {"1": emulators["7.2.22"]})
    sh(f"rpm --force-debian --upgrade --replacepkgs {other}/x86_64/other-1-1.x86_64.rpm")
    repository = build_rpms("qemu-linux-user", "/usr/bin/qemu-arm", emulators)
    sh(f"zypper -n -q addrepo --no-gpgcheck file://{repository} test; zypper -n -q refresh")
    yield
    sh("zypper -n -q removerepo test")


@pytest.mark.usefixtures("zypper")
def test_zypper() -> None:
    follow_versions(SUSE, "/usr/bin/qemu-arm", OLD)


@pytest.mark.usefixtures("zypper")
def test_zypper_is_locked() -> None:
    holder = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    lock = Path("/run/zypp.pid")
    try:
        with lock.open("w") as file:
            fcntl.lockf(file, fcntl.LOCK_EX)
            file.write(f"{holder.pid}\n")
            file.flush()
            fcntl.lockf(file, fcntl.LOCK_UN)
            SUSE.refused("zypper is locked", f"process {holder.pid} (", "input()", lock_timeout=2)
    finally:
        holder.communicate(b"\n")
        lock.unlink(missing_ok=True)


def pacman_package(name: str, version: str, files: dict[str, Path]) -> str:
    """A package made by hand, as makepkg makes it: a tar with .PKGINFO before the files."""
    root = WORK / f"root-{name}-{version}"
    for target, source in files.items():
        sh(f"install -D -m 755 {source} {root}{target}")
    root.mkdir(exist_ok=True)
    (root / ".PKGINFO").write_text(f"pkgname = {name}\npkgver = {version}\npkgdesc = test\nsize = 1\narch = x86_64\n")
    package = f"{WORK}/arch/{name}-{version}-x86_64.pkg.tar.gz"
    sh(f"mkdir -p {WORK}/arch; cd {root}; tar czf {package} .PKGINFO $(ls)")
    return package


@pytest.fixture
def pacman(emulators: dict[str, Path]) -> Iterator[dict[str, Path]]:
    settings = Path("/etc/pacman.conf")
    before = settings.read_text()
    settings.write_text(f"[options]\nArchitecture = x86_64\nSigLevel = Never\n[test]\nServer = file://{WORK}/arch\n")
    yield emulators
    settings.write_text(before)


def publish(version: str, emulator: Path) -> None:
    packages = [pacman_package("qemu-user-static", f"{version}-1", {"/usr/bin/qemu-arm-static": emulator}),
                pacman_package("qemu-user-static-binfmt", f"{version}-1", {})]  # fmt: skip
    sh(f"repo-add -q {WORK}/arch/test.db.tar.gz {' '.join(packages)}")


def test_pacman(pacman: dict[str, Path]) -> None:
    publish("7.2.22", pacman["7.2.22"])
    assert ARCH.module(check=True)["changed"]
    assert ARCH.changed()["emulators"]["arm"]["version"] == "7.2.22"
    # A repository has one version: a newer one replaces it.
    publish("10.0.2", pacman["10.0.2"])
    assert ARCH.changed(version=NEW)["emulators"]["arm"]["version"] == "10.0.2"
    ARCH.refused("They offer qemu-user-static 10.0.2-1", version=OLD)
    lock = Path("/var/lib/pacman/db.lck")
    lock.touch()
    ARCH.refused("pacman is locked", "db.lck in its database is left over", state="absent", lock_timeout=2)
    lock.unlink()
    assert json.loads(RECEIPT.read_text())["packages"] == ["qemu-user-static", "qemu-user-static-binfmt"]
    assert ARCH.changed(state="absent")["actions"] == ["remove qemu-user-static, qemu-user-static-binfmt"]
