"""Run a case in Python and compiled, and say how it ended.

    check(generate("views", 7))     # Verdict(end="same", ...)

Compared, call by call: the result and the arguments after it, the text that was printed, errors,
and that no result shares the memory of an argument that Python's does not.
"""

from __future__ import annotations

import contextlib
import gc
import io
import re
import signal
import threading
import traceback
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

import hotloop
from hotloop import config, errors
from hotloop.fuzz import cases, compare, modes
from hotloop.fuzz.cases import Case
from hotloop.llvm import background
from hotloop.record import record

SAME, REFUSED, INVALID = "same", "refused", "invalid"
MISMATCH, OTHER_ERROR, INTERNAL = "mismatch", "another error", "internal error"
CRASH, HANG = "crash", "hang"
FAILURES = (MISMATCH, OTHER_ERROR, INTERNAL, CRASH, HANG)
"""How a case can end; `another error`: both raise, not the same; `invalid`: Python itself can't run
it (reduced programs mostly)."""

SECONDS_OF_PYTHON = 5.0

ROUNDED = re.compile(
    r"sum|mean|var|std|prod|@|dot|einsum|inner|trace|linalg|fft|exp|log|sin|cos|tan|sqrt|cbrt|\*\*"
    r"|pow|hypot|arc|interp|quantile|percentile|trapezoid|convolve|correl|cov|poly|space|average|c8|c16"
    r"|1j|complex|conj|float16|f2|logadd|reduce|accumulate|std|round|sinc|i0|kron|cross|median|norm"
    r"|gradient|unwrap|angle|degrees|radians|deg2rad|rad2deg|vander|histogram|spacing")
"""Texts of programs whose floats may differ by rounding."""
UNSIGNED_ZERO = re.compile(
    r"min|max|clip|sort|heaviside|remainder|mod|%|//|nan_to_num|sign|round|rint")
"""Operations for which the sign of a zero is no part of the contract."""


@record
class Verdict:
    """`cause` is the difference without its numbers: equal causes are probably one bug. `calls`
    were made, `compiled` of them by compiled code, `raised` of them ended in an exception."""
    end: str
    cause: str = ""
    detail: str = ""
    calls: int = 0
    compiled: int = 0
    raised: int = 0


def check(case: Case) -> Verdict:
    """Never raises for what the case does, but KeyboardInterrupt."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return _check(case)
    finally:
        cases.forget(case)
        if "finally" in case.text:          # generators left in errors print now, in no other case
            with contextlib.redirect_stdout(io.StringIO()):
                gc.collect()


def _check(case: Case) -> Verdict:
    try:
        module = {**cases.load(case), "text": case.text}
        theirs = list(module["calls"]())
        mine = list(module["calls"]())
        function, switches = module["f"], module.get("switches", {})
    except Exception as error:
        return Verdict(INVALID, f"{type(error).__name__}: {error}")
    with modes.switched(switches):
        jitted = hotloop.jit(function, cache=False)
        verdict = _compared(case, module, jitted, mine, theirs)
        if verdict.end == SAME and config.tiers and config.opt:
            background.finish()         # now the good code, where there was quick code
            mine, theirs = list(module["calls"]()), list(module["calls"]())
            verdict = _compared(case, module, jitted, mine, theirs)
    return verdict


def _compared(case: Case, module: dict[str, Any], jitted: Any, mine: list[tuple],
              theirs: list[tuple]) -> Verdict:
    """The calls one after the other; `mine` and `theirs`: their arguments, twice."""
    function, raised = plain(module), 0
    exact = not (ROUNDED.search(case.text) or module.get("switches", {}).get("fastmath"))
    for done, (args, expected_args) in enumerate(zip(mine, theirs, strict=True), 1):
        with alarm(SECONDS_OF_PYTHON * (6 if "python" in module else 1)):   # it may compile
            end, expected, lines = printed(function, expected_args)
        if isinstance(expected, TooLong):
            return Verdict(INVALID, "Python takes too long")
        got_end, got, got_lines = printed(jitted, args)
        raised += end == "error"
        counts = (done, sum(n for how, n in jitted.cache_info().calls.items()
                            if how == "compiled"), raised)
        if isinstance(got, errors.InternalError | RecursionError) and type(got) is not type(
                expected):
            return Verdict(INTERNAL, cause_of(got), trace_of(got), *counts)
        if isinstance(got, errors.HotloopError):
            return Verdict(REFUSED, cause_of(got), "", *counts)
        if got_end == "error" and end == "error" and same_error(got, expected):
            continue
        if got_end == "error" and is_deviation(got):
            continue
        if got_end != end or end == "error":
            cause = f"{cause_of(got)} instead of {cause_of(expected)}"
            ending = MISMATCH if got_end != end else OTHER_ERROR
            return Verdict(ending, cause, trace_of(got), *counts)
        try:
            if "agree" in module:
                module["agree"](got, expected)
                continue
            compare.same((got, args), (expected, expected_args), False)
            assert got_lines == lines or not exact and close_texts(got_lines, lines), (
                f"printed {got_lines!r} instead of {lines!r}")
            if exact:
                compare_bits((got, args), (expected, expected_args), case.text)
            extra = shared(got, args) - shared(expected, expected_args)
            assert not extra, f"shares memory with an argument: result {min(extra)[0]}"
        except AssertionError as error:
            if ill_conditioned(module, done, expected, error, exact):
                continue
            return Verdict(MISMATCH, without_numbers(str(error)), str(error)[:2000], *counts)
    return Verdict(SAME, "", "", *counts)


def plain(module: dict[str, Any]) -> Callable[..., Any]:
    """What Python runs: `f`, or what the module says gives the same."""
    found: Callable[..., Any] = module.get("python", module["f"])
    return found


class TooLong(Exception):
    """Raised in Python code that takes too long."""


@contextlib.contextmanager
def alarm(seconds: float) -> Iterator[None]:
    """TooLong is raised in the block after so many seconds (in a main thread)."""
    def ring(*_: Any) -> None:
        raise TooLong

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    kept = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, kept)


def printed(function: Callable[..., Any], args: tuple) -> tuple[str, Any, str]:
    """(end, value or exception, what was printed)."""
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        end, value = compare.outcome(function, args, {})
    return end, value, out.getvalue()


def close_texts(got: str, expected: str) -> bool:
    """The same text but for the rounding of the numbers in it."""
    number = r"-?\d+\.?\d*(?:e[+-]?\d+)?|nan|inf"
    if re.sub(number, "#", got) != re.sub(number, "#", expected):
        return False
    a, b = (np.array(re.findall(number, text), float) for text in (got, expected))
    return bool(np.allclose(a, b, rtol=1e-6, equal_nan=True))


def shared(result: Any, args: tuple) -> set[tuple[int, int]]:
    return compare.sharing(list(compare.arrays(result)), list(compare.arrays(args)))


def compare_bits(got: Any, expected: Any, text: str) -> None:
    if UNSIGNED_ZERO.search(text):
        got, expected = positive_zeros(got), positive_zeros(expected)
    compare.same(got, expected, exact=True)


def positive_zeros(x: Any) -> Any:
    if isinstance(x, tuple | list):
        return [positive_zeros(e) for e in x]
    inexact = isinstance(x, float | complex | np.inexact) or (
        isinstance(x, np.ndarray) and x.dtype.kind in "fc")
    return x + 0.0 if inexact else x if isinstance(x, np.ndarray | int | np.generic) else None


def same_error(got: BaseException, expected: BaseException) -> bool:
    """The same exception, or one of another check of the same loop (a deviation)."""
    if type(got) is type(expected) or is_deviation(got):
        return True
    for kind in (NameError, TypeError):     # of which NumPy has private kinds
        if isinstance(got, kind) and isinstance(expected, kind):
            return True
    if "read-only" in str(expected) or "read-only" in str(got):
        return True                         # which of two errors of a statement comes first
    if "setting single item" in str(expected) and isinstance(got, TypeError | OverflowError):
        return True                         # `x.flat[k] = 1j`
    return isinstance(expected, type(got)) and str(got) == str(expected)


def is_deviation(error: BaseException) -> bool:
    """Python ints have 64 bits, 53 in a list of floats: `docs/deviations.md`."""
    return isinstance(error, OverflowError) and ("64" in str(error) or "floats, too" in str(error))


def ill_conditioned(module: dict[str, Any], number: int, expected: Any,
                    error: AssertionError, exact: bool) -> bool:
    """Does Python's own result change as much when its inputs change by rounding, or hang on the
    conversion of a float to an integer that can't hold it, which C leaves undefined?"""
    if str(error).endswith("instead of float64") and re.search(r"array\(\[.* for |array\(q", (
            module["text"])):                   # an empty list's: `docs/deviations.md`
        return not all(x.size for x in compare.arrays(list(module["calls"]())[number - 1]))
    if re.match(r"(dtype|shape|<class|length|keys|shares)", str(error)):
        return False
    function, alike = plain(module), module.get("agree", compare.same)
    with warnings.catch_warnings(record=True) as given, np.errstate(all="warn"):
        warnings.simplefilter("always")
        with contextlib.suppress(Exception), contextlib.redirect_stdout(io.StringIO()):
            function(*list(module["calls"]())[number - 1])
    if any("invalid value encountered in cast" in str(w.message) for w in given):
        return True
    if exact:
        return False
    for factor in (1 + 3e-16, 1 - 3e-16, 1 + 1e-14, 1 + 2e-7):
        args = list(module["calls"]())[number - 1]
        args = tuple(nudged(x, factor) for x in args)
        end, value = compare.outcome(function, args, {})
        try:
            assert end == "value"
            alike(value, expected)
        except AssertionError:
            return factor < 1 + 1e-8 or "float32" in repr(expected) or "complex64" in repr(expected)
    return False


def nudged(x: Any, factor: float) -> Any:
    if not isinstance(x, np.ndarray) or not x.flags.writeable:
        return x
    if x.dtype.kind in "fc":
        with np.errstate(all="ignore"):
            x *= factor
    elif x.dtype.itemsize == 8 and x.dtype.kind in "iu":        # more digits than a float has
        x[x > 2**53] -= 1024
        if x.dtype.kind == "i":
            x[x < -2**53] += 1024
    return x


def cause_of(error: Any) -> str:
    if not isinstance(error, BaseException):
        return f"a {type(error).__name__}"
    text = error.message if isinstance(error, errors.HotloopError) else str(error)
    return without_numbers(f"{type(error).__name__}: {text}".split("\n")[0])


def without_numbers(text: str) -> str:
    """A cause to count by: values and the names of made-up variables left out."""
    first = re.sub(r"\b(bool|u?int|float|complex)\d*\b", "number", text.split("\n")[0])
    first = re.sub(r"array\(.*", "array", first) if not first.startswith("<class") else first
    first = re.sub(r"(<class '[\w.]*'> instead of <class '[\w.]*'>).*", r"\1", first)
    first = re.sub(r"printed .*", "printed", first)
    first = re.sub(r"-?\b\d[\d.e+-]*j?|\bnan\b|\binf\b", "#", first)
    return re.sub(r"'?\b[a-z]\d*\b'?(?= (?:is|has|changes))|(?<=: )[a-z]\d*(?= )", "v", first)[:160]


def trace_of(error: Any) -> str:
    if not isinstance(error, BaseException):
        return repr(error)[:2000]
    return "".join(traceback.format_exception(error))[-2500:]
