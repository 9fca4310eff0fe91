"""QR factorizations and Fourier transforms by NumPy's inner loops: NumPy's own bits."""

import numpy as np
import pytest

import hotloop
from hotloop.ir.core import Program, Var
from hotloop.ir.types import Type
from hotloop.loops import interp, lower
from hotloop.loops.expr import fresh_table
from hotloop.loops.text import show
from hotloop.ops import callbacks
from hotloop.ops.linalg import call_numpy
from hotloop.ops.table import make_eqn

FFT = np.fft


def exact(function, *args):
    jitted = hotloop.jit(function, cache=False)
    for _ in range(2):
        want, got = function(*args), jitted(*args)
        for x, y in zip(want, got, strict=True):
            assert x.dtype == y.dtype
            np.testing.assert_array_equal(x, y)
    assert "call python" not in jitted.lower(*args).loops


def numbers(shape, dtype):
    random = np.random.default_rng(3)
    x = random.normal(size=shape)
    return (x + 1j * random.normal(size=shape) if dtype[0] == "c" else x).astype(dtype)


@pytest.mark.parametrize("dtype", ["f4", "f8", "c8", "c16", "i8"])
@pytest.mark.parametrize("shape", [(3, 3), (5, 3), (3, 5), (2, 4, 3), (0, 3), (3, 0), (2, 3, 4, 2)])
def test_qr(shape, dtype):
    x = (9 * numbers(shape, "f8")).astype(dtype) if dtype == "i8" else numbers(shape, dtype)
    exact(lambda x: (*np.linalg.qr(x), np.linalg.qr(x, mode="r")), x)
    exact(lambda x: (*np.linalg.qr(x.swapaxes(-1, -2)), x + 1), x)      # x is as it was


def test_complete_qr_is_called_back():
    x = numbers((5, 3), "f8")
    jitted = hotloop.jit(lambda x: np.linalg.qr(x, mode="complete")[0], cache=False)
    np.testing.assert_array_equal(jitted(x), np.linalg.qr(x, mode="complete")[0])


@pytest.mark.parametrize("dtype", ["f4", "f8", "c8", "c16", "i4"])
@pytest.mark.parametrize("n", [1, 7, 8])
def test_transforms(n, dtype):
    x = numbers((3, n), "f8" if dtype == "i4" else dtype).astype(dtype)
    exact(lambda x: (FFT.fft(x), FFT.ifft(x), FFT.fft(x, axis=0, norm="ortho"), FFT.fft2(x),
                     FFT.ifft(x, 5, norm="forward"), FFT.fft(x[:, ::-1].T, 12), FFT.fftn(x)), x)
    if n > 1 and dtype not in ("f4", "i4"):
        exact(lambda x: (FFT.irfft(x), FFT.irfft(x, 9, axis=0), FFT.irfft2(x)), x)
    if dtype in ("f4", "f8", "i4"):
        exact(lambda x: (FFT.rfft(x), FFT.rfft(x, 9), FFT.rfft(x, 4), FFT.rfft2(x),
                         FFT.rfft(x, axis=0, norm="forward")), x)


def test_lengths_known_at_run_time():
    x = numbers((40,), "f8")
    exact(lambda x, n: (FFT.fft(x, n), FFT.rfft(x, n), FFT.rfft(x[:n]), FFT.ifft(FFT.fft(x[n:])),
                        FFT.irfft(x, n, norm="ortho")), x, 13)
    exact(lambda x, n: (FFT.rfft(x, n), FFT.rfft(x[:n])), x, 22)


def test_no_points_are_numpys_error():
    with pytest.raises(ValueError, match="Invalid number of FFT data points"):
        hotloop.jit(lambda x: FFT.fft(x))(np.zeros(0))


def test_derivatives_go_through():
    x = numbers((8,), "f8")
    gradient = hotloop.grad(lambda x: np.sum(np.abs(FFT.rfft(x)) ** 2))(x)
    np.testing.assert_allclose(gradient, hotloop.grad(
        lambda x: np.sum(x) ** 2 + np.sum(x * (-1.0) ** np.arange(8)) ** 2
        + (8 * np.sum(x * x) - np.sum(x) ** 2 - np.sum(x * (-1.0) ** np.arange(8)) ** 2) / 2)(x))
    a = numbers((3, 3), "f8")
    np.testing.assert_allclose(hotloop.grad(lambda a: np.linalg.qr(a)[1][0, 0])(a)[:, 1:], 0,
                               atol=1e-12)


@pytest.mark.parametrize("function, operands, params", [
    (callbacks.qr_raw, [numbers((2, 4, 3), "f8")], (("f64", (2, 4, 3)), ("f64", (2, 3)))),
    (callbacks.qr_raw, [numbers((4, 3), "c16")], (("c128", (4, 3)), ("c128", (3,)))),
    (callbacks.transformed, [numbers((2, 5), "c16"), np.float64(2), np.int64(8)],
     (("c128", (2, 8)),))])
def test_loops_in_numpy(function, operands, params):
    """The interpreter of Loops does what the call does."""
    given = {"name": "fft"} if function is callbacks.transformed else {}
    atoms = [Var(Type(x.dtype, x.shape)) for x in operands]
    eqn = make_eqn(call_numpy, atoms, {"function": function, "results": params,
                                       "keywords": tuple(given.items())})
    with fresh_table():
        kernel = lower.lower(Program(atoms, [eqn], eqn.outs), [True] * len(atoms))
        assert "call ufunc" in show(kernel) and "call python" not in show(kernel)
        found = interp.run(kernel, operands)
    want = function(*operands, **given)
    for x, y in zip(want if isinstance(want, tuple) else (want,), found, strict=True):
        np.testing.assert_array_equal(x, y[..., 0] + 1j * y[..., 1] if x.dtype.kind == "c" else y)
