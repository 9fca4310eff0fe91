"""The processor's floating-point flags around a kernel: they say whether NumPy might have warned.

    i64 kernel(ptr frame):                  flags that matter are cleared if they are set
        status = body(frame)
        return status, or flags << 32 if status is 0 and one is set

A flag stays set until it is cleared, and setting it costs nothing; reading the register takes a
nanosecond or two. So a kernel in which nothing happens pays for two reads and a test. Flags are set
too often (by a lane that a mask switches off, by a comparison with NaN, inside an elementary
function), hence they only say that it must be looked into (`entry.flagged`). Calls into Python use
the register as well: what was set before is put back after them.
"""

from __future__ import annotations

import sys
from platform import machine

INVALID, ZERO_DIVIDE, OVERFLOW, ALWAYS = 1, 4, 8, 256
"""Bits of MXCSR, and one that is reported by every call."""

WATCHED = INVALID | ZERO_DIVIDE | OVERFLOW
SHIFT = 32
"""Where the flags stand in a kernel's result."""

NATIVE = sys.maxsize > 2**32 and machine() in ("x86_64", "AMD64")
"""Elsewhere no flag is read and nothing is reported."""

INTRINSICS = ("llvm.x86.sse.stmxcsr", "llvm.x86.sse.ldmxcsr")
"""Of LLVM, taking a pointer: store the register, load it."""


def watched(body: str, always: bool) -> str:
    """The function @kernel around @body. A call of its own keeps arithmetic between the reads."""
    return f"""define i64 @kernel(ptr %frame) #0 {{
entry:
  %cell = alloca i32
  call void @llvm.x86.sse.stmxcsr(ptr %cell)
  %before = load i32, ptr %cell
  %old = and i32 %before, {WATCHED}
  %dirty = icmp ne i32 %old, 0
  br i1 %dirty, label %clear, label %run
clear:
  %clean = and i32 %before, {~WATCHED}
  store i32 %clean, ptr %cell
  call void @llvm.x86.sse.ldmxcsr(ptr %cell)
  br label %run
run:
  %status = call i64 @{body}(ptr %frame)
  call void @llvm.x86.sse.stmxcsr(ptr %cell)
  %after = load i32, ptr %cell
  %set = and i32 %after, {WATCHED}
  %all = or i32 %set, {ALWAYS if always else 0}
  %wide = zext i32 %all to i64
  %flags = shl i64 %wide, {SHIFT}
  %done = icmp eq i64 %status, 0
  %result = select i1 %done, i64 %flags, i64 %status
  ret i64 %result
}}
"""
