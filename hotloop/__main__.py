"""The `hotloop` command: bench, cache, config, coverage, fuzz, print, run."""

from __future__ import annotations

import argparse
import sys
import textwrap
from pathlib import Path

import numpy as np

from hotloop import config
from hotloop.bench import command as bench
from hotloop.compile import Watch, lower
from hotloop.frontend import names
from hotloop.fuzz import command as fuzz
from hotloop.fuzz import coverage
from hotloop.ir import interp
from hotloop.ir import text as ir_text
from hotloop.ir.core import Program, Var, dims
from hotloop.ir.verify import verify
from hotloop.llvm import cache
from hotloop.ops import OPS


def _read(path: Path) -> Program:
    program = ir_text.parse(path.read_text(), OPS)
    verify(program)
    return program


def _print(options: argparse.Namespace) -> int:
    program = _read(options.file)
    lowered = lower(program, [True] * len(program.params), Watch(options.file.name),
                    fast=config.fastmath)
    for stage in ("loops", "llvm", "asm"):
        if getattr(options, stage):
            print(getattr(lowered, stage))
            return 0
    print(lowered.program)
    return 0


def _operands(program: Program, size: int, seed: int) -> list[object]:
    """Random operands for a Program, every symbolic dimension of one size."""
    rng = np.random.default_rng(seed)
    sizes: dict[Var, int] = dict.fromkeys(dims(program), size)
    made: list[object] = []
    for param in program.params:
        shape = tuple(d if isinstance(d, int) else sizes.get(d, size) for d in param.shape)
        if not shape and param in {d for p in program.params for d in p.shape}:
            made.append(np.int64(size))
            continue
        values = rng.standard_normal(shape) * 3
        made.append(np.asarray(values).astype(param.dtype)[()])
    return made


def _run(options: argparse.Namespace) -> int:
    program = _read(options.file)
    operands = _operands(program, options.size, options.seed)
    for param, value in zip(program.params, operands, strict=True):
        print(f"{param.type!r} = {value!r}")
    for k, value in enumerate(interp.run(program, operands)):
        print(f"result {k} = {value!r}")
    return 0


def _cache(options: argparse.Namespace) -> int:
    if options.action == "clear":
        print(f"removed {cache.clear()} entries")
        return 0
    print(cache.info())
    return 0


def _config(options: argparse.Namespace) -> int:
    for switch in config.SWITCHES:
        print(f"{switch.variable:20} {getattr(config, switch.name)!r:10} {switch.help}")
    return 0


def _coverage(options: argparse.Namespace) -> int:
    if options.check:
        return coverage.check(options)
    by_word: dict[str, list[str]] = {}
    for name, word in names.coverage().items():
        by_word.setdefault(word, []).append(name)
    for word, members in by_word.items():
        print(f"{word}: {len(members)}")
        if word != names.UNSUPPORTED:
            _listed(members, "  ")
    reasons: dict[str, list[str]] = {}
    for name in by_word.get(names.UNSUPPORTED, ()):
        reasons.setdefault(names.why(name), []).append(name)
    for why, members in reasons.items():
        print(f"  {why}:")
        _listed(members, "    ")
    return 0


def _listed(members: list[str], indent: str) -> None:
    print(textwrap.fill(" ".join(members), 98, initial_indent=indent, subsequent_indent=indent,
                        break_long_words=False, break_on_hyphens=False))


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="hotloop", description="A just-in-time compiler for numerical Python.")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    sub = commands.add_parser("bench", help="measure hotloop against other systems")
    bench.add_arguments(sub)
    sub.set_defaults(function=bench.run)
    sub = commands.add_parser("cache", help="the machine code kept on disk")
    sub.add_argument("action", choices=("info", "clear"))
    sub.set_defaults(function=_cache)
    sub = commands.add_parser("config", help="the HOTLOOP_* switches and their values")
    sub.set_defaults(function=_config)
    sub = commands.add_parser("coverage", help="NumPy's public names: native, via NumPy, ...")
    coverage.add_arguments(sub)
    sub.set_defaults(function=_coverage)
    sub = commands.add_parser("fuzz", help="compare random programs, or a function, with Python")
    fuzz.add_arguments(sub)
    sub.set_defaults(function=fuzz.fuzz)
    sub = commands.add_parser("print", help="show a Program (a text file) after the passes")
    sub.add_argument("file", type=Path)
    for stage in ("loops", "llvm", "asm"):
        sub.add_argument(f"--{stage}", action="store_true", help=f"further down: {stage}")
    sub.set_defaults(function=_print)
    sub = commands.add_parser("run", help="run a Program in the interpreter on random operands")
    sub.add_argument("file", type=Path)
    sub.add_argument("--size", type=int, default=4, help="of symbolic dimensions (default: 4)")
    sub.add_argument("--seed", type=int, default=0)
    sub.set_defaults(function=_run)
    options = parser.parse_args(arguments)
    return options.function(options)


if __name__ == "__main__":
    sys.exit(main())
