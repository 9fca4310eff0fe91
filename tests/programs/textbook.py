"""Algorithms of textbooks in plain Python: lists as arrays, stacks, queues, tables and grids."""

import heapq
import math
from bisect import bisect_left
from collections import deque


def sieve(n):
    is_prime = [True] * (n + 1)
    is_prime[0] = is_prime[1] = False
    for i in range(2, int(n ** 0.5) + 1):
        if is_prime[i]:
            for j in range(i * i, n + 1, i):
                is_prime[j] = False
    return [i for i, p in enumerate(is_prime) if p]


def primes_by_trial(n):
    primes = []
    candidate = 2
    while len(primes) < n:
        for p in primes:
            if p * p > candidate:
                primes.append(candidate)
                break
            if candidate % p == 0:
                break
        else:
            primes.append(candidate)
        candidate += 1
    return primes


def factorize(n):
    factors = []
    d = 2
    while d * d <= n:
        while n % d == 0:
            factors.append(d)
            n //= d
        d += 1
    if n > 1:
        factors.append(n)
    return factors


def divisors(n):
    small, large = [], []
    for i in range(1, math.isqrt(n) + 1):
        if n % i == 0:
            small.append(i)
            if i != n // i:
                large.append(n // i)
    return small + large[::-1]


def collatz(n):
    path = [n]
    while n != 1:
        if n % 2 == 0:
            n = n // 2
        else:
            n = 3 * n + 1
        path.append(n)
    return path


def fibonacci(n):
    fib = [0, 1]
    while len(fib) < n:
        fib.append(fib[-1] + fib[-2])
    return fib[:n]


def pascal_row(n):
    row = [1]
    for _ in range(n):
        row = [1] + [row[i] + row[i + 1] for i in range(len(row) - 1)] + [1]
    return row


def pascal_triangle(n):
    triangle = []
    for i in range(n):
        row = [1] * (i + 1)
        for j in range(1, i):
            row[j] = triangle[i - 1][j - 1] + triangle[i - 1][j]
        triangle.append(row)
    return triangle


def bubble_sort(n):
    a = [(i * 7919) % 101 for i in range(n)]
    for i in range(n):
        swapped = False
        for j in range(n - 1 - i):
            if a[j] > a[j + 1]:
                a[j], a[j + 1] = a[j + 1], a[j]
                swapped = True
        if not swapped:
            break
    return a


def insertion_sort(n):
    a = [((i * 37) % 29) / 4 for i in range(n)]
    for i in range(1, len(a)):
        key = a[i]
        j = i - 1
        while j >= 0 and a[j] > key:
            a[j + 1] = a[j]
            j -= 1
        a[j + 1] = key
    return a


def selection_sort(values):
    a = list(values)
    for i in range(len(a)):
        least = i
        for j in range(i + 1, len(a)):
            if a[j] < a[least]:
                least = j
        a[i], a[least] = a[least], a[i]
    return a


def merge(a, b):
    merged = []
    i = j = 0
    while i < len(a) and j < len(b):
        if a[i] <= b[j]:
            merged.append(a[i])
            i += 1
        else:
            merged.append(b[j])
            j += 1
    merged.extend(a[i:])
    merged.extend(b[j:])
    return merged


def merge_two(n):
    return merge([2 * i for i in range(n)], [3 * i + 1 for i in range(n)])


def counting_sort(values, top):
    counts = [0] * (top + 1)
    for v in values:
        counts[v] += 1
    out = []
    for v, c in enumerate(counts):
        out += [v] * c
    return out


def quicksort_stack(n):
    a = [(i * 31) % 97 for i in range(n)]
    stack = [(0, n - 1)]
    while stack:
        lo, hi = stack.pop()
        if lo >= hi:
            continue
        pivot = a[hi]
        i = lo
        for j in range(lo, hi):
            if a[j] < pivot:
                a[i], a[j] = a[j], a[i]
                i += 1
        a[i], a[hi] = a[hi], a[i]
        stack.append((lo, i - 1))
        stack.append((i + 1, hi))
    return a


def run_lengths(bits):
    runs = []
    count = 1
    for i in range(1, len(bits)):
        if bits[i] == bits[i - 1]:
            count += 1
        else:
            runs.append((int(bits[i - 1]), count))
            count = 1
    runs.append((int(bits[-1]), count))
    return runs


def to_base(n, base):
    if n == 0:
        return [0]
    digits = []
    while n:
        n, r = divmod(n, base)
        digits.append(r)
    digits.reverse()
    return digits


def horner(coefficients, x):
    result = 0.0
    for c in coefficients:
        result = result * x + c
    return result


def polynomial_product(n):
    p = [i + 1 for i in range(n)]
    q = [2 * i - 3 for i in range(n + 1)]
    out = [0] * (len(p) + len(q) - 1)
    for i, a in enumerate(p):
        for j, b in enumerate(q):
            out[i + j] += a * b
    return out


def josephus(n, k):
    people = list(range(1, n + 1))
    order = []
    i = 0
    while people:
        i = (i + k - 1) % len(people)
        order.append(people.pop(i))
    return order


def n_queens(n):
    columns = [0] * n
    count = 0
    row = 0
    columns[0] = -1
    while row >= 0:
        columns[row] += 1
        while columns[row] < n:
            ok = True
            for r in range(row):
                if columns[r] == columns[row] or abs(columns[r] - columns[row]) == row - r:
                    ok = False
                    break
            if ok:
                break
            columns[row] += 1
        if columns[row] >= n:
            row -= 1
        elif row == n - 1:
            count += 1
        else:
            row += 1
            columns[row] = -1
    return count


def coin_change(amount):
    coins = [1, 5, 10, 25]
    ways = [0] * (amount + 1)
    ways[0] = 1
    for c in coins:
        for a in range(c, amount + 1):
            ways[a] += ways[a - c]
    return ways[amount]


def fewest_coins(amount):
    coins = (1, 7, 10)
    best = [0] + [amount + 1] * amount
    for a in range(1, amount + 1):
        for c in coins:
            if c <= a:
                best[a] = min(best[a], best[a - c] + 1)
    return best[amount]


def knapsack(weights, values, capacity):
    n = len(weights)
    table = [[0] * (capacity + 1) for _ in range(n + 1)]
    for i in range(1, n + 1):
        for c in range(capacity + 1):
            table[i][c] = table[i - 1][c]
            if weights[i - 1] <= c:
                table[i][c] = max(table[i][c], table[i - 1][c - weights[i - 1]] + values[i - 1])
    return table[n][capacity]


def lcs(a, b):
    m, n = len(a), len(b)
    dp = [[0] * (n + 1) for _ in range(m + 1)]
    for i in range(1, m + 1):
        for j in range(1, n + 1):
            if a[i - 1] == b[j - 1]:
                dp[i][j] = dp[i - 1][j - 1] + 1
            else:
                dp[i][j] = max(dp[i - 1][j], dp[i][j - 1])
    return dp[m][n]


def edit_distance(a, b):
    previous = list(range(len(b) + 1))
    for i, x in enumerate(a):
        current = [i + 1]
        for j, y in enumerate(b):
            insert = previous[j + 1] + 1
            delete = current[j] + 1
            replace = previous[j] + (x != y)
            current.append(min(insert, delete, replace))
        previous = current
    return previous[-1]


def longest_increasing(values):
    tails = []
    for v in values:
        k = bisect_left(tails, v)
        if k == len(tails):
            tails.append(v)
        else:
            tails[k] = v
    return len(tails)


def max_profit(prices):
    best, low = 0.0, prices[0]
    for p in prices[1:]:
        best = max(best, p - low)
        low = min(low, p)
    return best


def kadane(values):
    best = current = values[0]
    start = end = s = 0
    for i in range(1, len(values)):
        if current < 0:
            current = values[i]
            s = i
        else:
            current += values[i]
        if current > best:
            best, start, end = current, s, i
    return best, start, end


def moving_average(values, width):
    window = deque()
    total = 0.0
    out = []
    for v in values:
        window.append(float(v))
        total += float(v)
        if len(window) > width:
            total -= window.popleft()
        out.append(total / len(window))
    return out


def sliding_maximum(values, k):
    q = deque()
    out = []
    for i in range(len(values)):
        while q and values[q[-1]] <= values[i]:
            q.pop()
        q.append(i)
        if q[0] <= i - k:
            q.popleft()
        if i >= k - 1:
            out.append(int(values[q[0]]))
    return out


def next_greater(values):
    n = len(values)
    answer = [-1] * n
    stack = []
    for i in range(n):
        while stack and values[stack[-1]] < values[i]:
            answer[stack.pop()] = i
        stack.append(i)
    return answer


def balanced(codes):
    stack = []
    for c in codes:
        if c < 3:
            stack.append(c)
        elif not stack or stack.pop() != c - 3:
            return False
    return not stack


def postfix(codes, values):
    stack = []
    for c, v in zip(codes, values):
        if c == 0:
            stack.append(float(v))
        elif len(stack) >= 2:
            b = stack.pop()
            a = stack.pop()
            if c == 1:
                stack.append(a + b)
            elif c == 2:
                stack.append(a - b)
            else:
                stack.append(a * b)
    return stack


def heap_sort(n):
    heap = []
    for i in range(n):
        heapq.heappush(heap, (i * 17) % 23)
    return [heapq.heappop(heap) for _ in range(len(heap))]


def k_smallest(values, k):
    heap = [float(v) for v in values]
    heapq.heapify(heap)
    out = []
    while heap and len(out) < k:
        out.append(heapq.heappop(heap))
    return out


def dijkstra(weights, source):
    n = len(weights)
    dist = [math.inf] * n
    dist[source] = 0.0
    heap = [(0.0, source)]
    while heap:
        d, u = heapq.heappop(heap)
        if d > dist[u]:
            continue
        for v in range(n):
            w = float(weights[u, v])
            if w > 0 and d + w < dist[v]:
                dist[v] = d + w
                heapq.heappush(heap, (dist[v], v))
    return dist


def bfs_levels(adjacent, start):
    n = len(adjacent)
    level = [-1] * n
    level[start] = 0
    queue = deque([start])
    while queue:
        u = queue.popleft()
        for v in range(n):
            if adjacent[u, v] and level[v] < 0:
                level[v] = level[u] + 1
                queue.append(v)
    return level


def adjacency_lists(n, edges):
    neighbours = [[] for _ in range(n)]
    for u, v in edges:
        neighbours[u].append(v)
        neighbours[v].append(u)
    seen = [False] * n
    order = []
    stack = [0]
    while stack:
        u = stack.pop()
        if seen[u]:
            continue
        seen[u] = True
        order.append(u)
        for v in neighbours[u]:
            if not seen[v]:
                stack.append(v)
    return len(order)


def topological(n, edges):
    indegree = [0] * n
    for _, v in edges:
        indegree[v] += 1
    ready = [u for u in range(n) if indegree[u] == 0]
    order = []
    while ready:
        u = ready.pop(0)
        order.append(u)
        for a, b in edges:
            if a == u:
                indegree[b] -= 1
                if indegree[b] == 0:
                    ready.append(int(b))
    return order


def union_find(n, edges):
    parent = list(range(n))
    count = n
    for k in range(len(edges)):
        a, b = int(edges[k, 0]), int(edges[k, 1])
        while parent[a] != a:
            parent[a] = parent[parent[a]]
            a = parent[a]
        while parent[b] != b:
            parent[b] = parent[parent[b]]
            b = parent[b]
        if a != b:
            parent[a] = b
            count -= 1
    return count


def floyd_warshall(n):
    inf = float("inf")
    dist = [[inf] * n for _ in range(n)]
    for i in range(n):
        dist[i][i] = 0.0
        dist[i][(i * 3 + 1) % n] = 1.5 + i
        dist[i][(i + 1) % n] = 2.0
    for k in range(n):
        for i in range(n):
            for j in range(n):
                if dist[i][k] + dist[k][j] < dist[i][j]:
                    dist[i][j] = dist[i][k] + dist[k][j]
    return dist


def game_of_life(n, steps):
    grid = [[(i * j + i) % 3 == 0 for j in range(n)] for i in range(n)]
    for _ in range(steps):
        new = [[False] * n for _ in range(n)]
        for i in range(n):
            for j in range(n):
                alive = 0
                for di in (-1, 0, 1):
                    for dj in (-1, 0, 1):
                        if (di or dj) and grid[(i + di) % n][(j + dj) % n]:
                            alive += 1
                new[i][j] = alive == 3 or (grid[i][j] and alive == 2)
        grid = new
    return sum(sum(1 for cell in row if cell) for row in grid)


def flood_fill(n):
    grid = [[(i * 5 + j * 3) % 7 < 5 for j in range(n)] for i in range(n)]
    stack = [(0, 0)]
    area = 0
    while stack:
        i, j = stack.pop()
        if i < 0 or j < 0 or i >= n or j >= n or not grid[i][j]:
            continue
        grid[i][j] = False
        area += 1
        stack.append((i + 1, j))
        stack.append((i - 1, j))
        stack.append((i, j + 1))
        stack.append((i, j - 1))
    return area


def spiral(n):
    grid = [[0] * n for _ in range(n)]
    i = j = 0
    di, dj = 0, 1
    for k in range(1, n * n + 1):
        grid[i][j] = k
        a, b = i + di, j + dj
        if not (0 <= a < n and 0 <= b < n) or grid[a][b]:
            di, dj = dj, -di
            a, b = i + di, j + dj
        i, j = a, b
    return grid


def magic_square(n):
    square = [[0] * n for _ in range(n)]
    i, j = 0, n // 2
    for k in range(1, n * n + 1):
        square[i][j] = k
        a, b = (i - 1) % n, (j + 1) % n
        if square[a][b]:
            a, b = (i + 1) % n, j
        i, j = a, b
    return square, [sum(row) for row in square]


def matrix_product(n):
    a = [[i + j for j in range(n)] for i in range(n)]
    b = [[i - j for j in range(n)] for i in range(n)]
    c = [[0] * n for _ in range(n)]
    for i in range(n):
        for j in range(n):
            for k in range(n):
                c[i][j] += a[i][k] * b[k][j]
    return c


def gauss(n):
    a = [[1.0 / (i + j + 1) + (i == j) for j in range(n)] for i in range(n)]
    b = [float(i + 1) for i in range(n)]
    for k in range(n):
        p = k
        for i in range(k + 1, n):
            if abs(a[i][k]) > abs(a[p][k]):
                p = i
        if p != k:
            for j in range(n):
                a[k][j], a[p][j] = a[p][j], a[k][j]
            b[k], b[p] = b[p], b[k]
        for i in range(k + 1, n):
            f = a[i][k] / a[k][k]
            for j in range(k, n):
                a[i][j] -= f * a[k][j]
            b[i] -= f * b[k]
    x = [0.0] * n
    for i in range(n - 1, -1, -1):
        s = b[i]
        for j in range(i + 1, n):
            s -= a[i][j] * x[j]
        x[i] = s / a[i][i]
    return x


def transpose_grid(n):
    a = [[i * n + j for j in range(n + 1)] for i in range(n)]
    return [[a[i][j] for i in range(n)] for j in range(n + 1)]


def permutation_cycles(p):
    seen = [False] * len(p)
    cycles = []
    for i in range(len(p)):
        if not seen[i]:
            size = 0
            k = i
            while not seen[k]:
                seen[k] = True
                k = int(p[k])
                size += 1
            cycles.append(size)
    return sorted(cycles)


def next_permutation(values):
    a = [int(v) for v in values]
    i = len(a) - 2
    while i >= 0 and a[i] >= a[i + 1]:
        i -= 1
    if i < 0:
        return a[::-1]
    j = len(a) - 1
    while a[j] <= a[i]:
        j -= 1
    a[i], a[j] = a[j], a[i]
    a[i + 1:] = a[i + 1:][::-1]
    return a


def gray_codes(n):
    codes = [0]
    for bit in range(n):
        codes += [c | (1 << bit) for c in reversed(codes)]
    return codes


def subset_sums(values):
    sums = [0]
    for v in values:
        sums = sums + [s + v for s in sums]
    return sorted(sums)


def partitions(n):
    p = [1] + [0] * n
    for part in range(1, n + 1):
        for total in range(part, n + 1):
            p[total] += p[total - part]
    return p


def catalan(n):
    c = [0] * (n + 1)
    c[0] = 1
    for i in range(1, n + 1):
        c[i] = sum(c[j] * c[i - 1 - j] for j in range(i))
    return c


def matrix_chain(dims):
    n = len(dims) - 1
    cost = [[0] * n for _ in range(n)]
    for length in range(2, n + 1):
        for i in range(n - length + 1):
            j = i + length - 1
            cost[i][j] = 10 ** 12
            for k in range(i, j):
                c = cost[i][k] + cost[k + 1][j] + dims[i] * dims[k + 1] * dims[j + 1]
                if c < cost[i][j]:
                    cost[i][j] = c
    return int(cost[0][n - 1])


def histogram_area(heights):
    stack = []
    best = 0
    for i in range(len(heights) + 1):
        h = heights[i] if i < len(heights) else 0
        while stack and heights[stack[-1]] >= h:
            top = heights[stack.pop()]
            width = i if not stack else i - stack[-1] - 1
            best = max(best, top * width)
        stack.append(i)
    return int(best)


def two_pointers(n, target):
    a = [i * i for i in range(n)]
    i, j = 0, len(a) - 1
    found = []
    while i < j:
        s = a[i] + a[j]
        if s == target:
            found.append((a[i], a[j]))
            i += 1
            j -= 1
        elif s < target:
            i += 1
        else:
            j -= 1
    return found


def kmp(text, pattern):
    m = len(pattern)
    fail = [0] * m
    k = 0
    for i in range(1, m):
        while k > 0 and pattern[i] != pattern[k]:
            k = fail[k - 1]
        if pattern[i] == pattern[k]:
            k += 1
        fail[i] = k
    hits = []
    k = 0
    for i in range(len(text)):
        while k > 0 and text[i] != pattern[k]:
            k = fail[k - 1]
        if text[i] == pattern[k]:
            k += 1
        if k == m:
            hits.append(i - m + 1)
            k = fail[k - 1]
    return hits


def statistics(values):
    data = sorted(float(v) for v in values)
    n = len(data)
    mean = sum(data) / n
    variance = sum((x - mean) ** 2 for x in data) / (n - 1)
    median = data[n // 2] if n % 2 else (data[n // 2 - 1] + data[n // 2]) / 2
    return mean, math.sqrt(variance), median, data[0], data[-1]


def convex_hull(points):
    pts = sorted((float(x), float(y)) for x, y in points)
    hull = []
    for p in pts:
        while len(hull) >= 2:
            (ax, ay), (bx, by) = hull[-2], hull[-1]
            if (bx - ax) * (p[1] - ay) - (by - ay) * (p[0] - ax) > 0:
                break
            hull.pop()
        hull.append(p)
    return hull


def huffman_cost(frequencies):
    heap = [int(f) for f in frequencies]
    heapq.heapify(heap)
    cost = 0
    while len(heap) > 1:
        a = heapq.heappop(heap)
        b = heapq.heappop(heap)
        cost += a + b
        heapq.heappush(heap, a + b)
    return cost


def rotate(values, k):
    a = list(values)
    k = k % len(a)
    return a[-k:] + a[:-k]


def bucket_sort(values, buckets):
    bins = [[] for _ in range(buckets)]
    for v in values:
        bins[int(v * buckets)].append(float(v))
    out = []
    for b in bins:
        b.sort()
        out.extend(b)
    return out


def edges(r, n):
    return n, r.integers(0, n, (n, 2))


def dag(r, n):
    e = r.integers(0, n, (2 * n, 2))
    e.sort(axis=1)
    return n, e[e[:, 0] < e[:, 1]]


def ints(top):
    return lambda r, n: (r.integers(0, top, n),)


PROGRAMS = [
    (sieve, lambda r, n: (n,), (30, 100), 10000),
    (primes_by_trial, lambda r, n: (n,), (8, 30), 1000),
    (factorize, lambda r, n: (n,), (360, 9973, 1), 1000003),
    (divisors, lambda r, n: (n,), (36, 97), 1000000),
    (collatz, lambda r, n: (n,), (7, 27), 837799),
    (fibonacci, lambda r, n: (n,), (10, 1, 50), 90),
    (pascal_row, lambda r, n: (n,), (5, 12), 60),
    (pascal_triangle, lambda r, n: (n,), (5, 12), 60),
    (bubble_sort, lambda r, n: (n,), (9, 20), 300),
    (insertion_sort, lambda r, n: (n,), (9, 20), 300),
    (selection_sort, lambda r, n: (r.random(n),), (9, 20), 300),
    (merge_two, lambda r, n: (n,), (9, 20), 10000),
    (counting_sort, lambda r, n: (r.integers(0, 10, n), 9), (12, 30), 10000),
    (quicksort_stack, lambda r, n: (n,), (9, 40), 1000),
    (run_lengths, lambda r, n: (r.integers(0, 2, n),), (9, 40), 10000),
    (to_base, lambda r, n: (n, 7), (1000, 0, 5), 10 ** 15),
    (horner, lambda r, n: (r.random(n), 0.5), (5, 9), 1000),
    (polynomial_product, lambda r, n: (n,), (5, 9), 300),
    (josephus, lambda r, n: (n, 3), (7, 41), 1000),
    (n_queens, lambda r, n: (n,), (4, 6), 8),
    (coin_change, lambda r, n: (n,), (50, 99), 10000),
    (fewest_coins, lambda r, n: (n,), (14, 33), 10000),
    (knapsack, lambda r, n: (r.integers(1, 9, n), r.integers(1, 50, n), 20), (6, 9), 200),
    (lcs, lambda r, n: (r.integers(0, 4, n), r.integers(0, 4, n + 2)), (8, 15), 300),
    (edit_distance, lambda r, n: (r.integers(0, 4, n), r.integers(0, 4, n + 2)), (8, 15), 300),
    (longest_increasing, lambda r, n: (r.random(n),), (12, 40), 10000),
    (max_profit, lambda r, n: (r.random(n),), (9, 20), 10000),
    (kadane, lambda r, n: (r.integers(-9, 9, n),), (9, 20), 10000),
    (moving_average, lambda r, n: (r.random(n), 4), (9, 20), 10000),
    (sliding_maximum, lambda r, n: (r.integers(0, 99, n), 3), (9, 20), 10000),
    (next_greater, ints(50), (9, 20), 10000),
    (balanced, lambda r, n: (r.integers(0, 6, n),), (2, 6, 9), 1000),
    (postfix, lambda r, n: (r.integers(0, 4, n), r.random(n)), (9, 30), 1000),
    (heap_sort, lambda r, n: (n,), (9, 30), 1000),
    (k_smallest, lambda r, n: (r.random(n), 4), (9, 30), 1000),
    (dijkstra, lambda r, n: (r.random((n, n)) * (r.random((n, n)) < 0.4), 0), (6, 12), 100),
    (bfs_levels, lambda r, n: (r.random((n, n)) < 0.25, 0), (8, 14), 200),
    (adjacency_lists, edges, (8, 14), 2000),
    (topological, dag, (8, 14), 200),
    (union_find, edges, (8, 14), 10000),
    (floyd_warshall, lambda r, n: (n,), (5, 9), 60),
    (game_of_life, lambda r, n: (n, 3), (6, 9), 40),
    (flood_fill, lambda r, n: (n,), (5, 12), 100),
    (spiral, lambda r, n: (n,), (4, 7), 100),
    (magic_square, lambda r, n: (n,), (3, 7), 51),
    (matrix_product, lambda r, n: (n,), (4, 7), 60),
    (gauss, lambda r, n: (n,), (4, 8), 60),
    (transpose_grid, lambda r, n: (n,), (4, 7), 100),
    (permutation_cycles, lambda r, n: (r.permutation(n),), (8, 20), 10000),
    (next_permutation, lambda r, n: (r.permutation(n),), (5, 8), 1000),
    (gray_codes, lambda r, n: (n,), (3, 5), 12),
    (subset_sums, lambda r, n: (r.integers(1, 50, n),), (4, 7), 12),
    (partitions, lambda r, n: (n,), (10, 30), 100),
    (catalan, lambda r, n: (n,), (6, 15), 30),
    (matrix_chain, lambda r, n: (r.integers(2, 20, n),), (5, 9), 50),
    (histogram_area, ints(9), (6, 14), 10000),
    (two_pointers, lambda r, n: (n, 50), (8, 12), 10000),
    (kmp, lambda r, n: (r.integers(0, 2, n), r.integers(0, 2, 3)), (20, 50), 10000),
    (statistics, lambda r, n: (r.random(n),), (8, 13), 1000),
    (convex_hull, lambda r, n: (r.random((n, 2)),), (8, 20), 1000),
    (huffman_cost, ints(50), (6, 14), 1000),
    (rotate, lambda r, n: (r.random(n), 3), (7, 9), 1000),
    (bucket_sort, lambda r, n: (r.random(n), 5), (8, 20), 1000),
]
