"""What is known of the CPU without LLVM: how wide its vector registers are, and what it can do.

    register_bytes()        # 64 with AVX-512, 32 with AVX2, else 16
    this_machine()          # "Linux|x86_64|vendor_id : ...|flags : ..."

LLVM splits wider vectors and pads narrower ones, so a wrong answer costs speed, nothing else.
"""

from __future__ import annotations

import functools
import platform
import re

from hotloop import config

# No patterns that are compiled at import or where this machine is asked for: 0.2 ms each.
_WIDE = (r"v4|avx512|icelake|tigerlake|rocketlake|sapphirerapids|emeraldrapids|"
         r"graniterapids|cascadelake|cooperlake|znver[4-9]")
_NARROW = (r"x86-64(-v2)?|core2|nehalem|westmere|sandybridge|ivybridge|.*apple.*|"
           r".*cortex.*")
_TELLING = ("vendor_id", "cpu family", "model", "stepping", "flags", "Features", "CPU part")


def register_bytes() -> int:
    """Bytes of a vector register of HOTLOOP_CPU, or of this machine."""
    return _of_name(config.cpu) if config.cpu else _of_this_machine()


def _of_name(cpu: str) -> int:
    if re.search(_WIDE, cpu):
        return 64
    return 16 if re.fullmatch(_NARROW, cpu) else 32


@functools.cache
def this_machine() -> str:
    """System, architecture, and what distinguishes the CPU from others that run other code."""
    try:
        # One read of the first processor's lines: the system makes those of each other one on
        # demand, and may interrupt it to ask for its frequency.
        with open("/proc/cpuinfo", "rb", buffering=0) as file:
            first = (file.read(16384) or b"").decode("ascii", "replace").split("\n\n", 1)[0]
        kept = [line for line in first.splitlines() if line.partition(":")[0].strip() in _TELLING]
    except OSError:
        kept = [platform.processor()]
    return "|".join([platform.system(), platform.machine(), *kept])


@functools.cache
def _of_this_machine() -> int:
    flags = {flag for line in this_machine().split("|") if line.startswith("flags")
             for flag in line.partition(":")[2].split()}
    if {"avx512f", "avx512dq", "avx512bw", "avx512vl"} <= flags:
        return 64
    return 32 if "avx2" in flags else 16
