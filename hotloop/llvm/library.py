"""LLVM by ctypes: the dozen functions of llvmlite's library that lead from text to an object.

    llvm = library.opened()             # None for a version that this wasn't checked for
    object = llvm.emit(text, llvm.machine(3, "skylake"), object=True)

`import llvmlite.binding` declares all of LLVM's interface, which takes 30 ms of the 45 that a first
compilation would spend in it (the other 7 load the library). Whatever isn't here, the passes and
the linker, goes through llvmlite itself, as all does for a version of it that isn't listed.

The functions and their types are those of llvmlite/binding/{module,targets,context}.py.
"""

from __future__ import annotations

import ctypes
import os
import re
from ctypes import POINTER, byref, c_bool, c_char_p, c_int, c_size_t, c_void_p
from typing import Any

import llvmlite
from llvmlite.utils import get_library_name

VERSIONS = re.compile(r"0\.(48|49|50)\.")
"""Releases of llvmlite whose library has these functions, of these types."""

_text = POINTER(c_char_p)
_FUNCTIONS: dict[str, tuple[Any, tuple[Any, ...]]] = {
    "InitializeNativeTarget": (None, ()),
    "InitializeNativeAsmPrinter": (None, ()),
    "DisposeString": (None, (c_char_p,)),
    "ContextCreate": (c_void_p, ()),
    "ContextDispose": (None, (c_void_p,)),
    "ParseAssembly": (c_void_p, (c_void_p, c_char_p, _text)),
    "VerifyModule": (c_bool, (c_void_p, _text)),
    "SetTarget": (None, (c_void_p, c_char_p)),
    "DisposeModule": (None, (c_void_p,)),
    "GetProcessTriple": (None, (_text,)),
    "GetHostCPUName": (None, (_text,)),
    "GetHostCPUFeatures": (c_int, (_text,)),
    "GetTargetFromTriple": (c_void_p, (c_char_p, _text)),
    "CreateTargetMachine": (c_void_p, (c_void_p, c_char_p, c_char_p, c_char_p, c_int, c_char_p,
                                       c_char_p, c_int, c_int, c_char_p)),
    "TargetMachineEmitToMemory": (c_void_p, (c_void_p, c_void_p, c_int, _text)),
    "GetBufferStart": (c_void_p, (c_void_p,)),
    "GetBufferSize": (c_size_t, (c_void_p,)),
    "DisposeMemoryBuffer": (None, (c_void_p,)),
}


def version() -> str:
    return str(llvmlite.__version__)


def opened() -> Library | None:
    """The library, or None if llvmlite must be imported instead."""
    if not VERSIONS.match(version()):
        return None
    path = os.path.join(os.path.dirname(llvmlite.__file__), "binding", get_library_name())
    try:
        return Library(ctypes.CDLL(path))
    except (OSError, AttributeError):       # in a zip file; built in another way
        return None


class Library:
    """Errors are RuntimeErrors with LLVM's message, as llvmlite's are. Not thread safe."""

    def __init__(self, library: ctypes.CDLL):
        self.functions = {}
        for name, (result, parameters) in _FUNCTIONS.items():
            function = library["LLVMPY_" + name]
            function.restype, function.argtypes = result, parameters
            self.functions[name] = function
        self.functions["InitializeNativeTarget"]()
        self.functions["InitializeNativeAsmPrinter"]()
        self.triple = self._told("GetProcessTriple")

    def _told(self, name: str, *args: object) -> str:
        """What a function writes to its last parameter."""
        text = c_char_p()
        self.functions[name](*args, byref(text))
        return self._taken(text)

    def _taken(self, text: c_char_p) -> str:
        value = (text.value or b"").decode()
        self.functions["DisposeString"](text)
        return value

    def _made(self, name: str, *args: object) -> int:
        """What a function makes; if nothing, its last parameter says why."""
        message = c_char_p()
        made = self.functions[name](*args, byref(message))
        told = self._taken(message)
        if not made:
            raise RuntimeError(told)
        return int(made)

    def machine(self, level: int, cpu: str) -> int:
        """A target machine for `cpu` ("": the host); it is never freed."""
        features = "" if cpu else ",".join(sorted(
            self._told("GetHostCPUFeatures").split(","), key=lambda feature: feature[1:]))
        triple = self.triple.encode()
        target = self._made("GetTargetFromTriple", triple)
        made = self.functions["CreateTargetMachine"](
            target, triple, (cpu or self._told("GetHostCPUName")).encode(), features.encode(),
            level, b"pic", b"small", 0, 0, b"")
        if not made:
            raise RuntimeError(f"no target machine for {cpu!r}")
        return int(made)

    def emit(self, text: str, machine: int, *, object: bool) -> bytes:
        """The object file, or the assembler listing, of LLVM text. Bad text raises RuntimeError:
        without the verifier (0.1 ms) it would end the process."""
        call = self.functions
        context = call["ContextCreate"]()
        try:
            module = self._made("ParseAssembly", context, text.encode())
            try:
                if (problem := self._told("VerifyModule", module)):
                    raise RuntimeError(problem)
                call["SetTarget"](module, self.triple.encode())
                buffer = self._made("TargetMachineEmitToMemory", machine, module, int(object))
                try:
                    return ctypes.string_at(call["GetBufferStart"](buffer),
                                            call["GetBufferSize"](buffer))
                finally:
                    call["DisposeMemoryBuffer"](buffer)
            finally:
                call["DisposeModule"](module)
        finally:
            call["ContextDispose"](context)
