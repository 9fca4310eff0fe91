"""Promotion, broadcasting, reductions and einsum on arguments that hypothesis makes up."""

import numpy as np
from agreement import agree
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

DTYPES = [np.dtype(t) for t in (
    "?", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "f4", "f8", "c8", "c16")]
UFUNCS = [np.add, np.subtract, np.multiply, np.divide, np.maximum, np.minimum, np.equal, np.less,
          np.greater_equal, np.logical_and, np.hypot, np.floor_divide, np.remainder]
SHAPES = [(), (1,), (3,), (1, 3), (2, 1), (2, 3), (0, 3), (2, 0)]


@st.composite
def operands(draw):
    """A number (Python's or NumPy's) or an array of any dtype and a small shape."""
    if draw(st.booleans()) and draw(st.booleans()):
        return draw(st.sampled_from([True, 2, -1, 0, 1.5, -0.0, 3 - 1j]))
    dtype, shape = draw(st.sampled_from(DTYPES)), draw(st.sampled_from(SHAPES))
    size = int(np.prod(shape))
    values = np.array(draw(st.lists(st.integers(0, 7), min_size=size, max_size=size)), int)
    x = (values / 2 - 1 if dtype.kind in "fc" else values).astype(dtype).reshape(shape)
    return x[()] if shape == () else x



@given(st.sampled_from(UFUNCS), operands(), operands())
def test_promotion(ufunc, x, y):
    try:
        with np.errstate(all="ignore"):
            ufunc(x, y)
    except (TypeError, OverflowError):
        return
    except ValueError:
        pass                                 # shapes that don't broadcast
    agree(lambda x, y: ufunc(x, y), (x, y))


@given(operands(), operands(), st.booleans())
def test_where(x, y, c):
    try:
        np.where(c, x, y)
    except (TypeError, OverflowError):
        return
    except ValueError:
        pass
    agree(lambda c, x, y: np.where(c, x, y), (c, x, y))


REDUCTIONS = [np.sum, np.prod, np.max, np.min, np.mean, np.any, np.all, np.argmax, np.cumsum,
              np.count_nonzero, np.var]


@given(st.sampled_from(REDUCTIONS), operands(), st.sampled_from([None, 0, 1, -1]))
def test_reductions(function, x, axis):
    if not isinstance(x, np.ndarray) or x.dtype.kind == "c":
        return
    agree(lambda x: function(x, axis=axis), (x,))


LETTERS = "abcd"


@st.composite
def contractions(draw):
    size = {c: draw(st.integers(1, 3)) for c in LETTERS}
    inputs = draw(st.lists(st.text(LETTERS, min_size=1, max_size=3), min_size=1, max_size=3))
    used = sorted(set("".join(inputs)))
    output = draw(st.permutations(used))[:draw(st.integers(0, len(used)))]
    dtype = draw(st.sampled_from(["i8", "f8"]))
    arrays = [(np.arange(np.prod([size[c] for c in s])) % 5 - 1).astype(dtype).reshape(
        [size[c] for c in s]) for s in inputs]
    return ",".join(inputs) + "->" + "".join(output), arrays


@given(contractions())
def test_einsum(case):
    text, arrays = case
    agree(lambda *arrays: np.einsum(text, *arrays) + 0, tuple(arrays))


@given(hnp.arrays("f8", st.integers(0, 12), elements=st.sampled_from(
    [0.0, 1.0, -1.5, 2.25, 7.0, np.nan, np.inf])), st.integers(-15, 15))
def test_vectors(x, k):
    agree(lambda x, k: (np.roll(x, k), np.sort(x), np.flip(x), np.append(x, k), np.diff(x),
                        np.repeat(x, abs(k) % 4), np.unique(x), np.nansum(x), np.pad(x, 2),
                        x[x > k], np.clip(x, k, k + 2), np.cumsum(x), np.isfinite(x).all()), (x, k))
