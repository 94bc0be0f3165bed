# Copyright: (c) 2026, trusted.crossbuild contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A registry: manifests and small blobs, read and written, with everything that was read checked by its digest.

https://github.com/opencontainers/distribution-spec/blob/main/spec.md
"""

from __future__ import annotations

import hashlib
import re
import urllib.parse
from typing import Any, Sequence

from . import _registry_auth, _registry_credentials, _registry_http
from ._errors import CrossbuildError
from ._manifest import READABLE, Manifest
from ._registry_http import Answer, Http, NoTls
from ._registry_reference import DOCKER_HUB, is_loopback

_HINTS = {
    401: "The credentials were refused",
    403: "The user may not do that; are the credentials those of one who may?",
    404: "It is not there",
    405: "The registry does not do that: it may be read-only, or may have deletion switched off",
    429: "That is too many requests for now",
}
_ITS_OWN = (
    "That is the registry's own trouble: see that its storage has room, and what its log says. Then run this again"
)


class Registry:
    """One registry. ``options`` are those of ``_registry_options.REGISTRY_SPEC``."""

    def __init__(self, name: str, options: dict[str, Any]) -> None:
        self.name = name
        self._host = "registry-1.docker.io" if name == DOCKER_HUB else name
        self._plain_http = options["insecure"] or is_loopback(name)
        self._http = Http(options, direct=is_loopback(name))
        self.credentials = _registry_credentials.find(options, name)
        self._authorizations: dict[tuple[str, ...], str] = {}
        self._known_base = ""

    def digest(self, repository: str, reference: str) -> str | None:
        """The digest of the manifest that a tag or digest names; None where there is none."""
        answer = self._manifest_request("HEAD", repository, reference)
        if answer.status == 404:
            return None
        if answer.status != 200:
            # The answer to HEAD carries no words.
            answer = self._manifest_request("GET", repository, reference)
        self._require(answer, (200,), f"the manifest {repository} {reference}")
        told = answer.headers.get("Docker-Content-Digest")
        if told:
            return str(told)
        found = self.manifest(repository, reference)
        return found.digest if found else None

    def manifest(self, repository: str, reference: str) -> Manifest | None:
        """The manifest that a tag or digest names; None where there is none."""
        answer = self._manifest_request("GET", repository, reference)
        if answer.status == 404:
            return None
        what = f"the manifest {repository} {reference}"
        self._require(answer, (200,), what)
        told = reference if ":" in reference else answer.headers.get("Docker-Content-Digest")
        if told:
            self._check(answer.content, told, what)
        return Manifest.read(answer.headers.get_content_type(), answer.content)

    def put_manifest(self, repository: str, reference: str, manifest: Manifest) -> None:
        """Stores a manifest under a tag, or under its digest. What it lists must be in the repository already."""
        answer = self._request(
            "PUT",
            f"{repository}/manifests/{reference}",
            [_scope(repository, "pull,push")],
            {"Content-Type": manifest.media_type},
            manifest.content,
        )
        self._require(answer, (201,), f"to store the manifest {repository} {reference}")

    def delete_manifest(self, repository: str, digest: str) -> None:
        """Deletes a manifest, and with it every tag that points to it."""
        answer = self._request("DELETE", f"{repository}/manifests/{digest}", [_scope(repository, "pull,push,delete")])
        self._require(answer, (202,), f"to delete the manifest {repository} {digest}")

    def blob(self, repository: str, digest: str) -> bytes:
        """A small blob, such as an image's configuration."""
        answer = self._request("GET", f"{repository}/blobs/{digest}", [_scope(repository, "pull")])
        self._require(answer, (200,), f"the blob {repository} {digest}")
        self._check(answer.content, digest, f"the blob {repository} {digest}")
        return answer.content

    def mount(self, repository: str, digest: str, source: str) -> None:
        """Makes a blob of the repository ``source`` one of ``repository``, too, without copying it."""
        scopes = [_scope(repository, "pull,push"), _scope(source, "pull")]
        query = urllib.parse.urlencode({"mount": digest, "from": source})
        answer = self._request("POST", f"{repository}/blobs/uploads/?{query}", scopes)
        if answer.status == 202:
            # Instead, it waits for the bytes. They will not come.
            self._request("DELETE", answer.headers["Location"], scopes)
            raise CrossbuildError(
                f"{self.name} does not give the blob {digest} of {source} to {repository}: it is not there any more, or the"
                f" registry does not share blobs between repositories. Push the image to {repository} itself."
            )
        self._require(answer, (201,), f"to mount the blob {digest} of {source} in {repository}")

    def tags(self, repository: str) -> list[str]:
        """All tags of a repository; none where there is no such repository."""
        path = f"{repository}/tags/list"
        tags: list[str] = []
        while path:
            answer = self._request("GET", path, [_scope(repository, "pull")])
            if answer.status == 404:
                return tags
            self._require(answer, (200,), f"the tags of {repository}")
            tags += answer.json()["tags"] or []
            following = re.match(r'<([^>]+)>;\s*rel="?next', answer.headers.get("Link", ""))
            path = following[1] if following else ""
        return tags

    def _manifest_request(self, method: str, repository: str, reference: str) -> Answer:
        accept = {"Accept": ", ".join(READABLE)}
        return self._request(method, f"{repository}/manifests/{reference}", [_scope(repository, "pull")], accept)

    def _request(
        self,
        method: str,
        path: str,
        scopes: Sequence[str],
        headers: dict[str, str] | None = None,
        content: bytes | None = None,
    ) -> Answer:
        """``path`` is below /v2/, or an address that the registry gave, which must be its own: credentials go there."""
        url = urllib.parse.urljoin(self._base(), path)
        if _registry_http.server(url) != _registry_http.server(self._base()):
            raise CrossbuildError(f"{self.name} points to {url}, which is another server. That is not followed.")
        key = tuple(scopes)
        answer = self._http.send(method, url, headers, content, self._authorizations.get(key))
        if answer.status == 401:
            asked = answer.headers.get_all("WWW-Authenticate", [])
            self._authorizations[key] = _registry_auth.authorization(
                self._http, self.name, asked, scopes, self.credentials
            )
            answer = self._http.send(method, url, headers, content, self._authorizations[key])
            if answer.status == 401:
                raise _registry_auth.refused(self.name, self.credentials)
        return answer

    def _base(self) -> str:
        """The address of the registry's API, which on this host, or with insecure, may be a plain one as for Docker."""
        if not self._known_base:
            base = f"https://{self._host}/v2/"
            try:
                answer = self._http.send("GET", base)
            except NoTls:
                if not self._plain_http:
                    raise
                base = f"http://{self._host}/v2/"
                answer = self._http.send("GET", base)
            if answer.status not in (200, 401):
                self._require(answer, (200, 401), f"whether there is a registry at {base}")
            self._known_base = base
        return self._known_base

    def _require(self, answer: Answer, statuses: Sequence[int], what: str) -> None:
        if answer.status in statuses:
            return
        hint = _HINTS.get(answer.status, _ITS_OWN if answer.status >= 500 else "That was not expected")
        wait = answer.headers.get("Retry-After")
        later = f"; it may be tried again after {wait} seconds" if answer.status == 429 and wait else ""
        raise CrossbuildError(
            f"{self.name} was asked for {what}, and answered {answer.status}: {_words(answer)}. {hint}{later}."
        )

    def _check(self, content: bytes, digest: str, what: str) -> None:
        found = "sha256:" + hashlib.sha256(content).hexdigest()
        if found != digest:
            raise CrossbuildError(
                f"{self.name} gave for {what} other bytes than it should have: {found} instead of {digest}. Its storage, or"
                " something on the way, is damaged."
            )


def _scope(repository: str, actions: str) -> str:
    return f"repository:{repository}:{actions}"


def _words(answer: Answer) -> str:
    """What a registry said about an error."""
    try:
        errors = [f"{error['code']}: {error.get('message') or ''}".strip(": ") for error in answer.json()["errors"]]
    except (ValueError, TypeError, KeyError, AttributeError):
        errors = [answer.content[:200].decode(errors="replace").strip()]
    return "; ".join(errors) or "nothing more"
