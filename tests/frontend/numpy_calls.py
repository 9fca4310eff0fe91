"""Calls of all of NumPy's functions, as text, on random arrays of all dtypes and layouts.

    CALLS["roll"] == ["x, 2", "x, -1, 0", ...]        # np.roll(x, 2), ...

The names in the text are arguments, drawn anew for each call:

    x, y    arrays of one dtype that broadcast           u, w   vectors, w as long as u
    m       a matrix, s a square one, d definite         k      a small int
    b       bools of the shape of x, c of u              i      indices into u
    z       sorted floats, without NaN                   a3     an array of rank 3

A call with `;` is a statement that changes arrays: they are compared afterwards.
"""

from __future__ import annotations

import random
from typing import Any

import numpy as np

DTYPES = ["?", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "f2", "f4", "f8", "c8", "c16"]
LAYOUTS = ["C", "F", "strided", "reversed", "transposed", "read-only", "empty", "one", "0-d"]

CALLS: dict[str, list[str]] = {}


def add(names: str, *calls: str) -> None:
    for name in names.split():
        CALLS.setdefault(name, []).extend(calls)


add("abs absolute acos acosh arccos arccosh arcsin arcsinh arctan arctanh asin asinh atan atanh "
    "bitwise_invert bitwise_not bitwise_count cbrt ceil conj conjugate cos cosh deg2rad degrees "
    "exp exp2 expm1 fabs floor frexp invert isfinite isinf isnan isnat log log10 log1p log2 "
    "logical_not modf negative positive rad2deg radians reciprocal rint sign signbit sin sinh "
    "spacing sqrt square tan tanh trunc angle fix i0 isneginf isposinf iscomplex isreal "
    "iscomplexobj isrealobj nan_to_num real imag real_if_close sinc argwhere flatnonzero nonzero "
    "ravel copy "
    "atleast_1d atleast_2d atleast_3d asarray asanyarray ascontiguousarray asfortranarray "
    "asarray_chkfinite array zeros_like ones_like ndim size shape "
    "unique_all unique_counts unique_inverse unique_values", "x")
add("add arctan2 atan2 bitwise_and bitwise_or bitwise_xor copysign divide divmod equal "
    "float_power floor_divide fmax fmin fmod gcd greater greater_equal heaviside hypot lcm ldexp "
    "less less_equal logaddexp logaddexp2 logical_and logical_or logical_xor maximum minimum mod "
    "multiply nextafter not_equal pow power remainder subtract true_divide array_equal "
    "array_equiv allclose isclose broadcast_arrays", "x, y")
add("bitwise_left_shift bitwise_right_shift left_shift right_shift", "x, 3", "x, y % 8")
add("add multiply maximum", "x, y, dtype=float", "x, 2", "x, x, x")
add("sum prod max min amax amin any all mean std var count_nonzero argmax argmin ptp median "
    "nansum nanprod nanmax nanmin nanmean nanstd nanvar nanmedian nanargmax nanargmin",
    "x", "x, axis=-1", "x, axis=0", "x, keepdims=True", "a3, axis=1")
add("sum prod max min any all mean std var nansum nanmax nanmean", "a3, axis=(0, 2)")
add("sum prod", "x, dtype=float", "x, initial=2", "x, where=b", "x, axis=0, out=None")
add("max min", "x, initial=1", "x, where=b, initial=0", "x, where=b")
add("mean any all std", "x, where=b")
add("std var", "x, ddof=1", "x, correction=1, axis=-1")
add("cumsum cumprod nancumsum nancumprod", "x", "x, axis=-1", "x, 0, float")
add("cumulative_sum cumulative_prod", "u", "x, axis=0", "u, include_initial=True")
add("sort argsort", "x", "x, axis=0", "u, kind='stable'", "x, axis=None")
add("sort_complex", "u")
add("lexsort", "(u, w)", "(u, w, u)")
add("searchsorted", "z, u.real", "z, 0.5", "z, u.real, side='right'")
add("digitize", "u.real, z", "u.real, z, right=True")
add("unique", "x", "u, return_index=True", "u, return_counts=True, return_inverse=True",
    "m, axis=0")
add("bincount", "np.abs(i)", "np.abs(i), minlength=9")
add("histogram", "u.real, bins=4", "u.real, bins=z")
add("histogram_bin_edges", "u.real, 4")
add("histogram2d", "u.real, w.real, 3")
add("histogramdd", "m.real, 3")
add("interp", "u.real, z, z * 2", "0.5, z, z, -1.0, 1.0")
add("convolve correlate", "u, w", "u, w, 'same'", "u, w, mode='full'")
add("cov corrcoef", "m", "u, w")
add("gradient", "u.astype(float)", "u.astype(float), 0.5", "m.astype(float)",
    "m.astype(float), axis=0")
add("diff", "x", "u, 2", "m, axis=0")
add("ediff1d", "u")
add("trapezoid", "u.astype(float)", "u.astype(float), dx=0.5", "m.astype(float), axis=0")
add("percentile nanpercentile", "u.real, 30", "m.real, [10, 50], axis=0", "u.real, 50.0")
add("quantile nanquantile", "u.real, 0.25", "u.real, np.array([0.1, 0.9])")
add("average", "x", "u, weights=z[:1] * 0 + 1.0", "m, axis=0")
add("clip", "x, 1, 3", "x, None, 2", "x, min=0")
add("round around", "x", "x, 1", "x, decimals=2")
add("reshape", "x, -1", "x, (-1, 1)", "x, x.shape[::-1]", "m, (-1,), order='F'")
add("transpose permute_dims", "x", "a3, (2, 0, 1)")
add("moveaxis", "a3, 0, -1", "a3, [0, 1], [1, 0]")
add("swapaxes", "a3, 0, 2")
add("rollaxis", "a3, 2")
add("flip", "x", "a3, 0", "a3, (0, 2)")
add("fliplr flipud", "m")
add("rot90", "m", "m, 2", "a3, 1, (0, 2)")
add("roll", "x, 2", "x, -1, 0", "m, (1, 2), axis=(0, 1)", "x, k")
add("repeat", "x, 2", "m, 2, axis=0", "u, np.arange(len(u)) % 3")
add("tile", "x, 2", "m, (2, 1)", "u, (2, 2)")
add("concatenate concat", "(u, w)", "[m, m], axis=1", "(m, m), 0", "(m, m), axis=None")
add("stack", "(x, x)", "[m, m], axis=1", "(u, w), -1")
add("hstack vstack dstack column_stack row_stack", "(u, w)", "(m, m)")
add("block", "[[m, m], [m, m]]")
add("append", "x, 3", "u, w", "m, m, axis=0")
add("insert", "u, 1, 3", "m, 1, 3, axis=0", "u, [0, 1], [4, 5]")
add("delete", "u, 1", "m, 0, axis=1", "u, [0, 2]")
add("split array_split", "m, 1", "u, [1, 2]")
add("hsplit vsplit", "m, 1")
add("dsplit", "a3, 1")
add("unstack", "m", "u")
add("pad", "x, 1", "u, (1, 2), mode='edge'", "u, 1, 'reflect'", "u, 2, mode='wrap'",
    "m, ((1, 0), (0, 1)), constant_values=3", "u, 1, 'mean'", "u, 1, 'linear_ramp'")
add("squeeze", "x[None]", "x[None], axis=0")
add("expand_dims", "x, 0", "x, -1", "x, (0, 1)")
add("broadcast_to", "u, (2, len(u))", "x, x.shape")
add("take", "u, i", "m, 0, axis=1", "u, [0, 1], mode='wrap'", "u, i, mode='clip'")
add("take_along_axis", "m, np.argsort(m, axis=1), axis=1")
add("compress", "c, u", "[True, False], m, axis=0")
add("extract", "b, x")
add("choose", "[0, 1, 0], [u[:3], w[:3]]", "1, [u, w]")
add("select", "[c, ~c], [u, w]", "[c], [u], 7")
add("where", "b", "b, x, y", "b, x, 3")
add("diag", "u", "m", "u, 1")
add("diagonal", "m", "a3, 1", "a3, 0, 1, 2")
add("diagflat", "u")
add("trace", "m", "a3", "m, 1")
add("tril triu", "m", "m, 1", "a3, -1")
add("vander", "u", "u, 3, increasing=True")
add("trim_zeros", "u", "u, 'f'")
add("resize", "u, (2, 3)", "u, 7")
add("isin", "u, w", "x, [1, 2]", "u, w, invert=True")
add("intersect1d setdiff1d setxor1d union1d", "u, w")
add("dot inner", "u, w", "s, s", "s, u[:3]", "u, 2")
add("vdot vecdot", "u, w")
add("outer kron", "u, w")
add("matmul", "s, s", "u, w", "s, s[0]", "np.stack([s, s]), s")
add("matvec", "s, s[0]")
add("vecmat", "s[0], s")
add("tensordot", "s, s", "s, s, 1", "s, s, axes=([0], [1])")
add("einsum", "'ij,jk', s, s", "'ii', s", "'ij->ji', m", "'i,i', u, w", "'ij,ij->i', m, m")
add("cross", "u[:3], w[:3]")
add("meshgrid", "u, w", "u, w, indexing='ij'", "u, sparse=True")
add("ix_", "[0, 1], [1, 2]")
add("indices", "(2, k)")
add("identity", "3", "k", "k, dtype=x.dtype")
add("eye", "3, k", "k, k=1, dtype=x.dtype")
add("tri", "3, k", "k")
add("zeros ones", "(2, k), x.dtype", "k")
add("full", "(k, 2), 3", "k, x.flat[0] if x.size else 1")
add("full_like", "x, 2", "x, 1.5, dtype=float")
add("arange", "k", "1, k", "0.5, k, 0.25", "k, 0, -1")
add("linspace", "0, 1, k", "u[0], u[1], 5", "0, 1, 5, endpoint=False", "0, k, 4, retstep=True")
add("logspace", "0, 1, k")
add("geomspace", "1, 100, k")
add("fromfunction", "lambda p, q: p + q * k, (2, 3)")
add("tril_indices triu_indices", "3", "k, 1")
add("tril_indices_from triu_indices_from", "s")
add("diag_indices", "3", "k")
add("diag_indices_from", "s")
add("mask_indices", "3, np.triu")
add("unravel_index", "4, (2, 3)", "np.array([1, 5]), (2, 3)", "np.array([9]), (2, 3)")
add("ravel_multi_index", "(1, 2), (2, 3)", "(np.array([0, 1]), np.array([2, 0])), (2, 3)")
add("copyto", ";x, 3", ";u, w")
add("put", ";u, [0, 1], 3", ";u, i, w[:2]", ";u, [9], 1, mode='clip'")
add("putmask place", ";x, b, [3]", ";u, c, w")
add("put_along_axis", ";m, np.argsort(m, axis=1), 1, axis=1")
add("fill_diagonal", ";s, 1")
add("poly roots", "u[:3]")
add("polyval", "u, w", "u, 2")
add("polyadd polysub polymul", "u, w")
add("polydiv", "u, w[:2] + 1")
add("polyder polyint", "u", "u, 2")
add("polyfit", "z, z * 2, 1")
add("unwrap", "u.real")
add("packbits", "x", "m, axis=0")
add("unpackbits", "x.astype('u1')")
add("apply_along_axis", "np.sum, 0, m", "lambda v: v[::-1], 1, m")
add("apply_over_axes", "np.sum, a3, [0, 2]")
add("piecewise", "x, [b, ~b], [1, lambda v: v * 2]")
add("result_type", "x, y", "x, 1", "x, 1.0")
add("common_type", "x, y")
add("can_cast", "x.dtype, float", "x.dtype, 'i4'")
add("promote_types", "x.dtype, y.dtype")
add("min_scalar_type", "x")
add("astype", "np.abs(x) % 5, np.int64", "x, x.dtype", "x, complex")
add("isscalar", "x", "3")
add("iterable", "x")
add("matrix_transpose", "m", "a3")
add("broadcast_shapes", "(3, 1), (k,)")
add("require", "x", "x, float")
add("shares_memory may_share_memory", "x, y.copy()")
add("linalg.det linalg.inv linalg.slogdet linalg.eigvals linalg.pinv linalg.matrix_rank "
    "linalg.cond", "d", "np.stack([d, d])", "s")
add("linalg.eigh linalg.eigvalsh linalg.cholesky", "d", "np.stack([d, d])")
add("linalg.eig", "d", "s")
add("linalg.solve", "d, s", "d, s[0]", "np.stack([d, d]), s")
add("linalg.lstsq", "d, s[0]", "m.astype(float), m[:, 0].astype(float)")
add("linalg.qr linalg.svd linalg.svdvals", "m", "s")
add("linalg.qr", "m, mode='r'", "m, 'complete'", "m, mode='raw'")
add("linalg.svd", "m, full_matrices=False", "m, compute_uv=False")
add("linalg.norm", "x", "m, 'fro'", "m, 1", "u, 3", "a3, axis=1", "m, np.inf, keepdims=True",
    "m, 'nuc'", "m, 2")
add("linalg.vector_norm", "x", "m, axis=0, ord=1")
add("linalg.matrix_norm", "m", "a3, ord=1")
add("linalg.matrix_power", "s, 3", "d, -1", "s, 0")
add("linalg.multi_dot", "[s, s, s]", "[m, s[:m.shape[1], :]] if m.shape[1] == 3 else [s, s]")
add("linalg.tensorinv", "np.eye(4).reshape(2, 2, 2, 2) * k")
add("linalg.tensorsolve", "d.reshape(3, 3), u[:3]")
add("linalg.outer linalg.vecdot", "u, w")
add("linalg.matmul linalg.tensordot", "s, s")
add("linalg.cross", "u[:3], w[:3]")
add("linalg.trace linalg.diagonal linalg.matrix_transpose", "m", "a3")
add("fft.fft fft.ifft fft.rfft fft.irfft fft.hfft fft.ihfft", "u", "u, 4", "m, axis=0",
    "u, norm='ortho'")
add("fft.fft2 fft.ifft2 fft.rfft2 fft.irfft2", "m", "a3")
add("fft.fftn fft.ifftn fft.rfftn fft.irfftn", "m", "a3, axes=(0, 1)", "m, s=(4, 4), axes=(0, 1)")
add("fft.fftfreq fft.rfftfreq", "k", "5, 0.5")
add("fft.fftshift fft.ifftshift", "x", "m, 1")
BINARY = ("add subtract multiply true_divide floor_divide remainder power maximum minimum fmax "
          "fmin logical_and logical_or logical_xor bitwise_and bitwise_or bitwise_xor hypot "
          "arctan2 equal less greater_equal logaddexp gcd copysign left_shift nextafter fmod "
          "float_power")
for _name in BINARY.split():
    add(f"{_name}.reduce", "x", "x, axis=None", "a3, axis=(0, 2)", "x, keepdims=True",
        "x, initial=1", "x, 0, dtype=float", "x, where=b, initial=1", "a3, axis=-1")
    add(f"{_name}.accumulate", "x", "x, -1", "a3, axis=1", "x, dtype=float")
    add(f"{_name}.outer", "u, w", "u, 2", "m, u", "2, 3", "x, y")
    add(f"{_name}.reduceat", "u, [0, 1]", "m, [0, 2], axis=1")
    add(f"{_name}.at", ";u, [0, 0, 1], 2", ";u, i, w[:2]", ";u, c, 1", ";m, (0, 1), 1")
for _name in ("add", "multiply", "maximum", "hypot", "less", "true_divide", "sqrt", "negative"):
    _both = "x" if _name in ("sqrt", "negative") else "x, y"
    add(_name, f"{_both}, dtype=np.float32, casting='unsafe'", f"{_both}, casting='no'",
        f"{_both}, casting='safe'", f"{_both}, order='C'", f"{_both}, dtype='f8'",
        f"{_both}, casting='equiv', dtype=x.dtype", f"{_both}, subok=False",
        f"{_both}, signature='d->d'" if _both == "x" else f"{_both}, signature='dd->d'")
    _twice = "u" if _both == "x" else "u, w"
    add(_name, f";{_twice}, out=u", f";{_twice}, out=(u,)", f";{_twice}, u",
        f";{_twice}, out=u, where=c", f";{_twice}, out=u, casting='unsafe'",
        f";{_twice}, u, dtype=float", f";{_twice}, out=u.real")
add("negative.at", ";u, [0, 0]", ";x, 0")
add("modf frexp", "x", ";u, u, w")
add("divmod", "x, y, out=(x * 1, y * x)")
add("sum prod cumsum mean std var max any all", ";m, axis=0, out=s[0]", ";m, 1, out=u[:2]")
add("argmax", "m, axis=1, keepdims=True", ";m, 0, s[0]")
add("var std mean", "x, dtype=np.float32", "x, keepdims=True, where=b", "x, axis=None")
add("clip", ";u, 1, 2, out=u", "u, w, None", "x, 3, 1", "x, b, 2", "u, min=1, max=[2]")
add("dot matmul", "s, s, out=s * 0")
add("matmul", ";s, s, out=s")
add("concatenate", ";(u[:1], u[1:2]), out=w[:2]", "(u, [1.5])", "(u, w), dtype=float",
    "(u, w), casting='unsafe', dtype='i4'")
add("take", ";u, [0, 1], out=w[:2]")
add("ndarray.astype", "np.float32, casting='unsafe'", "np.int8, casting='safe'",
    "x.dtype, copy=False")
add("ndarray.sum ndarray.max ndarray.mean", "keepdims=True", "None, None", "axis=(0,)")
for _names, _calls in {
        "all any argmax argmin cumsum cumprod max min mean prod std sum var": ["", "axis=0"],
        "argsort conj conjugate copy flatten nonzero ravel squeeze transpose trace "
        "tolist item": [""],
        "astype": ["complex", "x.dtype"], "choose": ["[x, x]"],
        "clip": ["1, 2"], "compress": ["[True]", "[True], axis=0"], "diagonal": [""],
        "dot": ["x"], "repeat": ["2"], "reshape": ["-1", "1, -1"], "round": ["1"],
        "searchsorted": ["1"], "swapaxes": ["0, -1"], "take": ["[0]"], "view": [""],
        "byteswap": [""], "to_device": ["'cpu'"], "getfield": ["x.dtype"]}.items():
    for _name in _names.split():
        CALLS.setdefault(f"ndarray.{_name}", []).extend(_calls)
for _name in ("T", "mT", "real", "imag", "size", "shape", "ndim", "dtype", "itemsize", "nbytes",
              "device"):
    add(f"ndarray.{_name}", ".")
add("ndarray.fill", ";3")
add("ndarray.setfield", ";1, x.dtype")
add("fromiter", "[1, 2, 3], x.dtype")
add("ndarray.sort", ";0")
add("ndarray.put", ";[0], 2")


def text(name: str, arguments: str) -> str:
    """The source of a function's body."""
    changes = arguments.startswith(";")
    arguments = arguments.removeprefix(";")
    if name.startswith("ndarray."):
        name = "x." + name.removeprefix("ndarray.")
        call = name if arguments == "." else f"{name}({arguments})"
    else:
        call = f"np.{name}({arguments})"
    return f"{call}\n    return x, u, m, s" if changes else f"return {call}"


ARGUMENTS = ("x", "y", "u", "w", "m", "s", "d", "b", "c", "i", "z", "a3", "k")


def laid_out(x: np.ndarray, layout: str) -> np.ndarray:
    """The same values in another layout."""
    if not x.ndim:
        return x
    if layout == "F":
        return np.asfortranarray(x)
    if layout == "transposed":
        return np.ascontiguousarray(x.T).T
    if layout in ("strided", "reversed"):
        wide = np.empty((*x.shape[:-1], 2 * x.shape[-1]), x.dtype)
        part = wide[..., ::2] if layout == "strided" else wide[..., ::-2]
        part[...] = x
        return part
    if layout == "read-only":
        x.flags.writeable = False
    return x


def arguments(seed: int, dtype: str, layout: str) -> dict[str, Any]:
    """All the arguments that a call's text may name."""
    pick, rng = random.Random(seed), np.random.default_rng(seed)
    kind = np.dtype(dtype)

    def array(*shape: int) -> np.ndarray:
        x: Any = rng.normal(size=shape) * 2
        if kind.kind == "c":
            x = x + 1j * rng.normal(size=shape)
        if kind.kind in "biu":
            x = rng.integers(0 if kind.kind in "bu" else -4, 2 if kind.kind == "b" else 6, shape)
        x = np.asarray(x).astype(kind)
        if kind.kind == "f" and x.size > 1 and pick.random() < 0.2:
            x.flat[pick.randrange(x.size)] = pick.choice([np.nan, np.inf, -np.inf, -0.0])
        return x

    shape = {"empty": (0, 3), "one": (1,), "0-d": ()}.get(layout) or pick.choice(
        [(4,), (2, 3), (3, 1, 2)])
    if layout == "0-d":
        shape = ()
    n = 1 if layout == "one" else pick.choice([3, 5])
    rows = 0 if layout == "empty" else 2
    square = array(3, 3)
    work = kind if kind.kind in "fc" and kind != np.float16 else np.dtype(float)
    definite = square.astype(work)
    definite = np.nan_to_num(definite, posinf=1, neginf=1)
    definite = definite @ definite.conj().T + 4 * np.eye(3)
    made = {
        "x": array(*shape), "y": array(*pick.choice([shape, shape[-1:], ()])),
        "u": array(n), "w": array(n), "m": array(rows, 3), "s": square,
        "d": definite.astype(work), "b": rng.integers(0, 2, shape).astype(bool),
        "c": rng.integers(0, 2, n).astype(bool), "i": rng.integers(-1, n, 2),
        "z": np.sort(rng.normal(size=4)), "a3": array(2, 3, rows or 1), "k": pick.randint(1, 4)}
    return {name: laid_out(x, layout) if isinstance(x, np.ndarray) else x
            for name, x in made.items()}
