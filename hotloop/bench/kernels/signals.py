"""Signals and images: a Fourier transform by loops, convolutions, filters."""

from dataclasses import replace

import numpy as np

from .elementwise import narrow
from .spec import Kernel


def fft_loops(re, im):
    """A Fourier transform of radix 2 in place: bit reversal, then butterflies."""
    n = len(re)
    j = 0
    for i in range(1, n):
        bit = n >> 1
        while j & bit:
            j ^= bit
            bit >>= 1
        j ^= bit
        if i < j:
            re[i], re[j] = re[j], re[i]
            im[i], im[j] = im[j], im[i]
    size = 2
    while size <= n:
        angle = -2.0 * np.pi / size
        half = size // 2
        for k in range(half):
            c, s = np.cos(angle * k), np.sin(angle * k)
            for start in range(k, n, size):
                other = start + half
                tr = re[other] * c - im[other] * s
                ti = re[other] * s + im[other] * c
                re[other] = re[start] - tr
                im[other] = im[start] - ti
                re[start] += tr
                im[start] += ti
        size *= 2


def fft_numpy():
    def fft_loops(re, im):
        z = np.fft.fft(re + 1j * im)
        re[:] = z.real
        im[:] = z.imag
    return fft_loops


def fft_jax():
    import jax
    import jax.numpy as jnp

    @jax.jit
    def fft_loops(re, im):
        z = jnp.fft.fft(re + 1j * im)
        return z.real, z.imag
    return fft_loops


def conv_loops(image, kernel):
    """A convolution of an image with a small kernel, by four loops."""
    n, m = image.shape
    p, q = kernel.shape
    out = np.zeros((n - p + 1, m - q + 1))
    for i in range(n - p + 1):
        for j in range(m - q + 1):
            s = 0.0
            for a in range(p):
                for b in range(q):
                    s += image[i + a, j + b] * kernel[a, b]
            out[i, j] = s
    return out


def conv_parallel():
    from numba import prange

    def conv_loops(image, kernel):
        n, m = image.shape
        p, q = kernel.shape
        out = np.zeros((n - p + 1, m - q + 1))
        for i in prange(n - p + 1):
            for j in range(m - q + 1):
                s = 0.0
                for a in range(p):
                    for b in range(q):
                        s += image[i + a, j + b] * kernel[a, b]
                out[i, j] = s
        return out
    return conv_loops


def conv_arrays(image, kernel):
    """The same, as a sum of shifted images."""
    p, q = kernel.shape
    n, m = image.shape
    out = np.zeros((n - p + 1, m - q + 1), dtype=image.dtype)
    for a in range(p):
        for b in range(q):
            out += kernel[a, b] * image[a:n - p + 1 + a, b:m - q + 1 + b]
    return out


def conv_numpy():
    return conv_arrays


def conv_jax():
    import jax

    @jax.jit
    def conv(image, kernel):
        return jax.lax.conv_general_dilated(image[None, None], kernel[None, None], (1, 1),
                                            "VALID")[0, 0]
    return conv


def conv_torch():
    import torch
    return lambda image, kernel: torch.nn.functional.conv2d(image[None, None],
                                                            kernel[None, None])[0, 0]


def conv_layer(images, weights):
    """A convolution layer of a network: (n, h, w, c) with (3, 3, c, d), then a ramp."""
    n, h, w, _ = images.shape
    k, _, _, d = weights.shape
    out = np.empty((n, h - k + 1, w - k + 1, d), dtype=images.dtype)
    for i in range(h - k + 1):
        for j in range(w - k + 1):
            out[:, i, j, :] = np.sum(
                images[:, i:i + k, j:j + k, :, np.newaxis] * weights[np.newaxis], axis=(1, 2, 3))
    return np.maximum(out, 0)


def conv_layer_numba():
    def conv_layer(images, weights):
        n, h, w, c = images.shape
        k, _, _, d = weights.shape
        out = np.zeros((n, h - k + 1, w - k + 1, d), dtype=images.dtype)
        for s in range(n):
            for i in range(h - k + 1):
                for j in range(w - k + 1):
                    for a in range(k):
                        for b in range(k):
                            for p in range(c):
                                for q in range(d):
                                    out[s, i, j, q] += images[s, i + a, j + b, p] * weights[
                                        a, b, p, q]
        return np.maximum(out, np.float32(0))
    return conv_layer


def conv_layer_jax():
    import jax
    import jax.numpy as jnp

    @jax.jit
    def conv_layer(images, weights):
        out = jax.lax.conv_general_dilated(images, weights, (1, 1), "VALID",
                                           dimension_numbers=("NHWC", "HWIO", "NHWC"))
        return jnp.maximum(out, 0)
    return conv_layer


def iir(x, b0, b1, b2, a1, a2):
    """A filter of second order: each value needs the two before it."""
    y = np.empty(len(x))
    x1 = x2 = y1 = y2 = 0.0
    for i in range(len(x)):
        v = b0 * x[i] + b1 * x1 + b2 * x2 - a1 * y1 - a2 * y2
        x2, x1 = x1, x[i]
        y2, y1 = y1, v
        y[i] = v
    return y


def iir_jax():
    import jax
    import jax.numpy as jnp

    @jax.jit
    def iir(x, b0, b1, b2, a1, a2):
        def step(state, v):
            x1, x2, y1, y2 = state
            y = b0 * v + b1 * x1 + b2 * x2 - a1 * y1 - a2 * y2
            return (v, x1, y, y1), y
        zero = jnp.float64(0.0)
        return jax.lax.scan(step, (zero,) * 4, x)[1]
    return iir


def sobel(image):
    """The strength of edges: two stencils and a square root."""
    gx = (image[:-2, 2:] + 2.0 * image[1:-1, 2:] + image[2:, 2:]
          - image[:-2, :-2] - 2.0 * image[1:-1, :-2] - image[2:, :-2])
    gy = (image[2:, :-2] + 2.0 * image[2:, 1:-1] + image[2:, 2:]
          - image[:-2, :-2] - 2.0 * image[:-2, 1:-1] - image[:-2, 2:])
    return np.sqrt(gx * gx + gy * gy)


def sobel_jax():
    import jax
    import jax.numpy as jnp

    from .spec import replaced
    return jax.jit(replaced(sobel, np=jnp))


def upsample(image):
    """An image of twice the size by bilinear interpolation, written to strided slices."""
    n, m = image.shape
    out = np.empty((2 * n - 1, 2 * m - 1))
    out[::2, ::2] = image
    out[1::2, ::2] = 0.5 * (image[:-1] + image[1:])
    out[:, 1::2] = 0.5 * (out[:, :-1:2] + out[:, 2::2])
    return out


def upsample_jax():
    import jax
    import jax.numpy as jnp

    @jax.jit
    def upsample(image):
        n, m = image.shape
        out = jnp.zeros((2 * n - 1, 2 * m - 1)).at[::2, ::2].set(image)
        out = out.at[1::2, ::2].set(0.5 * (image[:-1] + image[1:]))
        return out.at[:, 1::2].set(0.5 * (out[:, :-1:2] + out[:, 2::2]))
    return upsample


def waves(n, rng):
    return rng.standard_normal(n), rng.standard_normal(n)


def pictures(n, rng):
    return (rng.random((n, 16, 16, 4)).astype(np.float32),
            rng.random((3, 3, 4, 8)).astype(np.float32))


SOBEL = Kernel(sobel, make=lambda n, rng: (rng.random((n, n)),), sizes=(40, 400, 3_000),
               work=lambda n: (16 * n * n, 16 * n * n), jax=sobel_jax)

KERNELS = [
    Kernel(fft_loops, make=waves, sizes=(512, 2**15, 2**19), writes=(0, 1), style="loops",
           work=lambda n: (32 * n, 5 * n * (n.bit_length() - 1)), numpy=fft_numpy, jax=fft_jax),
    Kernel(conv_loops, make=lambda n, rng: (rng.random((n, n)), rng.random((5, 5))),
           sizes=(30, 250, 1_500), work=lambda n: (16 * n * n, 50 * n * n), style="loops",
           numpy=conv_numpy, numba_parallel=conv_parallel, jax=conv_jax,
           torch_compile=conv_torch),
    Kernel(conv_arrays, make=lambda n, rng: (rng.random((n, n)), rng.random((5, 5))),
           sizes=(30, 250, 1_500), work=lambda n: (16 * n * n, 50 * n * n), jax=conv_jax,
           torch_compile=conv_torch),
    Kernel(conv_layer, make=pictures, sizes=(1, 16, 200),
           work=lambda n: (4 * n * (1024 + 1568), 2 * n * 196 * 288), numba=conv_layer_numba,
           jax=conv_layer_jax, tolerance=1e-4),
    Kernel(iir, make=lambda n, rng: (rng.standard_normal(n), 0.2, 0.4, 0.2, -0.5, 0.3),
           sizes=(2_000, 200_000, 5_000_000), work=lambda n: (16 * n, 9 * n), style="loops",
           jax=iir_jax),
    SOBEL,
    replace(SOBEL, called="sobel_f32", make=narrow(SOBEL.make), tolerance=1e-4,
            work=lambda n: (8 * n * n, 16 * n * n)),
    Kernel(upsample, make=lambda n, rng: (rng.random((n, n)),), sizes=(30, 250, 1_500),
           work=lambda n: (40 * n * n, 4 * n * n), jax=upsample_jax),
]
