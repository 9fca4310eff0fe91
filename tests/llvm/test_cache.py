"""The store on disk: round trip, damage, privacy, eviction, several processes."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from hotloop import config
from hotloop.llvm import cache

KEY = "ab" * 20


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.setattr(config, "cache_dir", str(tmp_path))
    monkeypatch.setattr(config, "cache_size", 512)
    monkeypatch.setattr(cache, "_memory", {})
    return tmp_path / "code"


def entry(folder):
    (path,) = folder.glob("*.entry")
    return path


def test_round_trip(folder):
    assert cache.get(KEY) is None
    cache.put(KEY, b"one")
    cache.put(KEY, b"two")
    cache.put("another key, with / in it", b"three")
    assert cache.get(KEY) == b"two"
    assert cache.get("another key, with / in it") == b"three"
    assert cache.get("cd" * 20) is None
    assert os.stat(folder).st_mode & 0o777 == 0o700
    assert cache.info().entries == 2
    assert cache.clear() == 2
    assert cache.get(KEY) is None
    assert "0 entries" in str(cache.info())


@pytest.mark.parametrize("damage", [
    lambda b: b"", lambda b: b[:10], lambda b: b[:-1], lambda b: b + b"x",
    lambda b: b[:-3] + bytes([b[-3] ^ 1]) + b[-2:], lambda b: b"not of hotloop" * 9])
def test_damaged_entries_are_ignored_and_removed(folder, damage):
    cache.put(KEY, b"some machine code")
    path = entry(folder)
    path.write_bytes(damage(path.read_bytes()))
    assert cache.get(KEY) is None
    assert not path.exists()


def test_an_entry_is_bound_to_its_key(folder):
    cache.put(KEY, b"code")
    other = "cd" * 20
    entry(folder).rename(folder / (other + ".entry"))
    assert cache.get(other) is None


def test_a_folder_open_to_others_is_refused(folder):
    folder.mkdir(parents=True)
    folder.chmod(0o755)
    with pytest.warns(RuntimeWarning, match="others have access"):
        cache.put(KEY, b"code")
    assert list(folder.iterdir()) == []
    assert cache.get(KEY) == b"code"                     # from memory
    assert cache.info().folder is None


@pytest.mark.skipif(not hasattr(os, "symlink"), reason="no symbolic links")
def test_a_link_is_refused(folder, tmp_path):
    (tmp_path / "elsewhere").mkdir(mode=0o700)
    folder.symlink_to(tmp_path / "elsewhere")
    with pytest.warns(RuntimeWarning, match="not a folder"):
        cache.put(KEY, b"code")


def test_an_unwritable_place_means_memory(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setattr(config, "cache_dir", str(tmp_path / "file"))
    cache.put(KEY, b"code")
    assert cache.get(KEY) == b"code"
    assert cache.clear() == 1


def test_the_least_recently_used_goes_first(folder, monkeypatch):
    monkeypatch.setattr(config, "cache_size", 1)
    now = time.time()
    for k in range(5):
        cache.put(f"key{k}", bytes(200_000))
        os.utime(folder / f"key{k}.entry", (now - 100 + k, now - 100 + k))
    assert cache.get("key0") is not None                 # used again: the latest now
    cache.put("key5", bytes(200_000))
    assert cache.get("key1") is None
    assert cache.get("key0") is not None and cache.get("key5") is not None
    assert cache.info().bytes <= 2**20


def test_dead_temporary_files_go(folder):
    cache.put(KEY, b"code")
    left = folder / "tmpabc"
    left.write_bytes(b"half")
    os.utime(left, (1, 1))
    cache.info()
    assert not left.exists()


def test_processes_share_it(folder, tmp_path):
    script = ("from hotloop.llvm import cache\nimport sys\n"
              "for k in range(60):\n"
              "    cache.put(f'key{k % 7}', bytes([k % 7]) * 50_000)\n"
              "    data = cache.get(f'key{k % 5}')\n"
              "    assert data is None or data == bytes([k % 5]) * 50_000\n")
    environment = {**os.environ, "HOTLOOP_CACHE_DIR": str(tmp_path), "HOTLOOP_CACHE_SIZE": "1",
                   "PYTHONPATH": str(Path(__file__).parents[2])}
    running = [subprocess.Popen([sys.executable, "-c", script], env=environment)
               for _ in range(3)]
    assert [p.wait(60) for p in running] == [0, 0, 0]
    assert cache.get("key3") == bytes([3]) * 50_000
