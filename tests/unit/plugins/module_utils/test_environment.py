# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The environment, read from files as they are on hosts of many kinds."""

from __future__ import annotations

from pathlib import Path

import pytest

from ansible_collections.trusted.crossbuild.plugins.module_utils._environment import Environment

BINFMT = "/proc/sys/fs/binfmt_misc"
MOUNTED = f"60 22 0:40 / {BINFMT} rw,relatime - binfmt_misc binfmt_misc rw\n"
AUTOFS = f"50 22 0:30 / {BINFMT} rw,relatime shared:9 - autofs systemd-1 rw,fd=29\n"


@pytest.fixture
def host(tmp_path: Path) -> Path:
    namespaces = tmp_path / "proc/self/ns"
    namespaces.mkdir(parents=True)
    (namespaces / "user").symlink_to("user:[4026531837]")
    return tmp_path


def put(root: Path, path: str, text: str = "") -> None:
    file = root / path.lstrip("/")
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)


def environment(root: Path) -> Environment:
    return Environment(BINFMT, str(root))


def enter_namespace(root: Path) -> None:
    (root / "proc/self/ns/user").unlink()
    (root / "proc/self/ns/user").symlink_to("user:[4026532500]")


@pytest.mark.parametrize(
    ("path", "text", "kind"),
    [
        ("/proc/1/environ", "PATH=/bin\0container=lxc\0", "lxc"),
        ("/proc/1/environ", "container=podman\0", "podman"),
        ("/proc/1/environ", "container=oci\0", "other"),
        ("/proc/1/environ", "container_name=x\0", "none"),
        ("/run/systemd/container", "systemd-nspawn\n", "nspawn"),
        ("/run/.containerenv", "", "podman"),
        ("/.dockerenv", "", "docker"),
        ("/proc/1/cgroup", "12:pids:/docker/0123abc\n", "docker"),
        ("/proc/1/cgroup", "0::/init.scope\n", "none"),
    ],
)
def test_container(host: Path, path: str, text: str, kind: str) -> None:
    put(host, path, text)
    assert environment(host).container() == kind


@pytest.mark.parametrize(("release", "wsl"), [("5.15.90.1-microsoft-standard-WSL2", True), ("6.1.0-18-amd64", False)])
def test_wsl(host: Path, release: str, wsl: bool) -> None:
    put(host, "/proc/sys/kernel/osrelease", release + "\n")
    found = environment(host).describe()
    assert (found["kernel"], found["wsl"]) == (release, wsl)


@pytest.mark.parametrize(
    ("mounts", "expected"),
    [
        ("", {"state": "absent", "read_only": False}),
        (AUTOFS, {"state": "autofs", "read_only": False}),
        (AUTOFS + MOUNTED, {"state": "mounted", "read_only": False}),
        (MOUNTED.replace("rw,relatime", "ro,relatime"), {"state": "mounted", "read_only": True}),
        (MOUNTED.replace("binfmt_misc rw", "binfmt_misc ro"), {"state": "mounted", "read_only": True}),
        (MOUNTED.replace(BINFMT, "/mnt/other\\040place"), {"state": "absent", "read_only": False}),
    ],
)
def test_binfmt_misc(host: Path, mounts: str, expected: dict[str, object]) -> None:
    put(host, "/proc/self/mountinfo", mounts)
    assert environment(host).binfmt_misc() == expected


def test_whose_instance(host: Path) -> None:
    assert environment(host).instance() == "none"
    put(host, "/proc/self/mountinfo", MOUNTED)
    assert environment(host).instance() == "host"
    enter_namespace(host)
    put(host, f"{BINFMT}/status", "enabled\n")
    assert environment(host).instance() == "own"


def test_a_table_that_covers_another(host: Path) -> None:
    put(host, "/proc/self/mountinfo", MOUNTED + MOUNTED.replace("0:40", "0:41"))
    assert not environment(host).hidden_instance()
    enter_namespace(host)
    assert environment(host).hidden_instance()
    put(host, "/proc/self/mountinfo", MOUNTED + MOUNTED)
    assert not environment(host).hidden_instance()


@pytest.mark.parametrize(("options", "expected"), [("ro,nosuid", True), ("rw", False)])
def test_proc_sys_is_read_only(host: Path, options: str, expected: bool) -> None:
    put(
        host,
        "/proc/self/mountinfo",
        f"30 22 0:5 / /proc rw - proc proc rw\n31 30 0:5 /sys /proc/sys {options} - proc proc rw\n",
    )
    assert environment(host).proc_sys_read_only() is expected


def test_security_modules(host: Path) -> None:
    assert environment(host).selinux() == "disabled"
    put(host, "/sys/fs/selinux/enforce", "1")
    assert environment(host).selinux() == "enforcing"
    put(host, "/sys/fs/selinux/enforce", "0")
    assert environment(host).selinux() == "permissive"
    assert environment(host).describe()["apparmor"] is False
    put(host, "/sys/module/apparmor/parameters/enabled", "Y\n")
    assert environment(host).describe()["apparmor"] is True


@pytest.mark.parametrize(
    ("files", "kind", "owners"),
    [
        (["/run/systemd/system/x"], "systemd", ["systemd-binfmt"]),
        (["/run/openrc/started/qemu-binfmt"], "openrc", ["openrc"]),
        (["/run/openrc/started/sshd"], "openrc", []),
        (["/etc/inittab"], "sysvinit", []),
        ([], "other", []),
    ],
)
def test_init_and_what_registers(host: Path, files: list[str], kind: str, owners: list[str]) -> None:
    put(host, "/proc/1/comm", "init\n")
    for file in files:
        put(host, file)
    found = environment(host).describe(lambda units: [unit for unit in units if unit == "systemd-binfmt.service"])
    assert (found["init"], found["binfmt_owners"]) == ({"name": "init", "kind": kind}, owners)


def test_the_engines_data(host: Path) -> None:
    assert environment(host).docker_data_root() == "/"
    (host / "var/lib").mkdir(parents=True)
    assert environment(host).docker_data_root() == "/var/lib"
    (host / "srv/docker").mkdir(parents=True)
    put(host, "/etc/docker/daemon.json", '{"data-root": "/srv/docker"}')
    assert environment(host).docker_data_root() == "/srv/docker"
    put(host, "/etc/docker/daemon.json", "{")
    assert environment(host).docker_data_root() == "/var/lib"
