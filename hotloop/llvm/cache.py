"""A store of bytes on disk under keys that say everything the bytes depend on.

    put("3f2a...", data)
    get("3f2a...")          # the data, or None

Entries are written to a temporary file and renamed, so readers and other processes see whole ones
or none; each carries a checksum of its key and content, and one that fails it is removed and
ignored. The folder is private to the user (what it holds is run as code): one that belongs to, or
can be written by, somebody else is refused with a warning. Where nothing can be written, entries
are kept in memory. Above HOTLOOP_CACHE_SIZE the least recently used ones go.
"""

from __future__ import annotations

import os
import stat
import threading
import time
import warnings
from contextlib import suppress
from pathlib import Path

from hotloop import config
from hotloop.digest import blake2b
from hotloop.record import record

_MAGIC = b"hotloop1"
_CHECK = 16
_HEADER = len(_MAGIC) + _CHECK
_SUFFIX = ".entry"
_STALE = 3600.0                  # seconds after which a temporary file is a dead writer's

_lock = threading.Lock()
_usable: dict[str, bool] = {}    # folder -> whether this process may use it
_memory: dict[str, bytes] = {}
_unchecked: dict[str, int] = {}  # folder -> bytes written since its size was last checked


@record
class Info:
    """What the cache holds; `folder` is None if it is in memory only."""
    folder: str | None
    entries: int
    bytes: int
    limit: int

    def __str__(self) -> str:
        where = self.folder or "memory only (no private, writable folder)"
        return (f"{where}\n{self.entries} entries, {self.bytes / 2**20:.1f} MiB "
                f"of at most {self.limit / 2**20:.0f} MiB")


def _folder() -> Path:
    if config.cache_dir:
        root = Path(config.cache_dir).expanduser()
    elif os.environ.get("XDG_CACHE_HOME"):
        root = Path(os.environ["XDG_CACHE_HOME"]) / "hotloop"
    else:
        root = Path(os.path.expanduser("~")) / ".cache" / "hotloop"
    return root / "code"


def _check_private(folder: Path) -> str:
    """Why the folder can't be trusted, or ""."""
    status = os.lstat(folder)
    if not stat.S_ISDIR(status.st_mode):
        return "it is not a folder"
    if hasattr(os, "geteuid"):
        if status.st_uid != os.geteuid():
            return "it belongs to another user"
        if status.st_mode & 0o077:
            return "others have access to it (chmod 700 it, or remove it)"
    return ""


def _open_folder() -> Path | None:
    """The folder, made if need be; None if it can't be used."""
    folder = _folder()
    name = str(folder)
    known = _usable.get(name)
    if known is None or (known and not folder.is_dir()):
        problem = ""
        try:
            folder.parent.mkdir(parents=True, exist_ok=True)
            with suppress(FileExistsError):
                folder.mkdir(mode=0o700)
            problem = _check_private(folder)
            known = not problem and os.access(folder, os.W_OK | os.X_OK)
        except OSError:
            known = False
        if problem:
            warnings.warn(f"hotloop does not use its cache folder {name}: {problem}",
                          RuntimeWarning, stacklevel=2)
        _usable[name] = known
    return folder if known else None


def _path(folder: Path, key: str) -> Path:
    name = key if key.isalnum() and len(key) <= 100 else blake2b(key.encode()).hexdigest()
    return folder / (name + _SUFFIX)


def _checksum(key: str, data: bytes) -> bytes:
    return blake2b(data, digest_size=_CHECK, key=key.encode()[:64]).digest()


def get(key: str) -> bytes | None:
    """The bytes last put under `key`, or None."""
    with _lock:
        folder = _open_folder()
        if folder is None:
            return _memory.get(key)
    path = _path(folder, key)
    try:
        content = path.read_bytes()
    except OSError:
        return None
    data = content[_HEADER:]
    if content[:_HEADER] != _MAGIC + _checksum(key, data):
        with suppress(OSError):
            path.unlink()
        return None
    with suppress(OSError):
        os.utime(path)                   # the time of last use, for _evict
    return data


def put(key: str, data: bytes) -> None:
    """Keep `data` under `key`, replacing what was there. Never raises for want of space or rights:
    a cache may forget."""
    with _lock:
        folder = _open_folder()
        if folder is None:
            _memory.pop(key, None)
            _memory[key] = data
            while sum(map(len, _memory.values())) > _limit() and _memory:
                del _memory[next(iter(_memory))]
            return
    try:
        temporary = folder / f"{os.getpid()}-{os.urandom(8).hex()}"
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError:
        return
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(_MAGIC + _checksum(key, data) + data)
        os.replace(temporary, _path(folder, key))
    except OSError:
        with suppress(OSError):
            os.unlink(temporary)
        return
    with _lock:
        name = str(folder)
        _unchecked[name] = _unchecked.get(name, _limit()) + len(data)
        if _unchecked[name] > _limit() // 16:        # always true the first time
            _evict(folder)
            _unchecked[name] = 0


def _limit() -> int:
    return max(0, config.cache_size) * 2**20


def _files(folder: Path) -> list[tuple[float, int, Path]]:
    """(time of last use, size, path) of each entry; dead writers' temporary files are removed."""
    found = []
    with suppress(OSError), os.scandir(folder) as listing:
        for item in listing:
            with suppress(OSError):      # another process removed it meanwhile
                status = item.stat(follow_symlinks=False)
                if item.name.endswith(_SUFFIX):
                    found.append((status.st_mtime, status.st_size, Path(item.path)))
                elif time.time() - status.st_mtime > _STALE:
                    os.unlink(item.path)
    return found


def holds_any() -> bool:
    """Whether there is an entry at all; quick, and without making the folder."""
    with suppress(OSError), os.scandir(_folder()) as listing:
        return any(item.name.endswith(_SUFFIX) for item in listing)
    return bool(_memory)


def _evict(folder: Path) -> None:
    files = sorted(_files(folder), key=lambda f: f[0])
    excess = sum(size for _, size, _ in files) - _limit()
    for _, size, path in files:
        if excess <= 0:
            break
        with suppress(OSError):
            path.unlink()
        excess -= size


def info() -> Info:
    """What there is, for the `hotloop cache` command."""
    with _lock:
        folder = _open_folder()
    if folder is None:
        return Info(None, len(_memory), sum(map(len, _memory.values())), _limit())
    files = _files(folder)
    return Info(str(folder), len(files), sum(size for _, size, _ in files), _limit())


def clear() -> int:
    """Remove all entries; how many there were."""
    with _lock:
        folder = _open_folder()
        count = len(_memory)
        _memory.clear()
    if folder is not None:
        for _, _, path in _files(folder):
            with suppress(OSError):
                path.unlink()
                count += 1
    return count
