"""Each NumPy function that is called back and has a rule: against differences, both modes."""

import math

import numpy as np
import pytest
from derivatives import check_forward, check_reverse, one_equation, tangents_of

from hotloop.errors import UnsupportedError
from hotloop.ir.core import Lit
from hotloop.ir.interp import run
from hotloop.ir.types import CODE_OF
from hotloop.ops import OPS, callbacks
from hotloop.ops.derivative import Zero
from hotloop.ops.numpy_rules import RULES
from hotloop.testing import check_grads
from hotloop.transforms.jvp import jvp

LA = np.linalg


def values(*shape, seed=0, kind="f"):
    rng = np.random.default_rng(seed + 10 * len(shape) + sum(shape))
    x = rng.uniform(-1, 1, shape)
    return x + 1j * rng.uniform(-1, 1, shape) if kind == "c" else x


def regular(*shape, seed=0, kind="f"):
    """Square matrices far from singular."""
    return values(*shape, seed=seed, kind=kind) + 2 * np.eye(shape[-1])


def definite(*shape, kind="f"):
    x = regular(*shape, kind=kind)
    return x @ np.conj(np.swapaxes(x, -1, -2)) + np.eye(shape[-1])


def apart(*shape, kind="f"):
    """Matrices whose singular values and eigenvalues lie apart."""
    k = min(shape[-2:])
    x = 0.1 * values(*shape, kind=kind)
    x[..., np.arange(k), np.arange(k)] += np.arange(1, k + 1)
    return x


def spaced(*shape):
    """No two elements near each other."""
    return 0.1 * np.random.default_rng(5).permutation(math.prod(shape)).reshape(shape)


REAL_OR_COMPLEX = ("f", "c")

GIVEN = {
    LA.solve: [((regular(3, 3, kind=k), values(*s, seed=1, kind=k)), {})
               for k in REAL_OR_COMPLEX for s in ((3,), (3, 2))] + [
        ((regular(5, 3, 3), values(3, seed=1)), {}),
        ((regular(5, 3, 3), values(3, 2, seed=1)), {}),
        ((regular(3, 3), values(4, 3, 2, seed=1)), {}),
        ((regular(4, 1, 3, 3), values(5, 3, 2, seed=1)), {})],
    LA.inv: [((regular(*s, kind=k),), {}) for k in REAL_OR_COMPLEX for s in ((3, 3), (2, 3, 3))],
    LA.pinv: [((apart(*s, kind=k),), {"hermitian": False}) for k in REAL_OR_COMPLEX
              for s in ((3, 3), (4, 3), (2, 3, 4))] + [((definite(3, 3),), {"hermitian": True})],
    LA.det: [((regular(*s, kind=k),), {}) for k in REAL_OR_COMPLEX
             for s in ((1, 1), (3, 3), (2, 3, 3))],
    LA.slogdet: [((regular(*s, kind=k),), {}) for k in REAL_OR_COMPLEX
                 for s in ((3, 3), (2, 3, 3))],
    LA.cholesky: [((definite(*s, kind=k),), {**u}) for k in REAL_OR_COMPLEX
                  for s in ((3, 3), (2, 3, 3)) for u in ({}, {"upper": True})],
    LA.qr: [((apart(*s, kind=k),), {"mode": m}) for k in REAL_OR_COMPLEX
            for s in ((3, 3), (4, 3), (3, 4), (2, 4, 3)) for m in ("reduced", "r")] + [
        ((apart(3, 3),), {"mode": "complete"})],
    LA.eigh: [((apart(*s),), {"UPLO": u}) for s in ((3, 3), (2, 3, 3)) for u in "LU"],
    LA.eigvalsh: [((apart(*s, kind=k),), {"UPLO": u}) for k in REAL_OR_COMPLEX
                  for s in ((3, 3), (2, 3, 3)) for u in "LU"],
    LA.eig: [((apart(*s, kind="c"),), {}) for s in ((3, 3), (2, 3, 3))],
    LA.eigvals: [((apart(*s, kind="c"),), {}) for s in ((3, 3), (2, 3, 3))],
    LA.svd: [((apart(*s),), {"full_matrices": False, "hermitian": False})
             for s in ((3, 3), (4, 3), (3, 4), (2, 4, 3))] + [
        ((definite(3, 3),), {"full_matrices": True, "hermitian": True}),
        ((apart(3, 3),), {"full_matrices": True, "hermitian": False})],
    callbacks.singular_values: [((apart(*s, kind=k),), {}) for k in REAL_OR_COMPLEX
                                for s in ((3, 3), (4, 3), (2, 3, 4))],
    callbacks.cofactors: [((regular(*s, kind=k),), {}) for k in REAL_OR_COMPLEX
                          for s in ((3, 3), (2, 2, 2))] + [
        ((regular(3, 3, kind=k), *(values(3, 3, seed=j, kind=k) for j in range(m))), {})
        for k in REAL_OR_COMPLEX for m in (1, 2)],
    callbacks.inverse_or_nan: [((regular(3, 3),), {})],
    callbacks.transform: [
        ((values(*s, kind=k),), {"name": name, "n": n, "axis": axis, "norm": norm})
        for name, kinds in (("fft", "fc"), ("ifft", "fc"), ("rfft", "f"), ("ihfft", "f"),
                            ("irfft", "c"), ("hfft", "c")) for k in kinds
        for s, n, axis, norm in (((6,), None, 0, None), ((5,), None, 0, "ortho"),
                                 ((3, 5), 4, 1, "forward"), ((5, 2), 7, 0, None))],
    callbacks.transform_of_length: [
        ((values(5, kind=k), np.int64(n)), {"name": name, "axis": 0, "norm": "ortho"})
        for name, k in (("fft", "c"), ("rfft", "f"), ("irfft", "c")) for n in (3, 6, 7)],
    np.median: [((spaced(*s),), {"axis": -1}) for s in ((5,), (6,), (3, 4), (2, 2, 3), (1,))],
    np.nanmedian: [((np.where(values(*s, seed=3) > 0.5, np.nan, spaced(*s)),), {"axis": -1})
                   for s in ((9,), (3, 6))],
    np.partition: [((spaced(*s),), {"kth": 1, "axis": a}) for s, a in (((5,), 0), ((3, 4), 0),
                                                                       ((3, 4), 1))],
    callbacks.quantile: [
        ((spaced(*s), q), {"name": name, "weak": False, "method": method})
        for s in ((6,), (3, 5)) for q in (np.float64(0.37), np.array([0.21, 0.77]))
        for name in ("quantile", "percentile") for method in ("linear",)] + [
        ((spaced(3, 7), Lit(0.43)), {"name": name, "weak": True, "method": method})
        for name, method in (("quantile", "hazen"), ("quantile", "midpoint"),
                             ("nanquantile", "linear"), ("quantile", "lower"),
                             ("quantile", "inverted_cdf"), ("quantile", "median_unbiased"))],
    np.interp: [((values(*s) * 3, np.arange(5) - 2.0, values(5)), {}) for s in ((4,), (2, 3))] + [
        ((values(4), np.array([0.3]), np.array([2.0])), {}),
        ((values(4) * 3, np.arange(5) - 2.0, values(5, kind="c")), {})],
    callbacks.interp_left: [((values(6) * 4, np.arange(5) - 2.0, values(5), np.float64(3)), {})],
    callbacks.interp_right: [((values(6) * 4, np.arange(5) - 2.0, values(5), np.float64(3)), {})],
    callbacks.interp_between: [((values(6) * 4, np.arange(5) - 2.0, values(5), np.float64(3),
                                 np.float64(4)), {})],
    np.polyval: [((values(4), values(*s)), {}) for s in ((), (3,), (2, 3))] + [
        ((values(1), values(3)), {}), ((values(4, kind="c"), values(3, kind="c")), {})],
    callbacks.polyfit: [((np.arange(6) / 3, values(*s)), {"degree": d})
                        for s in ((6,), (6, 2)) for d in (0, 2)] + [
        ((np.arange(6) / 3, values(6), values(6, seed=2) + 2), {"degree": 2})],
    callbacks.polygamma: [((np.float64(x),), {"order": n}) for x in (0.3, 2.5, 40.0, -1.4)
                          for n in (0, 1, 3)],
    callbacks.bessel_i: [((values(4) * 5,), {"order": n}) for n in (0, 1, 2)],
    math.gamma: [((np.float64(x),), {}) for x in (0.5, 3.7, -1.3)],
    math.lgamma: [((np.float64(x),), {}) for x in (0.5, 3.7, -1.3)],
    np.ldexp: [((values(4), np.arange(4)), {})],
    np.frexp: [((np.array([0.7, 1.3, -2.6]),), {})],
    callbacks.ufunc_reduce: [((values(3, 4),), {"ufunc": u, "axis": axis})
                             for u in ("logaddexp", "logaddexp2", "hypot", "fmax", "fmin")
                             for axis in (0, 1)],
}
"""Operands and keywords by function; of functions of complex numbers that are ufuncs, below."""

PLAIN = {
    np.nextafter: "its tangent is that of x; differences of it are exact",
    math.nextafter: "its tangent is that of x; differences of it are exact",
    callbacks.of_scipy: "by name: test_scipy_rules",
    callbacks.eigenvectors: "of eigenvalues of the same matrix: second order of eigvals",
}

for _name in ("tan", "tanh", "arcsin", "arccos", "arctan", "arcsinh", "arccosh", "arctanh", "exp2",
              "expm1", "log1p"):
    GIVEN[getattr(np, _name)] = [((0.5 * values(4, kind="c") + 0.1,), {})]


def program_of(function, ins, keywords, symbolic):
    """The call as the frontend emits it: sizes of results are operands behind the arguments."""
    keys = tuple(sorted(keywords.items()))
    values = [v.value if isinstance(v, Lit) else v for v in ins]
    found = OPS["call_numpy"].evaluate({"function": function, "keywords": keys}, *values)
    sizes, declared = [], []
    for value in found:
        dims = []
        for n in np.shape(value):
            dims.append(n)
            if symbolic and n > 1:
                if n not in sizes:
                    sizes.append(n)
                dims[-1] = ("in", len(ins) + sizes.index(n))
        declared.append((CODE_OF[value.dtype], tuple(dims)))
    params = {"function": function, "results": tuple(declared)}
    if keys:
        params["keywords"] = keys
    if sizes:
        params["take"] = len(ins)
    return one_equation(OPS["call_numpy"], ins, params, symbolic, sizes)


CASES = [pytest.param(f, ins, keywords, id=f"{f.__name__}-{k}")
         for f, several in GIVEN.items() for k, (ins, keywords) in enumerate(several)]


@pytest.mark.parametrize("function, ins, keywords", CASES)
@pytest.mark.parametrize("symbolic", [False, True, "apart"], ids=["static", "symbolic", "apart"])
def test_rules(function, ins, keywords, symbolic):
    if symbolic == "apart" and keywords.get("mode") == "complete":
        return                          # its rows and columns must be known to be as many
    program, args = program_of(function, ins, keywords, symbolic)
    check_forward(program, args, 1e-9)
    check_reverse(program, args, 1e-10)


def test_all_rules_are_tested():
    assert {f for f, r in RULES.items() if not isinstance(r, Zero)} == set(GIVEN) | set(PLAIN)


@pytest.mark.parametrize("function, ins", [
    (np.nextafter, (values(4), values(4, seed=1))),
    (math.nextafter, (np.float64(1), np.float64(2)))])
def test_the_next_number_moves_along(function, ins):
    program, args = program_of(function, ins, {}, False)
    np.testing.assert_array_equal(tangents_of(program, args, [ins[0], ins[1]])[0], ins[0])


# ---- where nothing is regular

def test_det_of_singular_matrices():
    """Its derivative is the matrix of cofactors, of a zero matrix too."""
    x = np.array([[1.0, 2, 3], [2, 4, 6], [1, 0, 1]])
    for a in (x, np.zeros((1, 1)), np.diag([1.0, 0]), np.diag([2.0, 0, 0])):
        program, args = program_of(LA.det, (a,), {}, False)
        check_forward(program, args, orders=2)
        check_reverse(program, args, orders=2)


@pytest.mark.parametrize("kind", REAL_OR_COMPLEX)
@pytest.mark.parametrize("rank", range(5))
def test_derivatives_of_det_of_any_order(rank, kind):
    """The part of det(a + z1 t1 + z2 t2 ...) with one of each z, by Fourier transforms: for each
    rank of a."""
    u, s, vh = LA.svd(values(4, 4, kind=kind))
    s[rank:] = 0
    a, directions = (u * s) @ vh, [values(4, 4, seed=k, kind=kind) for k in range(1, 4)]
    circle = np.exp(2j * np.pi * np.arange(5) / 5)
    for order in (1, 2, 3):
        z = np.stack(np.meshgrid(*[circle] * order, indexing="ij"))
        moved = a + np.tensordot(z, np.stack(directions[:order]), ((0,), (0,)))
        want = np.mean(LA.det(moved) / np.prod(z, 0))
        got = callbacks.cofactors(a, *directions[:order - 1])
        np.testing.assert_allclose(np.sum(got * directions[order - 1]), want, atol=1e-13)


def test_determinants_of_what_is_not_finite_have_no_derivative():
    a = np.stack([np.eye(2), np.array([[1, np.nan], [0, 1]])])
    for function in (LA.det, LA.slogdet):
        program, args = program_of(function, (a,), {}, False)
        t = tangents_of(program, args, [np.ones_like(a)])[-1]
        np.testing.assert_array_equal(t, [2, np.nan])


def test_columns_that_are_not_determined_keep_what_is():
    """Of u in svd(full_matrices=True), u u^H with all its columns is the identity, and the
    projection on the first ones has the derivative of the thin factorization."""
    a, t = apart(4, 2), values(4, 2, seed=1)
    program, args = program_of(LA.svd, (a,), {"full_matrices": True, "hermitian": False}, False)
    u = run(program, args)[0]
    tu, ts, tvh = tangents_of(program, args, [t])
    np.testing.assert_allclose(tu @ u.T + u @ tu.T, 0, atol=1e-12)
    thin, _ = program_of(LA.svd, (a,), {"full_matrices": False, "hermitian": False}, False)
    for whole, part in zip((tu[:, :2], ts, tvh), tangents_of(thin, args, [t]), strict=True):
        np.testing.assert_allclose(whole, part, atol=1e-12)


def test_phases_of_complex_vectors_are_free():
    """v w v^H has the derivative of the matrix, whatever the phases of v."""
    a, t = definite(3, 3, kind="c"), values(3, 3, seed=1, kind="c")
    program, args = program_of(LA.eigh, (a,), {"UPLO": "L"}, False)
    w, v = run(program, args)
    tw, tv = tangents_of(program, args, [t])
    moved = (tv * w) @ v.conj().T
    want = np.tril(t, -1) + np.tril(t, -1).conj().T + np.diag(np.diag(t).real)
    np.testing.assert_allclose(moved + moved.conj().T + (v * tw) @ v.conj().T, want, atol=1e-12)


def test_phases_of_complex_singular_vectors_are_free():
    a, t = apart(4, 3, kind="c"), values(4, 3, seed=1, kind="c")
    program, args = program_of(LA.svd, (a,), {"full_matrices": False, "hermitian": False}, False)
    u, s, vh = run(program, args)
    tu, ts, tvh = tangents_of(program, args, [t])
    np.testing.assert_allclose((tu * s) @ vh + (u * ts) @ vh + (u * s) @ tvh, t, atol=1e-12)
    np.testing.assert_allclose(tu.conj().T @ u + u.conj().T @ tu, 0, atol=1e-12)


@pytest.mark.parametrize("function, ins, keywords", [
    (LA.qr, (apart(4, 3),), {"mode": "complete"}),
    (callbacks.quantile, (values(5), np.float64(0.3)), {"name": "quantile", "weak": False,
                                                       "method": "hazen"}),
    (callbacks.ufunc_reduce, (values(5),), {"ufunc": "arctan2", "axis": 0}),
    (callbacks.ufunc_accumulate, (values(5),), {"ufunc": "logaddexp", "axis": 0}),
])
def test_what_has_no_rule_says_so(function, ins, keywords):
    program, args = program_of(function, ins, keywords, False)
    with pytest.raises(UnsupportedError, match="derivative of"):
        jvp(program, [True] * len(args))


def solution_and_all(a, b):
    x, residuals, rank, s = np.linalg.lstsq(a, b, rcond=None)
    return np.sum(x ** 3) + np.sum(np.sin(residuals)) + np.sum(s ** 2) * rank


@pytest.mark.parametrize("rows, columns, right", [(5, 3, ()), (5, 3, (2,)), (3, 5, ())])
def test_least_squares(rows, columns, right):
    check_grads(solution_and_all, (apart(rows, columns), values(rows, *right)), order=1)


def test_least_squares_of_complex_and_of_whole_numbers():
    check_grads(lambda a, b: np.sum(np.abs(np.linalg.lstsq(a + 1j * a[::-1], b)[0]) ** 2),
                (apart(5, 3), values(5)), order=1)
    check_grads(lambda b: np.sum(np.linalg.lstsq(np.arange(12).reshape(4, 3) ** 2, b)[0] ** 2),
                (values(4),), order=1)


def test_bessel_function():
    check_grads(lambda x: np.sum(np.i0(x) ** 2), (values(4),), order=2)
    check_grads(lambda x: np.i0(x) * x, (0.7,), order=1)
