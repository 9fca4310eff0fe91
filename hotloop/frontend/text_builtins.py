"""str, chr, int of text and their like: what is known is known, the rest is for `text_names`.

    str(3)          "3", while tracing          str(n)         text of run time
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hotloop import lazy
from hotloop.frontend.builder import current
from hotloop.frontend.registry import call
from hotloop.frontend.tracers import Tracer

names = lazy.module("hotloop.frontend.text_names")


def of_run_time(x: Any) -> bool:
    """Is there a run-time value in it that is shown?"""
    return isinstance(x, Tracer) or isinstance(x, tuple | list) and any(map(of_run_time, x))


def _shown(builtin: Callable[..., Any], name: str) -> None:
    def stand_in(*args: Any) -> Any:
        if not any(map(of_run_time, args)) or current().state.formatting:
            return builtin(*args)
        return getattr(names, name)(*args)
    call(builtin)(stand_in)


for _builtin in (str, repr, ascii, format, chr):
    _shown(_builtin, _builtin.__name__ + "_")


@call(ord)
def ord_(x: Any, /) -> Any:
    if isinstance(x, str | bytes) and not current().state.session.known_texts:
        return ord(x)
    return names.ord_(x)


def _in_base(builtin: Callable[..., Any]) -> None:
    def stand_in(x: Any, /) -> Any:
        return names.IN_BASES[builtin.__name__](x) if isinstance(x, Tracer) else builtin(x)
    call(builtin)(stand_in)


for _builtin in (bin, hex, oct):
    _in_base(_builtin)


def fstring(*parts: Any) -> Any:
    """An f-string: text, and (value, conversion, spec)."""
    if any(type(p) is tuple and of_run_time(p[0]) for p in parts) and (
            not current().state.formatting):
        return names.fstring(parts)
    return "".join(p if isinstance(p, str) else known(*p) for p in parts)


CONVERSIONS: dict[str, Callable[[Any], Any]] = {
    "": lambda x: x, "s": str, "r": repr, "a": ascii}


def known(x: Any, conversion: str, spec: str) -> str:
    return format(CONVERSIONS[conversion](x), spec)
