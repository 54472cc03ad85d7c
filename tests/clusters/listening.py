"""Who can be reached from other machines."""

from __future__ import annotations

import ipaddress

import psutil


def listening_elsewhere(process: int) -> list[str]:
    """Return the addresses that a process and its children listen on, but for loopback."""
    own = psutil.Process(process)
    found = [
        (one.pid, connection.laddr)
        for one in [own, *own.children(recursive=True)]
        for connection in one.net_connections("inet")
        if connection.status == psutil.CONN_LISTEN
    ]
    return [
        f"{pid}: {address}"
        for pid, address in found
        if not ipaddress.ip_address(address.ip).is_loopback
    ]
