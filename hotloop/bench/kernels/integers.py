"""Whole numbers and bytes: checksums, hashes, parsing, sieves, edit distances."""

import numpy as np

from .spec import Kernel


def crc32(data, table):
    """CRC-32 of bytes by a table, one byte after the other."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc = (crc >> 8) ^ int(table[(crc ^ int(byte)) & 0xFF])
    return crc ^ 0xFFFFFFFF


def crc32_jax():
    import jax
    import jax.numpy as jnp

    @jax.jit
    def crc32(data, table):
        def step(crc, byte):
            return (crc >> 8) ^ table[(crc ^ byte) & 0xFF], None
        crc, _ = jax.lax.scan(step, jnp.int64(0xFFFFFFFF), data.astype(jnp.int64))
        return crc ^ 0xFFFFFFFF
    return crc32


def mix(words, rounds):
    """Rotations, additions and exclusive ors on arrays of 32-bit words, as in a hash."""
    a = words
    b = words ^ np.uint32(0x9E3779B9)
    c = ~words
    for _ in range(rounds):
        a = a + b
        c = c ^ a
        c = (c << np.uint32(16)) | (c >> np.uint32(16))
        b = b + c
        a = a ^ b
        a = (a << np.uint32(7)) | (a >> np.uint32(25))
    return a ^ b ^ c


def mix_jax():
    import jax
    import jax.numpy as jnp

    @jax.jit
    def mix(words, rounds):
        def step(_, state):
            a, b, c = state
            a = a + b
            c = c ^ a
            c = (c << 16) | (c >> 16)
            b = b + c
            a = a ^ b
            return (a << 7) | (a >> 25), b, c
        a, b, c = jax.lax.fori_loop(0, rounds, step,
                                    (words, words ^ jnp.uint32(0x9E3779B9), ~words))
        return a ^ b ^ c
    return mix


def hash_words(words):
    """A hash of 32-bit words, one after the other, in Python's integers."""
    h = 0x811C9DC5
    for w in words:
        h ^= int(w)
        h = (h * 0x01000193) & 0xFFFFFFFF
        h ^= h >> 15
        h = ((h << 13) | (h >> 19)) & 0xFFFFFFFF
    return h


def hash_words_jax():
    import jax
    import jax.numpy as jnp

    @jax.jit
    def hash_words(words):
        def step(h, w):
            h = (h ^ w) * jnp.uint32(0x01000193)
            h = h ^ (h >> 15)
            return (h << 13) | (h >> 19), None
        return jax.lax.scan(step, jnp.uint32(0x811C9DC5), words)[0].astype(jnp.int64)
    return hash_words


def parse_numbers(text, out):
    """Decimal numbers between commas, from an array of bytes."""
    count = 0
    value = 0
    scale = 0
    sign = 1
    for k in range(len(text)):
        c = int(text[k])
        if 48 <= c <= 57:
            value = value * 10 + (c - 48)
            scale *= 10
        elif c == 45:
            sign = -1
        elif c == 46:
            scale = 1
        else:
            out[count] = sign * value / max(scale, 1)
            count += 1
            value, scale, sign = 0, 0, 1
    return count


def levenshtein(a, b):
    """The edit distance of two arrays of letters."""
    row = np.arange(len(b) + 1)
    for i in range(len(a)):
        before = row[0]
        row[0] = i + 1
        for j in range(len(b)):
            old = row[j + 1]
            cost = before if a[i] == b[j] else before + 1
            row[j + 1] = min(cost, old + 1, row[j] + 1)
            before = old
    return row[len(b)]


def levenshtein_jax():
    import jax
    import jax.numpy as jnp

    @jax.jit
    def levenshtein(a, b):
        places = jnp.arange(len(b) + 1)

        def line(row, letter):
            cost = jnp.minimum(row[1:] + 1, row[:-1] + (b != letter))
            new = jnp.concatenate((row[:1] + 1, cost))
            # row[j] + 1 along the row is a running minimum once j is subtracted
            return jax.lax.cummin(new - places) + places, None
        return jax.lax.scan(line, places, a)[0][-1]
    return levenshtein


def sieve(n):
    """How many primes are below n: slices of a boolean array."""
    prime = np.ones(n, dtype=np.bool_)
    prime[:2] = False
    p = 2
    while p * p < n:
        if prime[p]:
            prime[p * p::p] = False
        p += 1
    return np.sum(prime)


def collatz(n):
    """The start below n with the longest Collatz sequence."""
    best, at = 0, 0
    for start in range(1, n):
        x, length = start, 1
        while x != 1:
            x = x // 2 if x % 2 == 0 else 3 * x + 1
            length += 1
        if length > best:
            best, at = length, start
    return at, best


def insertion_sort(x):
    """Sorting in place by insertion."""
    for i in range(1, len(x)):
        v = x[i]
        j = i - 1
        while j >= 0 and x[j] > v:
            x[j + 1] = x[j]
            j -= 1
        x[j + 1] = v


def insertion_sort_numpy():
    return lambda x: x.sort()


def grayscale(image):
    """Bytes of a colour picture to brightness, with integer weights."""
    r = image[:, :, 0].astype(np.uint32)
    g = image[:, :, 1].astype(np.uint32)
    b = image[:, :, 2].astype(np.uint32)
    return ((77 * r + 150 * g + 29 * b) >> 8).astype(np.uint8)


def grayscale_jax():
    import jax
    import jax.numpy as jnp

    from .spec import replaced
    return jax.jit(replaced(grayscale, np=jnp))


def crc_table():
    table = np.zeros(256, dtype=np.int64)
    for k in range(256):
        c = k
        for _ in range(8):
            c = (c >> 1) ^ 0xEDB88320 if c & 1 else c >> 1
        table[k] = c
    return table


def numbers(n, rng):
    values = rng.standard_normal(n) * 1000
    text = ",".join(f"{v:.3f}" for v in values) + ","
    return np.frombuffer(text.encode(), dtype=np.uint8).copy(), np.zeros(n)


def letters(n, rng):
    return tuple(rng.integers(97, 101, n).astype(np.uint8) for _ in range(2))


def words(n, rng):
    return rng.integers(0, 2**32, n, dtype=np.uint32)


KERNELS = [
    Kernel(crc32, make=lambda n, rng: (rng.integers(0, 256, n, dtype=np.uint8), crc_table()),
           sizes=(10_000, 500_000), work=lambda n: (n, 5 * n), style="loops", jax=crc32_jax,
           pythran=None),
    Kernel(mix, make=lambda n, rng: (words(n, rng), 8), sizes=(2_000, 200_000, 5_000_000),
           work=lambda n: (8 * n, 80 * n), jax=mix_jax),
    Kernel(hash_words, make=lambda n, rng: (words(n, rng),), sizes=(5_000, 300_000),
           work=lambda n: (4 * n, 9 * n), style="loops", jax=hash_words_jax, pythran=None),
    Kernel(parse_numbers, make=numbers, sizes=(1_000, 50_000), work=lambda n: (16 * n, 30 * n),
           writes=(1,), style="loops"),
    Kernel(levenshtein, make=letters, sizes=(100, 1_500), work=lambda n: (2 * n, 6 * n * n),
           style="loops", jax=levenshtein_jax),
    Kernel(sieve, make=lambda n, rng: (n,), sizes=(5_000, 500_000, 20_000_000),
           work=lambda n: (n, 3 * n)),
    Kernel(collatz, make=lambda n, rng: (n,), sizes=(300, 20_000),
           work=lambda n: (8, 3 * 100 * n), style="loops"),
    Kernel(insertion_sort, make=lambda n, rng: (rng.random(n),), sizes=(200, 4_000),
           work=lambda n: (16 * n, n * n / 2), writes=(0,), style="loops",
           numpy=insertion_sort_numpy),
    Kernel(grayscale, make=lambda n, rng: (rng.integers(0, 256, (n, n, 3), dtype=np.uint8),),
           sizes=(40, 400, 3_000), work=lambda n: (4 * n * n, 6 * n * n), jax=grayscale_jax),
]
