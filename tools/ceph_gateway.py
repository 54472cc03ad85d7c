"""A real S3 server for tests and benchmarks: one Ceph RADOS Gateway with its cluster, on loopback.

    python tools/ceph_gateway.py [--disk]        start it, say where it is, run until interrupted

One monitor, one object store daemon and one gateway; no systemd, no manager, no container. They
run as children of this process, in a temporary folder, and end with it, whatever ends it.
Needs the Debian packages radosgw, ceph-mon, ceph-osd and ceph-common (tools/install-ceph).
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

__all__ = ["PROGRAMS", "gateway", "missing_programs"]

PROGRAMS = (
    "ceph", "ceph-authtool", "ceph-mon", "ceph-osd", "monmaptool", "radosgw", "radosgw-admin",
)  # fmt: skip

_FOLDERS = "climcube-ceph-"
# cephx stays on: the gateway does not start without. Regions are not checked: tests pass several.
_CONFIGURATION = """
[global]
fsid = {fsid}
mon host = v2:127.0.0.1:{mon}
mon initial members = a
public network = 127.0.0.0/8
cluster network = 127.0.0.0/8
ms bind ipv6 = false
keyring = {folder}/keyring
osd pool default size = 1
osd pool default min size = 1
osd pool default pg num = 8
osd pool default pgp num = 8
osd pool default pg autoscale mode = off
mon max pg per osd = 1000
osd crush chooseleaf type = 0
osd objectstore = {kind}
run dir = {folder}/run
admin socket = {folder}/run/$name.asok
log file = {folder}/log/$name.log
pid file = {folder}/run/$name.pid
crash dir = {folder}/crash
[mon]
mon data = {folder}/mon
mon cluster log file = {folder}/log/cluster.log
mon data avail crit = 1
mon data avail warn = 1
auth allow insecure global id reclaim = false
[osd]
osd data = {folder}/osd
memstore device bytes = 8589934592
bluestore block size = 17179869184
[client.rgw.a]
rgw data = {folder}/rgw
rgw frontends = beast endpoint=127.0.0.1:{port}
rgw thread pool size = 64
rgw relaxed region enforcement = true
"""


def missing_programs() -> list[str]:
    """Return the programs that are not installed."""
    return [name for name in (*PROGRAMS, "setpriv") if shutil.which(name) is None]


@contextmanager
def gateway(key: str, secret: str, *, disk: bool = False) -> Iterator[str]:
    """Run a gateway with one user; yield its endpoint.

    Objects are kept in memory, or on disk (slower to start, as a real one stores them).
    """
    missing = missing_programs()
    if missing:
        raise RuntimeError(f"not installed: {', '.join(missing)}; run tools/install-ceph as root")
    # Paths of Unix sockets are limited to 107 characters.
    _remove_abandoned(Path("/tmp"))
    folder = Path(tempfile.mkdtemp(prefix=f"{_FOLDERS}{os.getpid()}-", dir="/tmp"))
    try:
        with ExitStack() as processes:
            yield _started(folder, key, secret, processes, kind="bluestore" if disk else "memstore")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _remove_abandoned(parent: Path) -> None:
    """Remove the folders of processes that were killed before they could do so."""
    for folder in parent.glob(f"{_FOLDERS}*"):
        owner = folder.name.removeprefix(_FOLDERS).partition("-")[0]
        if owner.isdigit() and not Path(f"/proc/{owner}").exists():
            shutil.rmtree(folder, ignore_errors=True)


def _started(folder: Path, key: str, secret: str, processes: ExitStack, *, kind: str) -> str:
    for name in ("mon", "osd", "rgw", "run", "log", "crash"):
        (folder / name).mkdir()
    port, mon, fsid = _free_port(), _free_port(), str(uuid.uuid4())
    configuration = folder / "ceph.conf"
    configuration.write_text(
        _CONFIGURATION.format(folder=folder, fsid=fsid, mon=mon, port=port, kind=kind)
    )
    here = ["-c", str(configuration)]
    keyring = str(folder / "keyring")
    for arguments in (
        ["--create-keyring", "--gen-key", "-n", "mon.", "--cap", "mon", "allow *"],
        ["--gen-key", "-n", "client.admin", "--cap", "mon", "allow *", "--cap", "osd", "allow *",
         "--cap", "mgr", "allow *"],
        ["--gen-key", "-n", "client.rgw.a", "--cap", "mon", "allow rw", "--cap", "osd",
         "allow rwx"],
    ):  # fmt: skip
        _run("ceph-authtool", *here, keyring, *arguments)
    monmap = str(folder / "monmap")
    address = f"[v2:127.0.0.1:{mon}]"
    _run("monmaptool", *here, "--create", "--addv", "a", address, "--fsid", fsid, monmap)
    _run("ceph-mon", *here, "-i", "a", "--mkfs", "--monmap", monmap, "--keyring", keyring)
    _daemon(processes, folder, "ceph-mon", *here, "-f", "-i", "a")
    osd, osd_key = str(uuid.uuid4()), _run("ceph-authtool", "--gen-print-key").strip()
    given = json.dumps({"cephx_secret": osd_key})
    number = _run("ceph", *here, "osd", "new", osd, "-i", "-", given=given).strip()
    _run("ceph-authtool", keyring, "-n", f"osd.{number}", "--add-key", osd_key,
         "--cap", "mon", "allow profile osd", "--cap", "osd", "allow *")  # fmt: skip
    _run("ceph-osd", *here, "-i", number, "--mkfs", "--osd-uuid", osd, "--key", osd_key)
    _daemon(processes, folder, "ceph-osd", *here, "-f", "-i", number)
    _wait(lambda: "1 up" in _run("ceph", *here, "osd", "stat"), "the object store daemon")
    _run("radosgw-admin", *here, "user", "create", "--uid", "tests", "--display-name", "tests",
         f"--access-key={key}", f"--secret-key={secret}")  # fmt: skip
    _daemon(processes, folder, "radosgw", *here, "-f", "-n", "client.rgw.a")
    endpoint = f"http://127.0.0.1:{port}"
    _wait(lambda: _answers(endpoint), "the gateway")
    return endpoint


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def _run(program: str, *arguments: str, given: str | None = None) -> str:
    done = subprocess.run(
        [program, *arguments],
        check=False,
        input=given,
        capture_output=True,
        text=True,
        timeout=300,
    )
    if done.returncode:
        raise RuntimeError(f"{program} failed: {(done.stderr or done.stdout).strip()[-500:]}")
    return done.stdout


def _daemon(processes: ExitStack, folder: Path, program: str, *arguments: str) -> None:
    """Start a child that the kernel ends when this process is killed; stop it on the way out."""
    log = processes.enter_context((folder / "log" / f"{program}.out").open("wb"))
    command = ["setpriv", "--pdeathsig", "KILL", program, *arguments]
    child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    processes.callback(_stop, child)


def _stop(child: subprocess.Popen[bytes]) -> None:
    # Nothing is kept: there is no reason to wait for an orderly end.
    child.kill()
    child.wait(30)


def _wait(condition: object, what: str, seconds: float = 180) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():  # type: ignore[operator]
            return
        time.sleep(0.1)
    raise RuntimeError(f"{what} did not start within {seconds:g} s")


def _answers(endpoint: str) -> bool:
    try:
        urllib.request.urlopen(endpoint, timeout=2).close()
    except urllib.error.HTTPError:
        return True
    except OSError:
        return False
    return True


def main() -> None:
    """Run a gateway until interrupted."""
    parser = argparse.ArgumentParser(description=str(__doc__).splitlines()[0])
    parser.add_argument("--disk", action="store_true", help="keep objects on disk")
    parser.add_argument("--key", default="climcube")
    parser.add_argument("--secret", default="climcube-secret")
    given = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    with gateway(given.key, given.secret, disk=given.disk) as endpoint:
        print(f"endpoint_url={endpoint} key={given.key} secret={given.secret}", flush=True)
        try:
            signal.pause()
        except KeyboardInterrupt:
            print()


if __name__ == "__main__":
    main()
