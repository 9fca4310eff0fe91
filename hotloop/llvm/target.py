"""What the emitter must know of the CPU: how wide its vector registers are.

    register_bytes()        # 64 with AVX-512, 32 with AVX2, else 16

LLVM splits wider vectors and pads narrower ones, so a wrong answer costs speed, nothing else.
"""

from __future__ import annotations

import functools
import re

from hotloop import config

_WIDE = re.compile(r"v4|avx512|icelake|tigerlake|rocketlake|sapphirerapids|emeraldrapids|"
                   r"graniterapids|cascadelake|cooperlake|znver[4-9]")
_NARROW = re.compile(r"x86-64(-v2)?|core2|nehalem|westmere|sandybridge|ivybridge|.*apple.*|"
                     r".*cortex.*")


def register_bytes() -> int:
    """Bytes of a vector register of HOTLOOP_CPU, or of this machine."""
    return _of_name(config.cpu) if config.cpu else _of_this_machine()


def _of_name(cpu: str) -> int:
    if _WIDE.search(cpu):
        return 64
    return 16 if _NARROW.fullmatch(cpu) else 32


@functools.cache
def _of_this_machine() -> int:
    try:
        with open("/proc/cpuinfo", encoding="ascii", errors="replace") as file:
            line = re.search(r"^flags\s*:(.*)$", file.read(), re.MULTILINE)
    except OSError:
        return 16
    flags = set(line[1].split()) if line else set()
    if {"avx512f", "avx512dq", "avx512bw", "avx512vl"} <= flags:
        return 64
    return 32 if "avx2" in flags else 16
