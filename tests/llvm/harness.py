"""Runs a Kernel's machine code on NumPy arguments, without the Python entry: a frame in ctypes.

    results = run(kernel, [x, 2.0])         # in the order of kernel.results; errors are raised

Arguments are arrays (written in place where the kernel writes them) and NumPy scalars.
"""

from __future__ import annotations

import ctypes
from typing import Any

import numpy as np

from hotloop.llvm import engine, externals, frame, loader
from hotloop.llvm.emit import emit
from hotloop.loops.core import Buffer, Call, Check, Kernel, walk

_ALLOC = ctypes.CFUNCTYPE(ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int64,
                          ctypes.POINTER(ctypes.c_int64))
_CALL = ctypes.CFUNCTYPE(ctypes.c_int64, ctypes.c_void_p, ctypes.c_int64,
                         ctypes.POINTER(ctypes.c_int64))
_KERNEL = ctypes.CFUNCTYPE(ctypes.c_int64, ctypes.c_void_p)


class Failed(Exception):
    """A check failed: (error number, operands)."""


def view(pointer: int, shape: tuple[int, ...], dtype: np.dtype) -> np.ndarray:
    count = int(np.prod(shape, dtype=np.int64))
    if not count:
        return np.empty(shape, dtype)
    memory = (ctypes.c_char * (count * dtype.itemsize)).from_address(pointer)
    return np.frombuffer(memory, dtype, count).reshape(shape)


class Machine:
    """A kernel's machine code and the frame to call it with."""

    def __init__(self, kernel: Kernel, level: int = 3, **options: Any):
        self.kernel = kernel
        self.emitted = emit(kernel, **options)
        self.code = loader.load(engine.compile_text(self.emitted.text, level,
                                                    self.emitted.wants_passes))
        addresses = [externals.resolve(name) for name in self.emitted.externals]
        self.table = (ctypes.c_int64 * max(1, len(addresses)))(*addresses)
        self.function = _KERNEL(self.code["kernel"])
        self.arrays: dict[int, np.ndarray] = {}
        self.sites = {s.site: s for s in walk(kernel.body)
                      if isinstance(s, Call) and s.routine is None}
        self.alloc, self.call = _ALLOC(self._alloc), _CALL(self._call)
        self.raised: BaseException | None = None

    def _alloc(self, _frame: int, number: int, dims: Any) -> int:
        result = self.emitted.frame.results[number]
        shape = tuple(dims[k] for k in range(result.rank))
        self.arrays[number] = np.full(shape, 77).astype(result.dtype)
        return self.arrays[number].ctypes.data

    def _call(self, _frame: int, site: int, cells: Any) -> int:
        call, at = self.sites[site], 0

        def item(x: Any) -> Any:
            nonlocal at
            if isinstance(x, Buffer):
                shape = tuple(cells[at + 1 + k] for k in range(len(x.shape)))
                found = view(cells[at], shape, x.dtype)
                at += 1 + len(shape)
                return found
            at += 1
            return view(ctypes.addressof(cells.contents) + 8 * (at - 1), (1,), x.dtype)[0]
        try:
            ins, outs = [item(x) for x in call.ins], [item(x) for x in call.outs]
            results = self.kernel.sites[site](*ins)
            results = results if isinstance(results, tuple) else (results,)
            for out, value in zip(outs, results, strict=False):
                out[...] = value
            for (_, dtype), value in zip(call.scalars, results[len(outs):], strict=True):
                view(ctypes.addressof(cells.contents) + 8 * at, (1,), dtype)[0] = value
                at += 1
        except ValueError as error:
            self.raised = error
            return -1
        return 0

    def frame(self, given: list[Any]) -> Any:
        args: list[Any] = []
        for x in given:
            if not np.iscomplexobj(x):
                args.append(x)
            elif isinstance(x, np.ndarray):
                part = x.real.dtype
                args.append(np.lib.stride_tricks.as_strided(
                    x.real, (*x.shape, 2), (*x.strides, part.itemsize)))
            else:
                args += [x.real, x.imag]
        layout = self.emitted.frame
        memory = np.zeros(layout.size, np.int64)
        memory[frame.ALLOC] = ctypes.cast(self.alloc, ctypes.c_void_p).value
        memory[frame.CALL] = ctypes.cast(self.call, ctypes.c_void_p).value
        memory[frame.TABLE] = ctypes.addressof(self.table)
        for arg, place in zip(args, layout.params, strict=True):
            if isinstance(place, frame.ScalarSlot):
                memory[place.slot:place.slot + 1].view(place.dtype)[0] = arg
                continue
            assert arg.dtype == place.dtype and arg.ndim == place.rank
            memory[place.slot] = arg.__array_interface__["data"][0]
            memory[place.dims:place.dims + place.rank] = arg.shape
            if not place.contiguous:
                memory[place.strides:place.strides + place.rank] = arg.strides
        return memory

    def __call__(self, *args: Any) -> list[Any]:
        memory = self.frame(list(args))
        self.raised, self.arrays = None, {}
        status = self.function(memory.ctypes.data)
        if status == -1:
            raise self.raised or MemoryError
        if status:
            operands = next((s.operands for s in walk(self.kernel.body)
                             if isinstance(s, Check) and s.error == status - 1), ())
            raise Failed(status - 1, tuple(
                memory[frame.OPERANDS + k:frame.OPERANDS + k + 1].view(x.dtype)[0]
                for k, x in enumerate(operands)))
        return [self.arrays[k] if isinstance(place, frame.ArrayResult)
                else memory[place.slot:place.slot + 1].view(place.dtype)[0]
                for k, place in enumerate(self.emitted.frame.results)]


def run(kernel: Kernel, args: list[Any], **options: Any) -> list[Any]:
    return Machine(kernel, **options)(*args)
