"""LLVM itself: text to machine code. Only this module and `library` know llvmlite.

    object = compile_text(text)        # an ELF object (Mach-O, COFF elsewhere)
    code = loader.load(object)         # callable addresses

LLVM is loaded when the first text is compiled: a program whose kernels all come from the disk cache
never pays for it. `library` does that in 7 ms; what it lacks needs all of llvmlite, 45 ms.

Code is made for this machine's CPU (or HOTLOOP_CPU), position independent, in the small code model.
No pass pipeline runs unless asked for: the emitter's text is already the code wanted, and the
pipeline doubles the time.
"""

from __future__ import annotations

import functools
import os
import re
import threading
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from hotloop import config
from hotloop.errors import InternalError
from hotloop.llvm import library, target, thread

# LLVM contexts and target machines are not thread safe. Held during a fork, so that the child
# never inherits llvmlite's own lock in the hands of a thread that does not exist there.
# What compiles in the background has a lock, and target machines, of its own.
_lock, _background = threading.RLock(), threading.RLock()
if hasattr(os, "register_at_fork"):
    for _each in (_background, _lock):
        os.register_at_fork(before=_each.acquire, after_in_parent=_each.release,
                            after_in_child=_each.release)


_library = functools.cache(library.opened)


@functools.cache
def _library_machine(direct: library.Library, level: int, cpu: str,
                     background: bool = False) -> int:
    return direct.machine(level, cpu)


_preloading = _wanted = False            # LLVM is being loaded; a thread has a text to compile

WARM_UP = """define <16 x float> @f(<16 x float> %x) {
%y = fadd <16 x float> %x, %x
ret <16 x float> %y
}"""
"""LLVM's first compilation takes 5 ms more than its second: this one, if nobody waits."""


def preload(level: int) -> None:
    """Load LLVM in another thread, and run it once. Called before a function is traced: that takes
    as long as to load the library, which the interpreter's lock is not held for."""
    global _preloading
    if not _preloading:
        _preloading = True
        thread.start(_preload, level, config.cpu)


def _preload(level: int, cpu: str) -> None:
    with _lock:
        direct = _library()
        if direct is not None:
            with suppress(RuntimeError):        # compile_text will meet it, too, and tell
                machine = _library_machine(direct, level, cpu)
                if not _wanted:
                    direct.emit(WARM_UP, machine, object=True)


@functools.cache
def _llvm() -> Any:
    import llvmlite.binding as llvm
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    return llvm


@functools.cache
def _machine(level: int, cpu: str) -> Any:
    llvm = _llvm()
    features = "" if cpu else llvm.get_host_cpu_features().flatten()
    return llvm.Target.from_triple(triple()).create_target_machine(
        cpu=cpu or llvm.get_host_cpu_name(), features=features, opt=level, reloc="pic",
        codemodel="small", jit=False)


@functools.cache
def triple() -> str:
    """The target triple of this process."""
    return str(_llvm().get_process_triple())


def versions() -> str:
    """llvmlite's version, as a part of cache keys; does not load LLVM."""
    return f"llvmlite-{library.version()}"


def host() -> str:
    """What this machine's CPU can do, as a part of cache keys; does not load LLVM."""
    return target.this_machine()


def _parse(text: str) -> Any:
    llvm = _llvm()
    module = llvm.parse_assembly(text, context=llvm.create_context())
    module.verify()
    module.triple = triple()
    return module


def _run_passes(module: Any, machine: Any) -> None:
    llvm = _llvm()
    tuning = llvm.create_pipeline_tuning_options(speed_level=1)
    tuning.loop_vectorization = tuning.loop_interleaving = True
    builder = llvm.create_pass_builder(machine, tuning)
    builder.getModulePassManager().run(module, builder)


def _made(text: str, level: int, passes: bool, object: bool, background: bool = False) -> bytes:
    global _wanted
    _wanted = True
    # The module must die in here, with the lock held: freeing it takes llvmlite's lock.
    with _background if background and not passes and _library() is not None else _lock:
        try:
            return _generate(text, level, passes, object, background)
        except RuntimeError as error:
            raise _rejected(text, str(error).strip()) from None


def _generate(text: str, level: int, passes: bool, object: bool, background: bool) -> bytes:
    direct = None if passes else _library()
    if direct is not None:
        machine = _library_machine(direct, level, config.cpu, background)
        return direct.emit(text, machine, object=object)
    machine = _machine(level, config.cpu)
    module = _parse(text)
    if passes:
        _run_passes(module, machine)
    made = machine.emit_object(module) if object else machine.emit_assembly(module).encode()
    return bytes(made)


def _rejected(text: str, message: str) -> InternalError:
    place = re.search(r":(\d+):\d+: error", message)
    lines = text.splitlines()
    at = int(place[1]) if place else 0
    shown = f"\nline {at}: {lines[at - 1]}" if 0 < at <= len(lines) else ""
    return InternalError(f"LLVM rejects the text of a kernel: {message}{shown}")


def compile_text(text: str, level: int = 3, passes: bool = False,
                 background: bool = False) -> bytes:
    """An object file for LLVM text; `level` is that of code generation (0 is the first tier: fast
    to make, 2-3x slower to run), `passes` adds LLVM's own optimizer; `background`: while other
    threads compile, too. Raises InternalError if the text does not parse or breaks LLVM's rules:
    LLVM's code generator would end the process."""
    return _made(text, level, passes, True, background)


def assembly(text: str, level: int = 3, passes: bool = False) -> str:
    """The assembler listing of what `compile_text` makes."""
    return _made(text, level, passes, False).decode()


@functools.cache
def _jit() -> Any:
    return _llvm().create_lljit_compiler()


_linked = 0


def link(object: bytes, names: tuple[str, ...],
         externals: Mapping[str, int]) -> tuple[dict[str, int], Any]:
    """Load an object through LLVM's own linker, where `llvm.loader` has none: (addresses of
    `names`, a handle whose death unloads the code)."""
    global _linked
    with _lock:
        llvm = _llvm()
        for name, address in externals.items():
            llvm.add_symbol(name, address)
        _linked += 1                     # a library name can't be used twice
        builder = llvm.JITLibraryBuilder().add_object_img(object).add_current_process()
        for name in names:
            builder.export_symbol(name)
        tracker = builder.link(_jit(), f"kernel{_linked}")
        return {name: tracker[name] for name in names}, tracker
