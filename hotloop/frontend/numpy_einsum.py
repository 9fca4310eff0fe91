"""np.einsum as transposes, products, sums and matrix products.

    einsum("ij,jk->ik", a, b)      # one matmul
    einsum("i,i->", a, b)          # multiply and sum
    einsum("ii->i", a)             # a diagonal

Operands are contracted from left to right (`optimize` is accepted: it asks for nothing but speed).
A pair that shares summed letters while both keep letters of their own becomes a matmul; everything
else is a product with broadcasting followed by a sum, which the loop compiler fuses.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from hotloop.frontend import dims as dm
from hotloop.frontend import ufuncs
from hotloop.frontend.builder import fail
from hotloop.frontend.numpy_arrays import as_array, as_dtype, converted, delivered
from hotloop.frontend.numpy_diagonals import diagonal
from hotloop.frontend.numpy_products import matmul
from hotloop.frontend.numpy_reduce import total
from hotloop.frontend.numpy_shape import permuted, reshape_to
from hotloop.frontend.registry import numpy_function
from hotloop.frontend.tracers import Array, Scalar
from hotloop.frontend.views import Diagonal
from hotloop.ir.core import Dim
from hotloop.record import record

Term = tuple[str, Array]

LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"


@record
class Subscripts:
    """One string of letters an operand, and the result's; an ellipsis has become letters."""
    inputs: tuple[str, ...]
    output: str


def parse(text: str, ranks: Sequence[int]) -> Subscripts:
    """Subscripts for operands of these ranks; raises ValueError as np.einsum does."""
    text = text.replace(" ", "")
    explicit = "->" in text
    left, _, right = text.partition("->")
    inputs = left.split(",")
    if len(inputs) != len(ranks):
        few = len(inputs) > len(ranks)
        fail(ValueError, "fewer operands provided to einstein sum function than specified in the "
                         "subscripts string" if few else
                         "more operands provided to einstein sum function than specified in the "
                         "subscripts string")
    used = set(left) | set(right)
    for letter in used - set(LETTERS) - set(".,"):
        fail(ValueError, f"invalid subscript '{letter}' in einstein sum subscripts string, "
                         "subscripts must be letters")
    spare = [c for c in LETTERS if c not in used]
    longest = max((rank - len(s) + 3 for s, rank in zip(inputs, ranks, strict=True)
                   if "..." in s), default=0)
    dots = "".join(spare[:longest])
    full = []
    for subscripts, rank in zip(inputs, ranks, strict=True):
        if "..." in subscripts:
            extra = rank - len(subscripts) + 3
            subscripts = subscripts.replace("...", dots[longest - extra:] if extra else "")
        if len(subscripts) < rank:
            fail(ValueError, "operand has more dimensions than subscripts given in einstein sum, "
                             "but no '...' ellipsis provided to broadcast the extra dimensions.")
        if len(subscripts) > rank or "." in subscripts:
            fail(ValueError, "einstein sum subscripts string contains too many subscripts for "
                             "operand 0")
        full.append(subscripts)
    if explicit:
        output = right.replace("...", dots)
        for letter in output:
            if not any(letter in s for s in full) and letter not in dots:
                fail(ValueError, "einstein sum subscripts string included output subscript "
                                 f"'{letter}' which never appeared in an input")
            if output.count(letter) > 1:
                fail(ValueError, "einstein sum subscripts string includes output subscript "
                                 f"'{letter}' multiple times")
    else:
        joined = "".join(full)
        output = dots + "".join(sorted(c for c in set(joined) - set(dots)
                                       if joined.count(c) == 1))
    return Subscripts(tuple(full), output)


def from_lists(operands: Sequence[Any]) -> tuple[str, list[Any]]:
    """`einsum(a, [0, 1], b, [1, 2], [0, 2])` in the letters' form."""
    arrays, lists = list(operands[0:len(operands) // 2 * 2:2]), list(operands[1::2])
    order = sorted({k for part in [*lists, *operands[len(arrays) * 2:]] for k in part
                    if k is not Ellipsis})
    letter = {k: LETTERS[j] for j, k in enumerate(order)}

    def spell(part: Sequence[Any]) -> str:
        return "".join("..." if k is Ellipsis else letter[k] for k in part)
    text = ",".join(map(spell, lists))
    if len(operands) % 2:
        text += "->" + spell(operands[-1])
    return text, arrays


def dimensions(subscripts: Subscripts, arrays: Sequence[Array]) -> dict[str, Dim]:
    """Each letter's dimension; differing ones raise or are checked, a static 1 broadcasts."""
    found: dict[str, Dim] = {}
    for letters, array in zip(subscripts.inputs, arrays, strict=True):
        for letter, d in zip(letters, array.dims, strict=True):
            other = found.setdefault(letter, d)
            if is_one(other):
                found[letter] = d
            elif not is_one(d):
                dm.require_equal(other, d, "operands could not be broadcast together with remapped "
                              "shapes: dimensions {} and {}", other, d)
    return found


def is_one(d: Dim) -> bool:
    return isinstance(d, int) and d == 1


def without_repeats(letters: str, array: Array) -> tuple[str, Array]:
    """Diagonals for letters that stand twice."""
    for letter in dict.fromkeys(letters):
        while letters.count(letter) > 1:
            i = letters.index(letter)
            j = letters.index(letter, i + 1)
            view = diagonal(array, 0, i, j)
            array = Array(view.base, (*view.steps[:-1], Diagonal(0, view.dims, readonly=False)),
                          view.dims)
            letters = letters[:i] + letters[i + 1:j] + letters[j + 1:] + letter
    return letters, array


def summed(letters: str, array: Array, drop: str) -> tuple[str, Array]:
    axes = tuple(k for k, letter in enumerate(letters) if letter in drop)
    if not axes:
        return letters, array
    kept = "".join(letter for letter in letters if letter not in drop)
    return kept, as_array(total(array, axis=axes, dtype=array.dtype))


def pair(a: Term, b: Term, keep: set[str]) -> Term:
    """Contract two operands; letters that nobody else needs are summed."""
    a = summed(*a, "".join(c for c in a[0] if c not in b[0] and c not in keep))
    b = summed(*b, "".join(c for c in b[0] if c not in a[0] and c not in keep))
    (la, xa), (lb, xb) = a, b
    common = [c for c in la if c in lb]
    batch = "".join(c for c in common if c in keep)
    inner = "".join(c for c in common if c not in keep)
    free_a = "".join(c for c in la if c not in lb)
    free_b = "".join(c for c in lb if c not in la)
    if inner and free_a and free_b and xa.dtype.kind in "fc":
        return batch + free_a + free_b, by_matmul(a, b, batch, inner, free_a, free_b)
    order = batch + free_a + free_b + inner
    product = as_array(ufuncs.apply(np.multiply, [aligned(la, xa, order), aligned(lb, xb, order)]))
    return summed(order, product, inner)


def by_matmul(a: Term, b: Term, batch: str, inner: str, free_a: str, free_b: str) -> Array:
    (la, xa), (lb, xb) = a, b
    size = dict(zip(la, xa.dims, strict=True)) | dict(zip(lb, xb.dims, strict=True))

    def grid(letters: str, array: Array, order: tuple[str, str]) -> Array:
        joined = batch + order[0] + order[1]
        moved = permuted(array, [letters.index(c) for c in joined])
        if len(order[0]) == len(order[1]) == 1:
            return moved
        return reshape_to(moved, [*(size[c] for c in batch),
                                *(dm.product(tuple(size[c] for c in part)) for part in order)])
    result = matmul(grid(la, xa, (free_a, inner)), grid(lb, xb, (inner, free_b)))
    return reshape_to(result, [size[c] for c in batch + free_a + free_b])


def aligned(letters: str, array: Array, order: str) -> Array:
    """Axes in the order of `order`, with new axes for letters it lacks."""
    own = [c for c in order if c in letters]
    moved = permuted(array, [letters.index(c) for c in own])
    return moved[tuple(slice(None) if c in letters else None for c in order)]


@numpy_function(np.einsum)
def einsum(*operands: Any, out: Any = None, optimize: Any = False, dtype: Any = None,
           order: str = "K", casting: str = "safe") -> Any:
    text, given = ((operands[0], list(operands[1:])) if isinstance(operands[0], str)
                   else from_lists(operands))
    arrays = [as_array(x) for x in given]
    subscripts = parse(text, [x.ndim for x in arrays])
    common = as_dtype(dtype) if dtype is not None else np.result_type(*[x.dtype for x in arrays])
    arrays = [converted(x, common) for x in arrays]
    size = dimensions(subscripts, arrays)
    terms: list[Term] = []
    for letters, array in zip(subscripts.inputs, arrays, strict=True):
        stretched = [k for k, (c, d) in enumerate(zip(letters, array.dims, strict=True))
                     if is_one(d) and not is_one(size[c])]
        if stretched:
            array = array[tuple(0 if k in stretched else slice(None)
                                for k in range(len(letters)))]
            array = as_array(array)
            letters = "".join(c for k, c in enumerate(letters) if k not in stretched)
        terms.append(without_repeats(letters, array))
    while len(terms) > 1:
        a, b, *rest = terms
        needed = set(subscripts.output).union(*(letters for letters, _ in rest))
        terms = [pair(a, b, needed), *rest]
    letters, array = terms[0]
    letters, array = summed(letters, array,
                            "".join(c for c in letters if c not in subscripts.output))
    if len(letters) > 1:
        array = permuted(array, [letters.index(c) for c in subscripts.output])
    result = Scalar(array.value()) if not letters else array
    return delivered(result, out, "unsafe" if casting == "unsafe" else "same_kind")
