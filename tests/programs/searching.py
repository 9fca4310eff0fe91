"""Sorting, searching, graphs: loops over arrays in place."""

import numpy as np


def binary_search(a, key):
    lo, hi = 0, len(a) - 1
    while lo <= hi:
        mid = (lo + hi) // 2
        if a[mid] < key:
            lo = mid + 1
        elif a[mid] > key:
            hi = mid - 1
        else:
            return mid
    return -1


def insertion_sort(a):
    for i in range(1, len(a)):
        key = a[i]
        j = i - 1
        while j >= 0 and a[j] > key:
            a[j + 1] = a[j]
            j -= 1
        a[j + 1] = key
    return a


def sift_down(a, start, end):
    root = start
    while 2 * root + 1 <= end:
        child = 2 * root + 1
        if child + 1 <= end and a[child] < a[child + 1]:
            child += 1
        if a[root] < a[child]:
            a[root], a[child] = a[child], a[root]
            root = child
        else:
            return


def heap_sort(a):
    n = len(a)
    for start in range(n // 2 - 1, -1, -1):
        sift_down(a, start, n - 1)
    for end in range(n - 1, 0, -1):
        a[0], a[end] = a[end], a[0]
        sift_down(a, 0, end - 1)


def partition(a, lo, hi):
    pivot = a[hi]
    i = lo - 1
    for j in range(lo, hi):
        if a[j] <= pivot:
            i += 1
            a[i], a[j] = a[j], a[i]
    a[i + 1], a[hi] = a[hi], a[i + 1]
    return i + 1


def quicksort(a):
    stack = np.zeros(len(a) + 2, dtype=np.int64)
    top = 0
    stack[0], stack[1] = 0, len(a) - 1
    top = 2
    while top > 0:
        top -= 2
        lo, hi = stack[top], stack[top + 1]
        if lo >= hi:
            continue
        p = partition(a, lo, hi)
        stack[top], stack[top + 1] = lo, p - 1
        stack[top + 2], stack[top + 3] = p + 1, hi
        top += 4
    return a


def merge_sort(a):
    n = len(a)
    src = a.copy()
    dst = np.empty_like(a)
    width = 1
    while width < n:
        for lo in range(0, n, 2 * width):
            mid = min(lo + width, n)
            hi = min(lo + 2 * width, n)
            i, j = lo, mid
            for k in range(lo, hi):
                if i < mid and (j >= hi or src[i] <= src[j]):
                    dst[k] = src[i]
                    i += 1
                else:
                    dst[k] = src[j]
                    j += 1
        src, dst = dst, src
        width *= 2
    return src


def counting_sort(a, k):
    counts = np.zeros(k, dtype=np.int64)
    for x in a:
        counts[x] += 1
    out = np.empty_like(a)
    pos = 0
    for value in range(k):
        for _ in range(counts[value]):
            out[pos] = value
            pos += 1
    return out


def bfs(indptr, indices, source):
    n = len(indptr) - 1
    dist = np.full(n, -1)
    queue = np.empty(n, dtype=np.int64)
    head, tail = 0, 1
    queue[0] = source
    dist[source] = 0
    while head < tail:
        u = queue[head]
        head += 1
        for e in range(indptr[u], indptr[u + 1]):
            v = indices[e]
            if dist[v] < 0:
                dist[v] = dist[u] + 1
                queue[tail] = v
                tail += 1
    return dist


def dijkstra(weights, source):
    n = weights.shape[0]
    dist = np.full(n, np.inf)
    done = np.zeros(n, dtype=bool)
    dist[source] = 0.0
    for _ in range(n):
        u = -1
        for i in range(n):
            if not done[i] and (u == -1 or dist[i] < dist[u]):
                u = i
        if dist[u] == np.inf:
            break
        done[u] = True
        for v in range(n):
            if weights[u, v] > 0 and dist[u] + weights[u, v] < dist[v]:
                dist[v] = dist[u] + weights[u, v]
    return dist


def find(parent, x):
    while parent[x] != x:
        parent[x] = parent[parent[x]]
        x = parent[x]
    return x


def components(n, edges):
    parent = np.arange(n)
    count = n
    for a, b in edges:
        ra, rb = find(parent, a), find(parent, b)
        if ra != rb:
            parent[ra] = rb
            count -= 1
    return count


def union_labels(n, edges):
    labels = np.arange(n)
    changed = True
    while changed:
        changed = False
        for k in range(len(edges)):
            a, b = edges[k]
            low = min(labels[a], labels[b])
            if labels[a] != low or labels[b] != low:
                labels[a] = labels[b] = low
                changed = True
    return labels


def two_sum(a, target):
    for i in range(len(a)):
        for j in range(i + 1, len(a)):
            if a[i] + a[j] == target:
                return i, j
    return None


def max_subarray(a):
    best = current = a[0]
    for x in a[1:]:
        current = max(x, current + x)
        best = max(best, current)
    return best


def running_median(a, w):
    out = np.empty(len(a) - w + 1)
    for i in range(len(out)):
        out[i] = np.median(a[i:i + w])
    return out


def unique_counts(a):
    s = np.sort(a)
    mask = np.empty(s.shape, dtype=bool)
    mask[:1] = True
    mask[1:] = s[1:] != s[:-1]
    values = s[mask]
    counts = np.diff(np.concatenate((np.nonzero(mask)[0], [s.size])))
    return values, counts


def bisect_root(lo, hi, tol):
    def f(x):
        return x ** 3 - x - 2

    flo = f(lo)
    for _ in range(200):
        mid = (lo + hi) / 2
        fmid = f(mid)
        if fmid == 0 or (hi - lo) / 2 < tol:
            return mid
        if (fmid > 0) == (flo > 0):
            lo, flo = mid, fmid
        else:
            hi = mid
    raise ValueError("did not converge")


def topk(scores, k):
    best = np.full(k, -np.inf)
    where = np.zeros(k, dtype=np.intp)
    for i, s in enumerate(scores):
        if s > best[-1]:
            j = k - 1
            while j > 0 and best[j - 1] < s:
                best[j] = best[j - 1]
                where[j] = where[j - 1]
                j -= 1
            best[j], where[j] = s, i
    return best, where


def longest_increasing(a):
    n = len(a)
    length = np.ones(n, dtype=int)
    for i in range(n):
        for j in range(i):
            if a[j] < a[i]:
                length[i] = max(length[i], length[j] + 1)
    return length.max()


def graph(r, n):
    a = r.random((n, n)) < 0.3
    indptr = np.concatenate(([0], np.cumsum(a.sum(axis=1))))
    return indptr, np.nonzero(a)[1], 0


PROGRAMS = [
    (binary_search, lambda r, n: (np.arange(n) * 2, n), (9, 12), 100000),
    (insertion_sort, lambda r, n: (r.random(n),), (9, 14), 300),
    (heap_sort, lambda r, n: (r.random(n),), (9, 14), 2000),
    (quicksort, lambda r, n: (r.permutation(n),), (9, 14), 2000),
    (merge_sort, lambda r, n: (r.random(n),), (9, 14), 2000),
    (counting_sort, lambda r, n: (r.integers(0, 9, n), 9), (9, 14), 5000),
    (bfs, graph, (9, 14), 200),
    (dijkstra, lambda r, n: (r.random((n, n)) * (r.random((n, n)) < 0.5), 0), (9, 14), 150),
    (components, lambda r, n: (n, r.integers(0, n, (n // 2, 2))), (9, 14), 5000),
    (union_labels, lambda r, n: (n, r.integers(0, n, (n // 2, 2))), (9, 14), 1000),
    (two_sum, lambda r, n: (np.arange(n) * 3, 6 * n - 9), (9, 14), 500),
    (max_subarray, lambda r, n: (r.integers(-9, 9, n),), (9, 14), 10000),
    (running_median, lambda r, n: (r.random(n), 5), (9, 14), 300),
    (unique_counts, lambda r, n: (r.integers(0, 5, n),), (9, 14), 10000),
    (bisect_root, lambda r, n: (1.0, 2.0 + n / 10, 1e-9), (1, 4), 1),
    (topk, lambda r, n: (r.random(n), 4), (9, 14), 5000),
    (longest_increasing, lambda r, n: (r.random(n),), (9, 14), 200),
]
