# ruff: noqa: RUF005, SIM110
"""Functions that call themselves with lists, objects and arrays of any size, as in textbooks."""

import math

import numpy as np


def subsets_sum(nums, target):
    path = []
    found = []
    def go(i, left):
        if left == 0:
            found.append(len(path))
            return
        if i == len(nums) or left < 0:
            return
        path.append(nums[i])
        go(i + 1, left - nums[i])
        path.pop()
        go(i + 1, left)
    go(0, target)
    return len(found), sum(found)


def quicksort(a):
    if len(a) <= 1:
        return a
    pivot = a[len(a) // 2]
    left = [x for x in a if x < pivot]
    mid = [x for x in a if x == pivot]
    right = [x for x in a if x > pivot]
    return quicksort(left) + mid + quicksort(right)


def quicksort_np(a):
    if len(a) <= 1:
        return a
    p = a[len(a) // 2]
    return np.concatenate((quicksort_np(a[a < p]), a[a == p], quicksort_np(a[a > p])))


def merge_sort(a):
    n = len(a)
    if n <= 1:
        return a
    left = merge_sort(a[:n // 2])
    right = merge_sort(a[n // 2:])
    out = []
    i = j = 0
    while i < len(left) and j < len(right):
        if left[i] <= right[j]:
            out.append(left[i])
            i += 1
        else:
            out.append(right[j])
            j += 1
    out.extend(left[i:])
    out.extend(right[j:])
    return out


def merge_sort_np(a):
    n = a.shape[0]
    if n < 2:
        return a.copy()
    left = merge_sort_np(a[:n // 2])
    right = merge_sort_np(a[n // 2:])
    out = np.empty(n)
    i = j = 0
    for k in range(n):
        if j >= right.shape[0] or (i < left.shape[0] and left[i] <= right[j]):
            out[k] = left[i]
            i += 1
        else:
            out[k] = right[j]
            j += 1
    return out


def fft(x):
    n = x.shape[0]
    if n == 1:
        return x.astype(np.complex128)
    even = fft(x[::2])
    odd = fft(x[1::2])
    w = np.exp(-2j * np.pi * np.arange(n // 2) / n)
    return np.concatenate([even + w * odd, even - w * odd])


def partitions(n):
    result = []
    def go(left, top, path):
        if left == 0:
            result.append(len(path))
            return
        for k in range(min(left, top), 0, -1):
            go(left - k, k, path + [k])
    go(n, n, [])
    return len(result), result


def nqueens(n):
    solutions = []
    cols = [0] * n
    def ok(r, c):
        for k in range(r):
            if cols[k] == c or abs(cols[k] - c) == r - k:
                return False
        return True
    def place(r):
        if r == n:
            solutions.append(cols[:])
            return
        for c in range(n):
            if ok(r, c):
                cols[r] = c
                place(r + 1)
    place(0)
    return solutions


def dfs_order(adj):
    n = adj.shape[0]
    seen = set()
    order = []
    def visit(u):
        seen.add(u)
        for v in range(n):
            if adj[u, v] and v not in seen:
                visit(v)
        order.append(u)
    for u in range(n):
        if u not in seen:
            visit(u)
    return order[::-1]


def gray(n):
    if n == 0:
        return [0]
    prev = gray(n - 1)
    return prev + [x | (1 << (n - 1)) for x in reversed(prev)]


def strassen_like(a, b):
    n = a.shape[0]
    if n <= 2:
        return a @ b
    h = n // 2
    c = np.zeros((n, n))
    c[:h, :h] = strassen_like(a[:h, :h], b[:h, :h]) + strassen_like(a[:h, h:], b[h:, :h])
    c[:h, h:] = strassen_like(a[:h, :h], b[:h, h:]) + strassen_like(a[:h, h:], b[h:, h:])
    c[h:, :h] = strassen_like(a[h:, :h], b[:h, :h]) + strassen_like(a[h:, h:], b[h:, :h])
    c[h:, h:] = strassen_like(a[h:, :h], b[:h, h:]) + strassen_like(a[h:, h:], b[h:, h:])
    return c


def sudoku(board):
    def ok(r, c, k):
        for i in range(9):
            if board[r, i] == k or board[i, c] == k:
                return False
        br, bc = 3 * (r // 3), 3 * (c // 3)
        for i in range(br, br + 3):
            for j in range(bc, bc + 3):
                if board[i, j] == k:
                    return False
        return True
    def solve():
        for r in range(9):
            for c in range(9):
                if board[r, c] == 0:
                    for k in range(1, 10):
                        if ok(r, c, k):
                            board[r, c] = k
                            if solve():
                                return True
                            board[r, c] = 0
                    return False
        return True
    return solve()


def bst_insert(keys):
    n = len(keys)
    left = [-1] * n
    right = [-1] * n
    def insert(node, k):
        if keys[k] < keys[node]:
            if left[node] < 0:
                left[node] = k
            else:
                insert(left[node], k)
        else:
            if right[node] < 0:
                right[node] = k
            else:
                insert(right[node], k)
    for k in range(1, n):
        insert(0, k)
    return left, right


def memo_fib(n):
    memo = {}
    def fib(k):
        if k in memo:
            return memo[k]
        if k < 2:
            return k
        r = fib(k - 1) + fib(k - 2)
        memo[k] = r
        return r
    return fib(n)


def tree_order(n):
    adj = [[] for _ in range(n)]
    for i in range(1, n):
        adj[(i - 1) // 2].append(i)
    order = []
    def visit(u):
        order.append(u)
        for v in adj[u]:
            visit(v)
    visit(0)
    return order


def levels_of_heap(n):
    levels = []
    def visit(u, d):
        if u >= n:
            return
        if d == len(levels):
            levels.append([])
        levels[d].append(u)
        visit(2 * u + 1, d + 1)
        visit(2 * u + 2, d + 1)
    visit(0, 0)
    return levels


class Counter:
    def __init__(self):
        self.calls = 0
        self.seen = []
    def walk(self, n):
        self.calls += 1
        self.seen.append(n)
        if n > 1:
            self.walk(n // 2)
            self.walk(n - n // 2)


def counting_walk(n):
    c = Counter()
    c.walk(n)
    return c.calls, c.seen


class Node:
    def __init__(self, v):
        self.v = v


def doubling_node(n):
    def f(node, k):
        if k == 0:
            return node.v
        return f(Node(node.v * 2), k - 1)
    return f(Node(1), n)


def default_memo(n):
    def fib(n, memo=None):
        if memo is None:
            memo = {}
        if n in memo:
            return memo[n]
        if n < 2:
            return n
        memo[n] = fib(n - 1, memo) + fib(n - 2, memo)
        return memo[n]
    return fib(n)


def matrix_power(m, k):
    if k == 0:
        return np.eye(m.shape[0])
    if k == 1:
        return m
    h = matrix_power(m, k // 2)
    h = h @ h
    return h @ m if k % 2 else h


def two_lists(a):
    def split(x):
        if len(x) <= 1:
            return x, []
        l, r = split(x[1:])
        if x[0] > 0:
            return [x[0]] + l, r
        return l, [x[0]] + r
    return split([1.0, -2.0, a, -a, 3.0])


def koch(n):
    pts = [(0.0, 0.0)]
    def seg(x, y, ang, ln, d):
        if d == 0:
            pts.append((x + ln * math.cos(ang), y + ln * math.sin(ang)))
            return x + ln * math.cos(ang), y + ln * math.sin(ang)
        ln /= 3
        x, y = seg(x, y, ang, ln, d - 1)
        x, y = seg(x, y, ang + math.pi / 3, ln, d - 1)
        x, y = seg(x, y, ang - math.pi / 3, ln, d - 1)
        return seg(x, y, ang, ln, d - 1)
    seg(0.0, 0.0, 0.0, 1.0, n)
    return pts


def knapsack(w, v, i, c):
    if i == 0 or c == 0:
        return 0, []
    if w[i - 1] > c:
        return knapsack(w, v, i - 1, c)
    a, la = knapsack(w, v, i - 1, c)
    b, lb = knapsack(w, v, i - 1, c - w[i - 1])
    if b + v[i - 1] > a:
        return b + v[i - 1], lb + [i - 1]
    return a, la


def perms(n):
    res = []
    def go(arr, k):
        if k == len(arr):
            res.append(arr[:])
            return
        for i in range(k, len(arr)):
            arr[k], arr[i] = arr[i], arr[k]
            go(arr, k + 1)
            arr[k], arr[i] = arr[i], arr[k]
    go(list(range(n)), 0)
    return res


def kdtree(pts):
    order = []
    def build(idx, d):
        if len(idx) == 0:
            return
        k = d % 2
        idx = idx[np.argsort(pts[idx, k])]
        m = len(idx) // 2
        order.append(idx[m])
        build(idx[:m], d + 1)
        build(idx[m+1:], d + 1)
    build(np.arange(len(pts)), 0)
    return order


def quadtree(img):
    out = []
    def go(r, c, s):
        b = img[r:r+s, c:c+s]
        if s == 1 or b.max() == b.min():
            out.append((r, c, s))
            return
        h = s // 2
        go(r, c, h)
        go(r, c + h, h)
        go(r + h, c, h)
        go(r + h, c + h, h)
    go(0, 0, img.shape[0])
    return out


def swap_args(n):
    def f(a, b, k):
        if k == 0:
            return
        a.append(k)
        f(b, a, k - 1)
    p, q = [1], [2.5]
    f(p, q, n)
    return p, q


BOARD = np.array([[int(c) for c in row] for row in (
    "530070000", "600195000", "098000060", "800060003", "400803001", "700020006", "060000280",
    "000419005", "000080079")])


def whole_numbers(r, n):
    return r.integers(0, 50, n).tolist()


PROGRAMS = [
    (subsets_sum, lambda r, n: (r.integers(1, 9, n), 12), (8, 5), 14),
    (quicksort, lambda r, n: (whole_numbers(r, n),), (9, 12), 500),
    (quicksort_np, lambda r, n: (r.random(n),), (40, 2, 0), 5000),
    (merge_sort, lambda r, n: (whole_numbers(r, n),), (9,), 500),
    (merge_sort_np, lambda r, n: (r.random(n),), (33, 2, 1), 5000),
    (fft, lambda r, n: (r.random(n),), (64, 2, 1), 4096),
    (partitions, lambda r, n: (n,), (8, 3), 20),
    (nqueens, lambda r, n: (n,), (5, 4), 7),
    (dfs_order, lambda r, n: (r.random((n, n)) < 0.3,), (9, 4), 100),
    (gray, lambda r, n: (n,), (5, 0), 12),
    (strassen_like, lambda r, n: (r.random((n, n)), r.random((n, n))), (8, 2), 64),
    (sudoku, lambda r, n: (BOARD.copy(),), (9,), 9),
    (bst_insert, lambda r, n: (r.permutation(n).tolist(),), (9,), 300),
    (memo_fib, lambda r, n: (n,), (30, 1), 80),
    (tree_order, lambda r, n: (n,), (7, 2), 5000),
    (levels_of_heap, lambda r, n: (n,), (9, 1), 5000),
    (counting_walk, lambda r, n: (n,), (7, 1), 1000),
    (doubling_node, lambda r, n: (n,), (5, 2), 50),
    (default_memo, lambda r, n: (n,), (20, 3), 80),
    (matrix_power, lambda r, n: (r.random((3, 3)), n), (13, 1, 0), 1000),
    (two_lists, lambda r, n: (r.normal(),), (1,), 1),
    (koch, lambda r, n: (n,), (3, 1), 5),
    (knapsack, lambda r, n: (r.integers(1, 5, n), r.integers(1, 9, n), n, 7), (5, 3), 12),
    (perms, lambda r, n: (n,), (4, 1), 7),
    (kdtree, lambda r, n: (r.random((n, 2)),), (20, 3), 2000),
    (quadtree, lambda r, n: ((r.random((n, n)) < 0.2).astype(int),), (8, 4), 64),
    (swap_args, lambda r, n: (n,), (5, 2), 500),
]
