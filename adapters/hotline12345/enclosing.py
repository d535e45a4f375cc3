"""How files travel with what we tell: by their path, or enclosed as base64 for a hotline that cannot fetch them
itself."""

import base64
from typing import Any, Literal
from urllib.parse import urljoin

from adapters.hotline12345.medias import Fetcher, NotOpened

Data = dict[str, Any]


class Enclosing:
    """`by` content: each file is fetched when its message is sent, and not before."""

    def __init__(self, by: Literal["path", "content"], base_url: str | None, fetcher: Fetcher) -> None:
        self._by = by
        self._base_url = base_url
        self._fetcher = fetcher

    async def enclose(self, data: Data) -> tuple[Data, str | None]:
        """`data` as it is to be sent, and a code where a file had to stay a path: a photo must not hold up a case."""
        files = data.get("medias")
        if self._by == "path" or not files:
            return data, None
        enclosed = [await self._one(file) for file in files]
        left = sum("mediaPath" in file for file in enclosed)
        return data | {"medias": enclosed}, f"medias_by_path:{left}" if left else None

    async def close(self) -> None:
        await self._fetcher.close()

    async def _one(self, file: Data) -> Data:
        try:
            content = await self._fetcher.fetch(urljoin(self._base_url or "", file["mediaPath"]))
        except NotOpened:
            return file
        rest = {name: value for name, value in file.items() if name != "mediaPath"}
        return rest | {"content": base64.b64encode(content).decode()}
