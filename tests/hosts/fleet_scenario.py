# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The life of a fleet with the playbooks of the collection: what befalls one host is no other one's concern.

Runs in the hosts' surroundings only, of hosts --fleet NUMBER. See README.md beside this file.
"""

from __future__ import annotations

import hashlib
import http.server
import io
import json
import os
import re
import sys
import tarfile
import tempfile
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType
from typing import Any

sys.path.append(str(Path(__file__).resolve().parents[1] / "steps"))
sys.path.append(str(Path(__file__).resolve().parents[1] / "lab"))

from fleet import PREFIX
from shell import call
from steps import NOWHERE, PROVE, REBOOT, Snapshots, play, require, require_equal, snapshots, step
from trouble import befalling

HERE = Path(__file__).resolve().parent
SITE, VERIFY, TEARDOWN = (HERE.parents[1] / f"playbooks/{name}.yml" for name in ("site", "verify", "teardown"))
BREAK, MEND, DECAY = (HERE / f"playbooks/{name}.yml" for name in ("break", "mend", "decay"))

# What a host is proven for is what its group says.
PLATFORMS = "{{ builder_platforms }}"
QEMU = {"bullseye": "5.2", "bookworm": "7.2", "trixie": "10.0"}
NEW = "10.0"
EMULATORS = ("qemu-arm", "qemu-aarch64", "qemu-riscv64")
WRONG = f"sha256:{'0' * 64}"
LEAST = 5
ALL_READY: Mapping[str, str] = MappingProxyType({})
GATEWAY = f"{PREFIX}1"  # this side of the hosts' network
# Packages' own traces, which stay when they are purged: the group docker.
TRACES = {"/etc/group", "/etc/group-", "/etc/gshadow", "/etc/gshadow-"}


def main() -> None:
    inventory = os.environ["ANSIBLE_INVENTORY"]
    hosts = json.loads(Path(inventory).read_text())
    os.environ["ANSIBLE_INVENTORY"] = f"{inventory},{HERE / 'groups.yml'}"
    releases = {host: release for release in QEMU for host in hosts.get(release, {"hosts": {}})["hosts"]}
    addresses = {host: variables["ansible_host"] for host, variables in hosts["build_hosts"]["hosts"].items()}
    play(lambda: scenario(addresses, releases, Path(inventory).parent))


def scenario(addresses: dict[str, str], releases: dict[str, str], directory: Path) -> None:
    hosts = list(addresses)
    require(len(hosts) >= LEAST, f"{len(hosts)} hosts are no fleet: at least {LEAST}, for all that befalls them")
    everywhere = set(hosts)
    # The first one is the canary. The third one is of Debian 11, whose entry alone may go.
    canary, broken, decayed = hosts[0], hosts[1], hosts[2:5]
    old = {host: QEMU[release] for host, release in releases.items()}
    fresh = snapshots("as the distribution installs it")

    locked, full, crashed, cut_off = hosts[1:5]
    with befalling(addresses, locked, full, crashed, cut_off):
        lost = dict.fromkeys([full, crashed, cut_off], "failed")
        said = site("site, in bad times", changed=everywhere - lost.keys(), not_ready=lost, crossbuild_canary=1)
    for host, words in ((full, "space.*Make room"), (crashed, "reached|lost"), (cut_off, "reached|lost")):
        require(re.search(rf'(?m)^ +"{host}: .*({words})', said), f"nothing says what befell {host}: {said}")
    site("site, which finishes what is left", changed=set(lost))
    require_proven("after site", old)
    accelerated = [host for host in hosts if releases[host] == "trixie"][1]  # as in groups.yml
    step("reboot", REBOOT)
    require_proven("after the reboot", old)
    require_accelerated(accelerated, site("site, second run", changed=NOWHERE))

    step("one host broken", BREAK, broken=broken)
    step("three hosts changed by hand", DECAY, decayed=decayed)
    said = site("site, with them", changed=set(decayed), not_ready={broken: "failed"})
    require(re.search(rf'(?m)^ +"{broken}: .*qemu-user', said), f"nothing says what {broken} lacks: {said}")
    step("verify, with the broken host", VERIFY, changed=NOWHERE, failed={broken})
    step("the broken host is mended", MEND, broken=broken)
    site("site, which finishes what is left", changed={broken})
    require_proven("after the repair", old)

    with served(newest(directory)) as (archive, checksum):
        new: dict[str, Any] = {"emulation_source": "archive", "emulation_archive": archive, "crossbuild_canary": 1}
        begun = {canary: "failed", **dict.fromkeys(hosts[1:], "not begun")}
        site("site, with a wrong archive", changed=NOWHERE, not_ready=begun, emulation_checksum=WRONG, **new)
        require_proven("by what there was before", old)
        said = site(f"site, with QEMU {NEW}", changed=everywhere, emulation_checksum=checksum, **new)
    require_accelerated(accelerated, said)
    require_proven("after the upgrade", dict.fromkeys(hosts, NEW))

    step("teardown", TEARDOWN, changed=everywhere)
    require_equal(without_traces(fresh), without_traces(snapshots("after the teardown")))


def site(words: str, changed: set[str], not_ready: Mapping[str, str] = ALL_READY, **variables: Any) -> str:
    """The playbook, and its report, in which all hosts are ready but for those of which another state is given."""
    said = step(words, SITE, changed=changed, failed=set(not_ready), **variables)
    states = dict(re.findall(r'(?m)^ +"(\S+) +(ready|drift|unknown|failed|not begun) ', said))
    require(states, f"{words}: no report in {said}")
    found = {host: state for host, state in states.items() if state != "ready"}
    require(found == not_ready, f"{words}: reported as {found}, not as {not_ready}: {said}")
    return said


def require_accelerated(host: str, said: str) -> None:
    """Both kinds of ARM on this host, and nothing anywhere else."""
    rows = re.findall(r'(?m)^ +"(\S+) +ready .*?accelerated \S+ +accelerated ', said)
    require(rows == [host] and said.count(" accelerated ") == 2, f"not just {host} accelerates: {said}")


def require_proven(words: str, qemu: dict[str, str]) -> None:
    """Every platform of every host, by the collection's own playbook, and by the version of the emulator that ran it."""
    step(f"verify, {words}", VERIFY, changed=NOWHERE)
    step(f"proven {words}", PROVE, changed=NOWHERE, emulation_platforms=PLATFORMS, qemu=qemu)


def newest(directory: Path) -> bytes:
    """A tar with emulators of the newest release, out of the package that its hosts have downloaded.

    Of the three that are asked for: with all of them, each host would keep hundreds of megabytes in memory.
    """
    found = sorted(directory.glob(f"*/archives/qemu-user_*{NEW}.*.deb"))
    require(found, f"no host has downloaded the package qemu-user {NEW}")
    archive = io.BytesIO()
    with tempfile.TemporaryDirectory() as root:
        call("dpkg-deb", "--extract", found[0], root)
        with tarfile.open(fileobj=archive, mode="w") as tar:
            for name in EMULATORS:
                tar.add(Path(root) / "usr/bin" / name, name)
    return archive.getvalue()


@contextmanager
def served(contents: bytes) -> Iterator[tuple[str, str]]:
    """A URL where the hosts find this, for as long as it lasts; and its checksum."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Length", str(len(contents)))
            self.end_headers()
            self.wfile.write(contents)

        def log_message(self, *_words: object) -> None:
            """The steps say enough."""

    with http.server.ThreadingHTTPServer((GATEWAY, 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            url = f"http://{GATEWAY}:{server.server_port}/qemu-user.tar"
            yield url, f"sha256:{hashlib.sha256(contents).hexdigest()}"
        finally:
            server.shutdown()
            thread.join()


def without_traces(states: Snapshots) -> Snapshots:
    for state in states.values():
        state["files"] = {path: digest for path, digest in state["files"].items() if path not in TRACES}
    return states


if __name__ == "__main__":
    main()
