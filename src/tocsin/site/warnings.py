"""The section of the configuration on warnings to the public: who sends them, where they are found,
and what signs them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Struct

from tocsin.site.described import File, means
from tocsin.site.doors import through
from tocsin.site.language import say


class Warnings(Struct, forbid_unknown_fields=True, frozen=True):
    sender: Annotated[
        str,
        means(
            "Sender of our CAP warnings, a name that is ours alone, such as"
            " warnings@fire.example. Empty: no warning can be published.",
            "本单位 CAP 预警的发布者标识，须全球唯一，例如 warnings@fire.example。"
            "留空则不能发布预警。",
            pattern=r"^[^\s,<&]{0,200}$",
        ),
    ] = ""
    address: Annotated[
        str,
        means(
            "Address under which the public reaches this server, such as"
            " https://warnings.example; empty: as each request names it.",
            "公众访问本服务器的地址，例如 https://warnings.example；留空则按请求中的地址。",
            pattern=r"^(https?://[^\s<>&\"]{1,200})?$",
        ),
    ] = ""
    key: Annotated[
        File,
        means("File with the key that signs warnings (PEM).", "预警签名私钥文件（PEM）。"),
    ] = ""
    certificate: Annotated[
        File,
        means("File with its certificate chain (PEM).", "签名证书链文件（PEM）。"),
    ] = ""

    def told(self) -> str:
        """What the web process is told: JSON, with the files as they are to be opened."""
        files = {
            name: str(through(Path(file))) if file else ""
            for name, file in (("key", self.key), ("certificate", self.certificate))
        }
        named = {"sender": self.sender, "address": self.address}
        return msgspec.json.encode({**named, **files}).decode()

    def contradictions(self, path: str) -> Iterator[str]:
        """One line for each key that cannot stand as it is."""
        if bool(self.key) != bool(self.certificate):
            yield say(
                f"{path}.key and {path}.certificate: give both or neither",
                f"{path}.key 与 {path}.certificate：必须同时设置或同时不设",
            )
