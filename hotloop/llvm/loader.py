"""Machine code into memory: a linker-loader for LLVM's ELF objects on x86-64 Linux, in Python.

    code = load(object)
    ctypes.CFUNCTYPE(ctypes.c_int64, ctypes.c_void_p)(code["kernel"])

It takes 0.05 ms and needs no llvmlite, so a kernel from the disk cache starts without LLVM. Code
and constants end in pages that are readable and executable, variables in pages that are writable;
no page is both at once (SELinux forbids it). Undefined functions of libc and libm are reached
through stubs, since they may be more than 2 GiB away. Elsewhere LLVM's linker does the same.

The format: System V ABI, AMD64 supplement, chapter 4 (object files, relocation).
"""

from __future__ import annotations

import ctypes
import mmap
import struct
import sys
from collections.abc import Iterator, Mapping
from platform import machine
from typing import Any

from hotloop.errors import InternalError
from hotloop.llvm import engine, externals

NATIVE = sys.platform == "linux" and machine() == "x86_64" and sys.maxsize > 2**32

_SECTION = struct.Struct("<IIQQQQIIQQ")   # name type flags addr offset size link info align entsize
_SYMBOL = struct.Struct("<IBBHQQ")        # name info other section value size
_RELOCATION = struct.Struct("<QQq")       # offset, symbol << 32 | type, addend
_PROGBITS, _SYMTAB, _RELA, _NOBITS, _INIT_ARRAY = 1, 2, 4, 8, 14
_WRITE, _ALLOC, _TLS = 1, 2, 0x400
_UNDEFINED, _ABSOLUTE = 0, 0xFFF1
_R_64, _R_PC32, _R_PLT32, _R_GOTPCREL, _R_PC64 = 1, 2, 4, 9, 24
_R_GOT = (_R_GOTPCREL, 41, 42)            # GOTPCRELX and REX_GOTPCRELX may be left unrelaxed
_JUMP = b"\xff\x25\x02\x00\x00\x00\xcc\xcc"   # jmp *2(%rip); the address follows, aligned
_STUB = 16                                # a jump and an address: also serves as a GOT slot


class Code:
    """Loaded machine code: `code["kernel"]` is an address. The memory is freed with the object, so
    whoever keeps an address keeps the Code."""

    __slots__ = ("_memory", "addresses", "size")

    def __init__(self, addresses: dict[str, int], memory: Any, size: int):
        self.addresses, self._memory, self.size = addresses, memory, size

    def __getitem__(self, name: str) -> int:
        return self.addresses[name]


def load(data: bytes, symbols: Mapping[str, int] | None = None) -> Code:
    """Load an object file (its bytes). `symbols` are addresses of functions it may refer to by
    name, besides those of libc and libm. Raises InternalError if the object is damaged, or refers
    to others."""
    symbols = symbols or {}
    if not NATIVE:
        addresses, handle = engine.link(data, ("kernel",), symbols)
        return Code(addresses, handle, len(data))
    try:
        return _load(data, symbols)
    except (struct.error, LookupError, ValueError, OverflowError, OSError, MemoryError) as error:
        raise InternalError(f"can't load an object file: {error!r}") from error


_protect = ctypes.CDLL(None, use_errno=True).mprotect if NATIVE else None
if _protect is not None:
    _protect.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]


class _Object:
    """The parts of an ELF file that matter here."""

    def __init__(self, data: bytes):
        if data[:7] != b"\x7fELF\x02\x01\x01" or data[16:20] != b"\x01\x00\x3e\x00":
            raise ValueError("not a relocatable x86-64 ELF file")
        self.data = data
        table, = struct.unpack_from("<Q", data, 40)
        count, = struct.unpack_from("<H", data, 60)
        self.sections = list(_SECTION.iter_unpack(self._cut(table, count * _SECTION.size)))
        self.symbols: list[tuple] = []
        for section in self.sections:
            if section[1] == _SYMTAB:
                self.symbols = list(_SYMBOL.iter_unpack(self._cut(section[4], section[5])))
                self.strings = self.sections[section[6]][4]

    def _cut(self, at: int, size: int) -> bytes:
        piece = self.data[at:at + size]
        if len(piece) != size:
            raise ValueError("truncated")
        return piece

    def name(self, symbol: tuple) -> str:
        at = self.strings + symbol[0]
        return self.data[at:self.data.index(b"\0", at)].decode()

    def content(self, section: tuple) -> bytes:
        return self._cut(section[4], section[5])

    def loaded(self, writable: int) -> Iterator[tuple[int, tuple]]:
        """Sections that take memory, with their numbers."""
        for k, section in enumerate(self.sections):
            _, kind, flags, _, _, size, *_ = section
            if not flags & _ALLOC or flags & _WRITE != writable or not size:
                continue
            if kind == _INIT_ARRAY or flags & _TLS:
                raise ValueError("static constructors or thread-local variables")
            if kind in (_PROGBITS, _NOBITS):    # not the unwind tables: no exception passes here
                yield k, section

    def relocations(self, placed: Mapping[int, int]) -> Iterator[tuple[int, int, tuple, int, int]]:
        """(offset in memory, type, symbol, its number, addend) for all in sections `placed`."""
        for _, kind, _, _, at, size, _, target, _, _ in self.sections:
            if kind == _RELA and target in placed:
                for offset, info, addend in _RELOCATION.iter_unpack(self._cut(at, size)):
                    number = info >> 32
                    yield (placed[target] + offset, info & 0xFFFFFFFF, self.symbols[number],
                           number, addend)


def _place(elf: _Object) -> tuple[dict[int, int], dict[int, int], int, int]:
    """Offsets of sections and of stubs (by symbol number), where the writable part begins (a page
    boundary), and the whole size."""
    size = 0
    placed: dict[int, int] = {}

    def place(writable: int) -> None:
        nonlocal size
        for k, section in elf.loaded(writable):
            size += -size % max(section[8], 1)
            placed[k] = size
            size += section[5]
    place(0)
    variables = {k: 0 for k, _ in elf.loaded(_WRITE)}
    stubs: dict[int, int] = {}
    size += -size % _STUB
    for _, kind, symbol, number, _ in elf.relocations({**placed, **variables}):
        if (symbol[3] == _UNDEFINED or kind in _R_GOT) and number not in stubs:
            stubs[number] = size
            size += _STUB
    size += -size % mmap.PAGESIZE
    frozen = size
    place(_WRITE)
    return placed, stubs, frozen, max(size, 1)


def _load(data: bytes, symbols: Mapping[str, int]) -> Code:
    elf = _Object(data)
    placed, stubs, frozen, size = _place(elf)
    memory = mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS,
                       prot=mmap.PROT_READ | mmap.PROT_WRITE)
    base = ctypes.addressof(ctypes.c_char.from_buffer(memory))

    def address(symbol: tuple) -> int:
        if symbol[3] in placed:
            return base + placed[symbol[3]] + symbol[4]
        if symbol[3] == _ABSOLUTE:
            return int(symbol[4])
        name = elf.name(symbol)
        found = symbols.get(name) or externals.system_symbol(name)
        if symbol[3] != _UNDEFINED or not found:
            raise ValueError(f"no address for the symbol {name!r}")
        return found

    for k, offset in placed.items():
        section = elf.sections[k]
        if section[1] != _NOBITS:
            memory[offset:offset + section[5]] = elf.content(section)
    for number, offset in stubs.items():
        memory[offset:offset + _STUB] = _JUMP + struct.pack("<Q", address(elf.symbols[number]))
    for at, kind, symbol, number, addend in elf.relocations(placed):
        here = base + at
        if kind in (_R_PC32, _R_PLT32):
            target = base + stubs[number] if number in stubs else address(symbol)
            struct.pack_into("<i", memory, at, target + addend - here)
        elif kind in _R_GOT:
            struct.pack_into("<i", memory, at, base + stubs[number] + 8 + addend - here)
        elif kind == _R_64:
            struct.pack_into("<Q", memory, at, address(symbol) + addend)
        elif kind == _R_PC64:
            struct.pack_into("<q", memory, at, address(symbol) + addend - here)
        else:
            raise ValueError(f"relocation type {kind}")

    assert _protect is not None
    if frozen and _protect(base, frozen, mmap.PROT_READ | mmap.PROT_EXEC):
        raise InternalError("the system forbids executable memory (mprotect failed with error "
                            f"{ctypes.get_errno()})")
    names = {elf.name(symbol): address(symbol) for symbol in elf.symbols
             if symbol[1] >> 4 and symbol[3] in placed}
    return Code(names, memory, size)
