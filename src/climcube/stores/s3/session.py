"""The connections below s3fs: they stay with the host that was asked."""

from __future__ import annotations

from typing import Any

from aiobotocore.httpsession import AIOHTTPSession  # type: ignore[import-untyped]

__all__ = ["Unmoved"]


class Unmoved(AIOHTTPSession):  # type: ignore[misc]
    """aiobotocore's session, which takes a redirection for the answer that it is.

    botocore itself follows none; it asks the right region of its own accord.
    """

    async def _get_session(self, proxy_url: Any) -> Any:
        return _Straight(await super()._get_session(proxy_url))


class _Straight:
    def __init__(self, session: Any) -> None:
        self._session = session

    async def request(self, *args: Any, **kwargs: Any) -> Any:
        return await self._session.request(*args, allow_redirects=False, **kwargs)
