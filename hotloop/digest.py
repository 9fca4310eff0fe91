"""BLAKE2b for keys and checksums.

`hashlib` gives the same function, but loads OpenSSL for others: 3 ms of a start.
"""

from __future__ import annotations

try:
    from _blake2 import blake2b
except ImportError:                 # no part of CPython's promises
    from hashlib import blake2b

__all__ = ["blake2b"]
