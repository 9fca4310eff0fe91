"""Integers: checksums, hashes, random generators, sequences, parsing of bytes."""

import numpy as np

K = np.array([0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1,
              0x923f82a4, 0xab1c5ed5], dtype=np.uint32)
POLY = 0x8408


def crc16(data, poly=POLY):
    crc = 0xFFFF
    for b in data:
        cur_byte = 0xFF & b
        for _ in range(0, 8):
            if (crc & 0x0001) ^ (cur_byte & 0x0001):
                crc = (crc >> 1) ^ poly
            else:
                crc >>= 1
            cur_byte >>= 1
    crc = (~crc & 0xFFFF)
    crc = (crc << 8) | ((crc >> 8) & 0xFF)
    return crc & 0xFFFF


def crc32_table(data):
    table = np.zeros(256, dtype=np.uint32)
    for i in range(256):
        c = i
        for _ in range(8):
            c = (c >> 1) ^ 0xEDB88320 if c & 1 else c >> 1
        table[i] = c
    crc = 0xFFFFFFFF
    for byte in data:
        crc = int(table[(crc ^ int(byte)) & 0xFF]) ^ (crc >> 8)
    return crc ^ 0xFFFFFFFF


def adler32(data):
    a, b = 1, 0
    for byte in data:
        a = (a + byte) % 65521
        b = (b + a) % 65521
    return (b << 16) | a


def fnv1a(data):
    h = np.uint64(0xcbf29ce484222325)
    prime = np.uint64(0x100000001b3)
    for byte in data:
        h = (h ^ np.uint64(byte)) * prime
    return h


def rotr(x, n):
    return (x >> np.uint32(n)) | (x << np.uint32(32 - n))


def sha_like(state, block):
    a, b, c, d = state[0], state[1], state[2], state[3]
    for i in range(len(block)):
        s1 = rotr(c, 6) ^ rotr(c, 11) ^ rotr(c, 25)
        ch = (c & d) ^ (~c & a)
        t = b + s1 + ch + K[i % 8] + block[i]
        a, b, c, d = t + (a & b), a, b, c
    return np.array([a, b, c, d])


def xorshift(seed, n):
    x = np.uint64(seed)
    out = np.empty(n, dtype=np.uint64)
    for i in range(n):
        x ^= x << np.uint64(13)
        x ^= x >> np.uint64(7)
        x ^= x << np.uint64(17)
        out[i] = x
    return out


def lcg(seed, n):
    state = seed
    out = np.zeros(n)
    for i in range(n):
        state = (1103515245 * state + 12345) % 2**31
        out[i] = state / 2**31
    return out


def lcg_vector(x, rounds):
    x = x.astype(np.uint32)
    for _ in range(rounds):
        x = x * np.uint32(1664525) + np.uint32(1013904223)
        x ^= x >> 16
    return x


def levenshtein(a, b):
    m, n = len(a), len(b)
    d = np.zeros((m + 1, n + 1), dtype=np.int32)
    d[:, 0] = np.arange(m + 1)
    d[0, :] = np.arange(n + 1)
    for i in range(1, m + 1):
        for j in range(1, n + 1):
            cost = 0 if a[i - 1] == b[j - 1] else 1
            d[i, j] = min(d[i - 1, j] + 1, d[i, j - 1] + 1, d[i - 1, j - 1] + cost)
    return d[m, n]


def needleman_wunsch(a, b, match=1, mismatch=-1, gap=-2):
    n, m = len(a), len(b)
    score = np.zeros((n + 1, m + 1), dtype=np.int64)
    for i in range(n + 1):
        score[i, 0] = gap * i
    for j in range(m + 1):
        score[0, j] = gap * j
    for i in range(1, n + 1):
        for j in range(1, m + 1):
            diag = score[i - 1, j - 1] + (match if a[i - 1] == b[j - 1] else mismatch)
            score[i, j] = max(diag, score[i - 1, j] + gap, score[i, j - 1] + gap)
    i, j, same = n, m, 0
    while i > 0 and j > 0:
        step = match if a[i - 1] == b[j - 1] else mismatch
        if score[i, j] == score[i - 1, j - 1] + step:
            same += a[i - 1] == b[j - 1]
            i -= 1
            j -= 1
        elif score[i, j] == score[i - 1, j] + gap:
            i -= 1
        else:
            j -= 1
    return score[n, m], same


def lcs(x, y):
    prev = np.zeros(len(y) + 1, dtype=int)
    for i in range(len(x)):
        cur = np.zeros(len(y) + 1, dtype=int)
        for j in range(len(y)):
            if x[i] == y[j]:
                cur[j + 1] = prev[j] + 1
            else:
                cur[j + 1] = max(cur[j], prev[j + 1])
        prev = cur
    return prev[-1]


def run_lengths(x):
    values = np.empty_like(x)
    counts = np.zeros(len(x), dtype=np.int64)
    k = -1
    for i in range(len(x)):
        if i == 0 or x[i] != x[i - 1]:
            k += 1
            values[k] = x[i]
        counts[k] += 1
    return values[:k + 1], counts[:k + 1]


def run_lengths_numpy(x):
    starts = np.flatnonzero(np.concatenate(([True], x[1:] != x[:-1])))
    lengths = np.diff(np.append(starts, len(x)))
    return x[starts], lengths


def parse_csv(data, rows, cols):
    out = np.zeros((rows, cols))
    row = col = 0
    value, scale, sign = 0.0, 0.0, 1.0
    for c in data:
        if c == 44 or c == 10:
            out[row, col] = sign * value
            value, scale, sign = 0.0, 0.0, 1.0
            if c == 10:
                row += 1
                col = 0
            else:
                col += 1
        elif c == 45:
            sign = -1.0
        elif c == 46:
            scale = 0.1
        elif 48 <= c <= 57:
            digit = c - 48
            if scale:
                value += digit * scale
                scale /= 10
            else:
                value = value * 10 + digit
        else:
            raise ValueError("not a number")
    return out


def count_words(text):
    words = 0
    inside = False
    for ch in text:
        space = ch == 32 or ch == 10
        if inside and space:
            inside = False
        elif not inside and not space:
            inside = True
            words += 1
    return words


def sieve(n):
    flags = np.ones(n + 1, dtype=np.bool_)
    flags[0:2] = False
    for i in range(2, int(n ** 0.5) + 1):
        if flags[i]:
            flags[i * i::i] = False
    return np.nonzero(flags)[0]


def collatz_lengths(n):
    best, best_start = 0, 0
    for start in range(1, n):
        length, x = 1, start
        while x != 1:
            x = x // 2 if x % 2 == 0 else 3 * x + 1
            length += 1
        if length > best:
            best, best_start = length, start
    return best_start, best


def power_mod(base, exponent, modulus):
    result = 1
    base %= modulus
    while exponent > 0:
        if exponent & 1:
            result = result * base % modulus
        base = base * base % modulus
        exponent >>= 1
    return result


def fibonacci_matrix(n):
    m = np.array([[1, 1], [1, 0]], dtype=np.uint64)
    result = np.eye(2, dtype=np.uint64)
    while n:
        if n % 2:
            result = result @ m
        m = m @ m
        n //= 2
    return result[0, 1]


def gcd_table(n):
    out = np.zeros((n, n), dtype=np.int64)
    for i in range(n):
        for j in range(n):
            a, b = i + 1, j + 1
            while b != 0:
                a, b = b, a % b
            out[i, j] = a
    return out


def popcount(words):
    total = 0
    for w in words:
        while w:
            w &= w - 1
            total += 1
    return total


def morton(x, y):
    z = np.zeros(x.shape, dtype=np.int64)
    for i in range(16):
        z |= (x & 1 << i) << i | (y & 1 << i) << (i + 1)
    return z


def knapsack(weights, values, capacity):
    dp = np.zeros(capacity + 1, dtype=np.int64)
    for w, v in zip(weights, values):
        for c in range(capacity, w - 1, -1):
            dp[c] = max(dp[c], dp[c - w] + v)
    return dp[capacity]


def queens(n):
    columns = np.zeros(n, dtype=np.int64)
    count, row = 0, 0
    columns[0] = -1
    while row >= 0:
        columns[row] += 1
        if columns[row] >= n:
            row -= 1
            continue
        ok = True
        for r in range(row):
            d = columns[row] - columns[r]
            if d == 0 or abs(d) == row - r:
                ok = False
                break
        if ok:
            if row == n - 1:
                count += 1
            else:
                row += 1
                columns[row] = -1
    return count


def letters(r, n):
    return r.integers(97, 101, n).astype(np.uint8)


def csv(r, n):
    text = "".join("-12.5,3,0.25\n" if k % 2 else "7,-8.125,100\n" for k in range(n))
    return np.frombuffer(text.encode(), dtype=np.uint8), n, 3


PROGRAMS = [
    (crc16, lambda r, n: (r.integers(0, 256, n).astype(np.uint8),), (8, 20), 20000),
    (crc32_table, lambda r, n: (r.integers(0, 256, n).astype(np.uint8),), (8, 20), 20000),
    (adler32, lambda r, n: (r.integers(0, 256, n),), (8, 20), 20000),
    (fnv1a, lambda r, n: (r.integers(0, 256, n).astype(np.uint8),), (8, 20), 20000),
    (sha_like, lambda r, n: (r.integers(0, 2**32, 4).astype(np.uint32),
                             r.integers(0, 2**32, n).astype(np.uint32)), (8, 20), 5000),
    (xorshift, lambda r, n: (88172645463325252, n), (8, 20), 10000),
    (lcg, lambda r, n: (12345, n), (8, 20), 10000),
    (lcg_vector, lambda r, n: (np.arange(n), 5), (8, 20), 10000),
    (levenshtein, lambda r, n: (letters(r, n), letters(r, n + 3)), (5, 9), 150),
    (needleman_wunsch, lambda r, n: (letters(r, n), letters(r, n + 3)), (5, 9), 150),
    (lcs, lambda r, n: (letters(r, n), letters(r, n + 3)), (5, 9), 150),
    (run_lengths, lambda r, n: (r.integers(0, 2, n),), (9, 20), 20000),
    (run_lengths_numpy, lambda r, n: (r.integers(0, 2, n),), (9, 20), 20000),
    (parse_csv, csv, (3, 5), 1000),
    (count_words, lambda r, n: (np.frombuffer(b"to be or  not\nto be " * n, np.uint8),),
     (1, 3), 500),
    (sieve, lambda r, n: (n,), (30, 50), 100000),
    (collatz_lengths, lambda r, n: (n,), (10, 30), 3000),
    (power_mod, lambda r, n: (3, n, 1000003), (13, 77), 10**9),
    (fibonacci_matrix, lambda r, n: (n,), (10, 31), 90),
    (gcd_table, lambda r, n: (n,), (6, 9), 60),
    (popcount, lambda r, n: (r.integers(0, 2**40, n),), (6, 9), 2000),
    (morton, lambda r, n: (r.integers(0, 2**16, n), r.integers(0, 2**16, n)), (6, 9), 20000),
    (knapsack, lambda r, n: (r.integers(1, 9, n), r.integers(1, 99, n), 30), (6, 9), 200),
    (queens, lambda r, n: (n,), (4, 6), 7),
]
