"""Functions that change an array: fill, sort, put, copyto, out=, views through reshape and real."""

import numpy as np
from agreement import agree
from numpy_table import B, F, I, S, T, c, f, g, i


def changed(function, *args):
    agree(function, args)


def test_methods():
    def fill(x, v):
        x.fill(v)
    changed(fill, F, 2)
    changed(fill, I, 3)

    def sort(x):
        x.sort()
        return x.sum()
    changed(sort, F)
    changed(lambda x: x.sort(axis=0), F)
    changed(lambda x, k, v: x.put(k, v), F, np.array([1, 5]), np.array([9.0, 8.0]))
    changed(lambda x, k: np.put(x, k, 1.5), F, np.array([1, -1]))
    changed(lambda x, y: np.copyto(x, y), F, F[0])
    changed(lambda x, y: np.copyto(x, y, where=y > 0), F, F * 2)
    changed(lambda x, m: np.putmask(x, m, -1.0), F, B)
    changed(lambda x: np.fill_diagonal(x, 7), S)
    changed(lambda x, k: np.put_along_axis(x, k, 0.0, 1), F, np.argmax(F, 1, keepdims=True))


def test_views():
    def through_reshape(x):
        y = x.reshape(-1)
        y[2] = 5.0
        y = x.ravel()
        y[3] = 6.0
    changed(through_reshape, F)

    def through_transpose(x):
        x.T[1] = 2.0
        np.swapaxes(x, 0, 1)[0, 0] = 3.0
        np.moveaxis(x, 0, -1)[2] += 1
    changed(through_transpose, F)

    def through_real(z):
        z.real[0] = 5.0
        z.imag = 1.0
    changed(through_real, c)

    def new_axes(x):
        np.expand_dims(x, 0)[0, 1] = 2
        x[:, None][3, 0] = 7
        np.atleast_2d(x)[0, 0] = -1
        x[::2].reshape(2, 2)[1, 0] = 4
    changed(new_axes, f)

    def copies(x):
        y = x.flatten()
        y[0] = 9.0
        z = x.copy()
        z += 1
        w = np.array(x)
        w *= 2
        return y, z, w
    changed(copies, F)


def test_out():
    def into(x, y, out):
        np.matmul(x, y, out=out)
        np.cumsum(x[0], out=out[0])
        np.clip(x, 0, 1, out=x)
        return out
    changed(into, F, S, np.zeros((3, 4)))


def test_shape_assignment():
    def reshaped(x):
        y = x.copy()
        y.shape = (4, 3)
        return y
    changed(reshaped, F)


def test_sizes_are_symbolic():
    """One Program serves other sizes, empty ones too."""
    def statistics(x):
        return (x.sum(), x.mean(axis=0), np.concatenate([x, x]), np.roll(x, 1), np.cumsum(x),
                np.pad(x, 1), np.tile(x, 2), x.reshape(-1, x.shape[1]), np.diff(x, axis=0),
                np.argsort(x, axis=1), np.einsum("ij,kj->ik", x, x), np.linalg.norm(x, axis=1))
    agree(statistics, (F,), (np.ones((5, 7)),), (np.arange(6.0).reshape(2, 3),), traces=1)

    def vector(x):
        return (np.sort(x), np.unique(x), np.convolve(x, x), np.gradient(x), np.median(x),
                np.histogram(x, 3), np.interp(x, x, x), np.flip(x), np.repeat(x, 2), np.ptp(x),
                np.argmax(x), x[x > 0], np.where(x > 0), np.linspace(0, 1, len(x)),
                np.fft.rfft(x), np.outer(x, x), np.trapezoid(x), np.searchsorted(x, 0.5))
    agree(vector, (np.sort(f),), (np.arange(12.0),), (np.arange(2.0),), traces=1)


def test_bool_and_int_matrices():
    agree(lambda x, y: x @ y, (I, T[0].T.astype(int)), (B, B.T.copy()))
    agree(lambda x: np.dot(x, x), (i,), (g,))
