"""Every HOTLOOP_* switch, declared once: name, type, default, help, whether it changes code.

A switch is read from the environment when hotloop is imported and may be assigned afterwards::

    >>> from hotloop import config
    >>> config.debug
    0

Switches that change generated code enter the key of the disk cache (`code_switches`).
`hotloop config` prints the table.
"""

from __future__ import annotations

import os
from typing import Any

from hotloop.record import record


@record
class Switch:
    name: str
    type: type
    default: Any
    changes_code: bool
    help: str

    @property
    def variable(self) -> str:
        return "HOTLOOP_" + self.name.upper()

    def read(self) -> Any:
        text = os.environ.get(self.variable)
        if text is None or text == "":
            return self.default
        if self.type is bool:
            return text.lower() not in ("0", "false", "off", "no")
        try:
            return self.type(text)
        except ValueError:
            raise ValueError(
                f"{self.variable}={text!r} is not {self.type.__name__}: {self.help}"
            ) from None


SWITCHES = (
    Switch("debug", int, 0, False,
           "1 compilations, 2 passes and times, 3 Program, 4 Loops, 5 LLVM, 6 assembly (stderr)"),
    Switch("dump", str, "", False, "a folder that gets one file a pass for each compilation"),
    Switch("cache", bool, True, False, "keep machine code on disk"),
    Switch("cache_dir", str, "", False, "where (default: $XDG_CACHE_HOME/hotloop)"),
    Switch("cache_size", int, 512, False, "cap of the disk cache in MiB"),
    Switch("verify", bool, False, False, "check the IR after every pass (on in the tests)"),
    Switch("disable", bool, False, False, "run plain Python instead of compiling"),
    Switch("opt", int, 1, True, "0: no vector code, codegen level 0; 1: everything"),
    Switch("skip", str, "", True, "comma-separated names of passes to leave out (triage)"),
    Switch("cpu", str, "", True, "target CPU (default: this machine's)"),
    Switch("tiers", bool, True, False,
           "compile quickly first where the call is short, and well in the background"),
    Switch("pool", bool, True, False, "recycle the memory of large arrays"),
    Switch("num_threads", int, 0, False, "threads of long loops (default: the CPUs available)"),
    Switch("parallel", int, 20000, True,
           "predicted nanoseconds from which loops run in threads (0: all, -1: none)"),
    Switch("stream", int, 0, True,
           "bytes stored from which on stores go past the caches (0: by their sizes, -1: never)"),
    Switch("fastmath", bool, False, True,
           "floats may be added in another order, and rounded once where Python rounds twice"),
    Switch("blas_threads", int, 0, True,
           "threads of NumPy's matrix library in calls from compiled code (0: one for small "
           "factorizations and in parallel loops, -1: as it is set)"),
    Switch("check_prange", bool, False, True, "prange loops check that they are independent"),
)

for _switch in SWITCHES:
    globals()[_switch.name] = _switch.read()

debug: int
dump: str
cache: bool
cache_dir: str
cache_size: int
verify: bool
disable: bool
opt: int
skip: str
cpu: str
tiers: bool
pool: bool
num_threads: int
parallel: int
stream: int
fastmath: bool
blas_threads: int
check_prange: bool


def skipped() -> frozenset[str]:
    """Names of the passes that HOTLOOP_SKIP leaves out."""
    return frozenset(part.strip() for part in globals()["skip"].split(",") if part.strip())


def code_switches() -> tuple[tuple[str, Any], ...]:
    """The switches that change generated code, with their present values."""
    return tuple((s.name, globals()[s.name]) for s in SWITCHES if s.changes_code)
