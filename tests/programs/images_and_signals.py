"""Images, signals, histograms, fractals."""

import numpy as np


def get_bin_edges(a, bins):
    bin_edges = np.zeros((bins + 1,), dtype=np.float64)
    a_min = a.min()
    a_max = a.max()
    delta = (a_max - a_min) / bins
    for i in range(bin_edges.shape[0]):
        bin_edges[i] = a_min + i * delta
    bin_edges[-1] = a_max
    return bin_edges


def compute_bin(x, bin_edges):
    n = bin_edges.shape[0] - 1
    a_min = bin_edges[0]
    a_max = bin_edges[-1]
    return int(n * (x - a_min) / (a_max - a_min))


def histogram(a, bins, weights):
    hist = np.zeros((bins,), dtype=a.dtype)
    bin_edges = get_bin_edges(a, bins)
    for i in range(a.shape[0]):
        bin = min(compute_bin(a[i], bin_edges), bins - 1)
        hist[bin] += weights[i]
    return hist, bin_edges


def azimint_hist(data, radius, npt):
    histu = np.histogram(radius, npt)[0]
    histw = np.histogram(radius, npt, weights=data)[0]
    return histw / histu


def azimint_naive(data, radius, npt):
    rmax = radius.max()
    res = np.zeros(npt, dtype=np.float64)
    for i in range(npt):
        r1 = rmax * i / npt
        r2 = rmax * (i + 1) / npt
        mask_r12 = np.logical_and((r1 <= radius), (radius < r2))
        values_r12 = data[mask_r12]
        res[i] = values_r12.mean()
    return res


def compute(array_1, array_2, a, b, c):
    return np.clip(array_1, 2, 10) * a + array_2 * b + c


def masked_clip(x, lo, hi):
    y = x.copy()
    y[x < lo] = lo
    y[x > hi] = hi
    return y, np.count_nonzero(x != y)


def go_fast(a):
    trace = 0.0
    for i in range(a.shape[0]):
        trace += np.tanh(a[i, i])
    return a + trace


def mandelbrot_masked(xmin, xmax, ymin, ymax, xn, yn, maxiter, horizon=2.0):
    X = np.linspace(xmin, xmax, xn, dtype=np.float64)
    Y = np.linspace(ymin, ymax, yn, dtype=np.float64)
    C = X + Y[:, None] * 1j
    N = np.zeros(C.shape, dtype=np.int64)
    Z = np.zeros(C.shape, dtype=np.complex128)
    for n in range(maxiter):
        I = np.less(abs(Z), horizon)
        N[I] = n
        Z[I] = Z[I]**2 + C[I]
    N[N == maxiter - 1] = 0
    return Z, N


def mandelbrot_compressed(xmin, xmax, ymin, ymax, xn, yn, itermax, horizon=2.0):
    Xi, Yi = np.mgrid[0:xn, 0:yn]
    X = np.linspace(xmin, xmax, xn, dtype=np.float64)[Xi]
    Y = np.linspace(ymin, ymax, yn, dtype=np.float64)[Yi]
    C = X + Y * 1j
    N_ = np.zeros(C.shape, dtype=np.int64)
    Z_ = np.zeros(C.shape, dtype=np.complex128)
    Xi = np.reshape(Xi, (xn * yn))
    Yi = np.reshape(Yi, (xn * yn))
    C = np.reshape(C, (xn * yn))
    Z = np.zeros(C.shape, np.complex128)
    for i in range(itermax):
        if not len(Z):
            break
        np.multiply(Z, Z, Z)
        np.add(Z, C, Z)
        I = abs(Z) > horizon
        N_[Xi[I], Yi[I]] = i + 1
        Z_[Xi[I], Yi[I]] = Z[I]
        np.logical_not(I, I)
        Z = Z[I]
        Xi, Yi = Xi[I], Yi[I]
        C = C[I]
    return Z_.T, N_.T


def escape(c, limit):
    z = 0
    for k in range(limit):
        z = z * z + c
        if abs(z) > 2:
            return k
    return limit


def mandelbrot_points(width, height, limit):
    out = np.empty((height, width), dtype=np.uint8)
    for row in range(height):
        for col in range(width):
            out[row, col] = escape(complex(3 * col / width - 2, 2 * row / height - 1), limit)
    return out


def convolve2d(image, kernel):
    h, w = image.shape
    kh, kw = kernel.shape
    out = np.zeros((h - kh + 1, w - kw + 1))
    for y in range(out.shape[0]):
        for x in range(out.shape[1]):
            acc = 0.0
            for dy in range(kh):
                for dx in range(kw):
                    acc += image[y + dy, x + dx] * kernel[kh - 1 - dy, kw - 1 - dx]
            out[y, x] = acc
    return out


def sobel(image):
    padded = np.pad(image, 1, mode="edge")
    gx = (padded[:-2, 2:] + 2 * padded[1:-1, 2:] + padded[2:, 2:]
          - padded[:-2, :-2] - 2 * padded[1:-1, :-2] - padded[2:, :-2])
    gy = (padded[2:, :-2] + 2 * padded[2:, 1:-1] + padded[2:, 2:]
          - padded[:-2, :-2] - 2 * padded[:-2, 1:-1] - padded[:-2, 2:])
    return np.hypot(gx, gy)


def box_blur(image, radius):
    table = np.pad(image.cumsum(axis=0).cumsum(axis=1), ((1, 0), (1, 0)))
    k = 2 * radius + 1
    return (table[k:, k:] - table[:-k, k:] - table[k:, :-k] + table[:-k, :-k]) / k ** 2


def gaussian_kernel(size, sigma):
    ax = np.arange(size) - size // 2
    xx, yy = np.meshgrid(ax, ax)
    kernel = np.exp(-(xx ** 2 + yy ** 2) / (2 * sigma ** 2))
    return kernel / np.sum(kernel)


def bilinear(image, ys, xs):
    h, w = image.shape
    y0 = np.clip(np.floor(ys).astype(int), 0, h - 2)
    x0 = np.clip(np.floor(xs).astype(int), 0, w - 2)
    fy, fx = ys - y0, xs - x0
    return (image[y0, x0] * (1 - fy) * (1 - fx) + image[y0, x0 + 1] * (1 - fy) * fx
            + image[y0 + 1, x0] * fy * (1 - fx) + image[y0 + 1, x0 + 1] * fy * fx)


def resize(image, height, width):
    h, w = image.shape
    out = np.empty((height, width))
    for i in range(height):
        for j in range(width):
            y = i * (h - 1) / (height - 1)
            x = j * (w - 1) / (width - 1)
            y0, x0 = int(y), int(x)
            y1, x1 = min(y0 + 1, h - 1), min(x0 + 1, w - 1)
            dy, dx = y - y0, x - x0
            top = image[y0, x0] * (1 - dx) + image[y0, x1] * dx
            bottom = image[y1, x0] * (1 - dx) + image[y1, x1] * dx
            out[i, j] = top * (1 - dy) + bottom * dy
    return out


def equalize(image):
    hist = np.bincount(image.ravel(), minlength=256)
    cdf = hist.cumsum()
    low = cdf[cdf > 0].min()
    scaled = (cdf - low) * 255 / (image.size - low)
    lut = np.clip(scaled, 0, 255).astype(np.uint8)
    return lut[image]


def floyd_steinberg(image):
    out = image.astype(np.float64)
    h, w = out.shape
    for y in range(h):
        for x in range(w):
            old = out[y, x]
            new = 255.0 if old > 127 else 0.0
            out[y, x] = new
            err = old - new
            if x + 1 < w:
                out[y, x + 1] += err * 7 / 16
            if y + 1 < h:
                if x > 0:
                    out[y + 1, x - 1] += err * 3 / 16
                out[y + 1, x] += err * 5 / 16
                if x + 1 < w:
                    out[y + 1, x + 1] += err * 1 / 16
    return out.astype(np.uint8)


def grayscale(rgb):
    return np.dot(rgb[..., :3], [0.2989, 0.5870, 0.1140]).round().astype(np.uint8)


def rgb_to_hsv(rgb):
    r, g, b = rgb[..., 0] / 255.0, rgb[..., 1] / 255.0, rgb[..., 2] / 255.0
    high = np.max(rgb, axis=-1) / 255.0
    low = np.min(rgb, axis=-1) / 255.0
    delta = high - low
    hue = np.zeros_like(high)
    mask = delta > 0
    idx = mask & (high == r)
    hue[idx] = ((g[idx] - b[idx]) / delta[idx]) % 6
    idx = mask & (high == g)
    hue[idx] = (b[idx] - r[idx]) / delta[idx] + 2
    idx = mask & (high == b)
    hue[idx] = (r[idx] - g[idx]) / delta[idx] + 4
    sat = np.where(high > 0, delta / np.where(high > 0, high, 1), 0)
    return np.stack([hue * 60, sat, high], axis=-1)


def flood_fill(image, y, x, color):
    h, w = image.shape
    target = image[y, x]
    if target == color:
        return 0
    stack_y = np.empty(h * w * 4, dtype=np.int64)
    stack_x = np.empty_like(stack_y)
    stack_y[0], stack_x[0] = y, x
    top, filled = 1, 0
    while top:
        top -= 1
        cy, cx = stack_y[top], stack_x[top]
        if cy < 0 or cy >= h or cx < 0 or cx >= w or image[cy, cx] != target:
            continue
        image[cy, cx] = color
        filled += 1
        for dy, dx in ((0, 1), (1, 0), (0, -1), (-1, 0)):
            stack_y[top], stack_x[top] = cy + dy, cx + dx
            top += 1
    return filled


def median3(image):
    h, w = image.shape
    out = image.copy()
    for i in range(1, h - 1):
        for j in range(1, w - 1):
            out[i, j] = np.median(image[i - 1:i + 2, j - 1:j + 2])
    return out


def iir(b, a, x):
    y = np.zeros_like(x)
    for n in range(len(x)):
        for k in range(len(b)):
            if n - k >= 0:
                y[n] += b[k] * x[n - k]
        for k in range(1, len(a)):
            if n - k >= 0:
                y[n] -= a[k] * y[n - k]
        y[n] /= a[0]
    return y


def biquad(x, b0, b1, b2, a1, a2):
    x1 = x2 = y1 = y2 = 0.0
    y = np.empty(len(x))
    for i, s in enumerate(x):
        out = b0 * s + b1 * x1 + b2 * x2 - a1 * y1 - a2 * y2
        x2, x1 = x1, s
        y2, y1 = y1, out
        y[i] = out
    return y


def fir(x, taps):
    return np.array([np.dot(taps, x[i:i + len(taps)]) for i in range(4)])


def autocorrelation(x):
    x = x - x.mean()
    n = len(x)
    out = np.empty(n)
    for lag in range(n):
        out[lag] = np.sum(x[:n - lag] * x[lag:])
    return out / out[0]


def haar(x):
    out = x.astype(float)
    n = len(out)
    while n > 1:
        half = n // 2
        avg = (out[0:n:2] + out[1:n:2]) / 2
        diff = (out[0:n:2] - out[1:n:2]) / 2
        out[:half] = avg
        out[half:n] = diff
        n = half
    return out


def zero_crossings(x):
    return np.where(np.diff(np.signbit(x)))[0]


def peaks(x, height):
    found = []
    count = 0
    for i in range(1, len(x) - 1):
        if x[i] > x[i - 1] and x[i] > x[i + 1] and x[i] >= height:
            count += 1
    found.append(count)
    inner = (x[1:-1] > x[:-2]) & (x[1:-1] > x[2:]) & (x[1:-1] >= height)
    return found, np.flatnonzero(inner) + 1


def goertzel(x, k):
    n = len(x)
    coeff = 2 * np.cos(2 * np.pi * k / n)
    s1, s2 = 0.0, 0.0
    for v in x:
        s1, s2 = v + coeff * s1 - s2, s1
    return s1 * s1 + s2 * s2 - coeff * s1 * s2


def dct(block):
    n = block.shape[0]
    k = np.arange(n)
    basis = np.cos(np.pi * (2 * k[None, :] + 1) * k[:, None] / (2 * n))
    basis[0] *= 1 / np.sqrt(2)
    return np.sqrt(2 / n) * basis @ block @ (np.sqrt(2 / n) * basis.T)


def ray_sphere(width, height):
    image = np.zeros((height, width, 3))
    light = np.array([1.0, 1.0, -1.0]) / np.sqrt(3)
    center = np.array([0.0, 0.0, 3.0])
    for i in range(height):
        for j in range(width):
            d = np.array([(j - width / 2) / width, (i - height / 2) / height, 1.0])
            d /= np.linalg.norm(d)
            b = d @ center
            disc = b * b - center @ center + 1.0
            if disc > 0:
                hit = d * (b - np.sqrt(disc))
                normal = hit - center
                shade = max(0.0, -(normal @ light))
                image[i, j] = shade * np.array([1.0, 0.5, 0.2])
    return image


PROGRAMS = [
    (histogram, lambda r, n: (r.random(n), 5, r.random(n)), (9, 14), 10000),
    (azimint_hist, lambda r, n: (r.random(n), r.random(n), 3), (30, 41), 10000),
    (azimint_naive, lambda r, n: (r.random(n), r.random(n), 3), (30, 41), 10000),
    (compute, lambda r, n: (r.integers(0, 99, (n, n)), r.integers(0, 99, (n, n)), 4, 3, 9),
     (5, 8), 500),
    (masked_clip, lambda r, n: (r.random((n, n)), 0.2, 0.8), (5, 8), 500),
    (go_fast, lambda r, n: (r.random((n, n)),), (5, 8), 300),
    (mandelbrot_masked, lambda r, n: (-1.75, 0.25, -1.0, 1.0, n, n, 8), (6, 9), 60),
    (mandelbrot_compressed, lambda r, n: (-1.75, 0.25, -1.0, 1.0, n, n, 8), (6, 9), 60),
    (mandelbrot_points, lambda r, n: (n, n, 20), (6, 9), 50),
    (convolve2d, lambda r, n: (r.random((n, n + 1)), r.random((3, 3))), (6, 9), 40),
    (sobel, lambda r, n: (r.random((n, n + 1)),), (6, 9), 300),
    (box_blur, lambda r, n: (r.random((n, n + 1)), 1), (6, 9), 300),
    (gaussian_kernel, lambda r, n: (n, 1.5), (5, 7), 301),
    (bilinear, lambda r, n: (r.random((n, n)), r.random(7) * n, r.random(7) * n), (6, 9), 300),
    (resize, lambda r, n: (r.random((n, n)), n + 3, n + 2), (6, 9), 60),
    (equalize, lambda r, n: (r.integers(0, 256, (n, n)).astype(np.uint8),), (6, 9), 300),
    (floyd_steinberg, lambda r, n: (r.integers(0, 256, (n, n + 1)).astype(np.uint8),), (6, 9), 80),
    (grayscale, lambda r, n: (r.integers(0, 256, (n, n, 3)).astype(np.uint8),), (6, 9), 200),
    (rgb_to_hsv, lambda r, n: (r.integers(0, 256, (n, n, 3)).astype(np.uint8),), (6, 9), 200),
    (flood_fill, lambda r, n: (r.integers(0, 2, (n, n)), 1, 1, 7), (6, 9), 60),
    (median3, lambda r, n: (r.random((n, n)),), (5, 7), 30),
    (iir, lambda r, n: (np.array([0.2, 0.3, 0.2]), np.array([1.0, -0.3, 0.2]), r.random(n)),
     (6, 12), 3000),
    (biquad, lambda r, n: (r.random(n), 0.2, 0.3, 0.2, -0.3, 0.2), (6, 12), 10000),
    (fir, lambda r, n: (r.random(n), r.random(4)), (9, 12), 100),
    (autocorrelation, lambda r, n: (r.random(n),), (6, 12), 500),
    (haar, lambda r, n: (r.random(2**n),), (2, 4), 12),
    (zero_crossings, lambda r, n: (r.random(n) - 0.5,), (6, 12), 10000),
    (peaks, lambda r, n: (r.random(n), 0.5), (6, 12), 10000),
    (goertzel, lambda r, n: (r.random(n), 2), (6, 12), 10000),
    (dct, lambda r, n: (r.random((n, n)),), (4, 8), 64),
    (ray_sphere, lambda r, n: (n, n), (5, 8), 40),
]
