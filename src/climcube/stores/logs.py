"""Logs of the libraries that sign requests: at their most talkative they print credentials."""

from __future__ import annotations

import logging
import os
import re

from climcube.stores.credentials import secret_texts

__all__ = ["clean_logs", "cleaned"]

_LIBRARIES = ("botocore", "aiobotocore", "boto3", "s3fs", "fsspec", "aiohttp", "urllib3")
_OF_ENVIRONMENT = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")
_SIGNED = re.compile(
    r"(?P<name>Credential=|Signature=|X-Amz-Security-Token['\"]?[:=]\s*|"
    r"AWSAccessKeyId=|(?<![A-Za-z])sig=|Authorization['\"]?:\s*)(?P<value>b?['\"]?[^\s,&'\"\\]+)",
    re.IGNORECASE,
)
_watched: set[str] = set()


class _Cleaning(logging.Filter):
    def filter(self, record: logging.LogRecord) -> bool:
        text = record.getMessage()
        clean = cleaned(text)
        if clean != text:
            record.msg, record.args = clean, ()
        if record.exc_info:
            # Errors of those libraries name addresses in full.
            record.exc_text = cleaned(logging.Formatter().formatException(record.exc_info))
            record.exc_info = None
        return True


_FILTER = _Cleaning()


def cleaned(text: str) -> str:
    """Return a line of a log without credentials.

    >>> cleaned("Authorization: AWS4 Credential=AKIA1/2020, Signature=ab12")
    'Authorization: (hidden) Credential=(hidden), Signature=(hidden)'
    """
    known = [os.environ.get(name, "") for name in _OF_ENVIRONMENT]
    for secret in (*secret_texts(), *known):
        if len(secret) > 3:
            text = text.replace(secret, "(hidden)")
    return _SIGNED.sub(lambda found: f"{found['name']}(hidden)", text)


def clean_logs() -> None:
    """Hang a filter on the loggers of those libraries; new ones are found at the next call."""
    for name, logger in list(logging.root.manager.loggerDict.items()):
        if name in _watched or not name.startswith(_LIBRARIES):
            continue
        if isinstance(logger, logging.Logger):
            logger.addFilter(_FILTER)
            _watched.add(name)
