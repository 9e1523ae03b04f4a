"""A person at the public report page, without a script: what tests of it share."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from html import unescape
from typing import Any

import httpx
import msgspec

from tocsin.record.database import connect
from web_site import Site

FILLED = {
    "kind": "fire",
    "where": "12 Mill Road, second floor",
    "text": "flames & smoke",
    "hurt": "no",
}


@dataclass
class Person:
    """Somebody with a browser; `address` is the network he comes from."""

    site: Site
    address: str = ""
    language: str = "en"
    client: httpx.Client = field(init=False)

    def __post_init__(self) -> None:
        self.client = self.site.browser(self.address, headers={"Accept-Language": self.language})

    def token(self, path: str = "/report") -> str:
        return hidden(self.client.get(path).text, "token")

    def send(self, token: str = "", **fields: str) -> httpx.Response:
        return self.client.post(
            "/report", data={"token": token or self.token(), **FILLED, **fields}
        )

    def report(self, **fields: str) -> str:
        """The code of a report that was received."""
        answer = self.send(**fields)
        assert answer.status_code == 302, answer.text
        return code_in(answer)

    def follow(self, code: str) -> httpx.Response:
        return self.client.get(f"/follow/{code}")

    def add(self, code: str, text: str, token: str = "") -> httpx.Response:
        token = token or self.token(f"/follow/{code}")
        return self.client.post(f"/follow/{code}", data={"token": token, "text": text})


def hidden(page: str, name: str) -> str:
    found = re.search(rf'name="{name}" value="([^"]*)"', page)
    assert found, page
    return unescape(found[1])


def code_in(answer: httpx.Response) -> str:
    return answer.headers["location"].split("/")[2].split("?")[0]


def incidents(site: Site) -> list[dict[str, Any]]:
    """The rows of incidents that public reports opened, oldest first."""
    with connect(site.urls.application) as connection:
        rows = connection.execute("SELECT row FROM view.incident ORDER BY opened_at, id").fetchall()
    found = [msgspec.json.decode(row) for (row,) in rows]
    return [one for one in found if one["source"] == "report"]


def newest(site: Site) -> dict[str, Any]:
    return incidents(site)[-1]


def calm(site: Site) -> None:
    """Nothing counted so far, and every card of before closed for whoever looks for one."""
    from tocsin.apps.people.models import Attempt

    Attempt.objects.all().delete()
    with connect(site.urls.owner) as connection:
        connection.execute(
            "UPDATE view.incident SET source_key = '' WHERE starts_with(source_key, 'report/')"
        )
        connection.commit()
