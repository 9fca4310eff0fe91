"""Machine learning: networks forward, training loops, clustering, hidden Markov models."""

import numpy as np


def relu(x):
    return np.maximum(x, 0)


def softmax(x):
    tmp_max = np.max(x, axis=-1, keepdims=True)
    tmp_out = np.exp(x - tmp_max)
    tmp_sum = np.sum(tmp_out, axis=-1, keepdims=True)
    return tmp_out / tmp_sum


def mlp(input, w1, b1, w2, b2, w3, b3):
    x = relu(input @ w1 + b1)
    x = relu(x @ w2 + b2)
    return softmax(x @ w3 + b3)


def conv2d(input, weights):
    K = weights.shape[0]
    N = input.shape[0]
    H_out = input.shape[1] - K + 1
    W_out = input.shape[2] - K + 1
    C_out = weights.shape[3]
    output = np.empty((N, H_out, W_out, C_out), dtype=np.float32)
    for i in range(H_out):
        for j in range(W_out):
            output[:, i, j, :] = np.sum(
                input[:, i:i + K, j:j + K, :, np.newaxis] * weights[np.newaxis, :, :, :],
                axis=(1, 2, 3))
    return output


def conv2d_bias(input, weights, bias):
    return conv2d(input, weights) + bias


def maxpool2d(x):
    output = np.empty([x.shape[0], x.shape[1] // 2, x.shape[2] // 2, x.shape[3]],
                      dtype=x.dtype)
    for i in range(x.shape[1] // 2):
        for j in range(x.shape[2] // 2):
            output[:, i, j, :] = np.max(x[:, 2 * i:2 * i + 2, 2 * j:2 * j + 2, :], axis=(1, 2))
    return output


def lenet(input, conv1, conv1bias, conv2, conv2bias, fc1w, fc1b):
    x = relu(conv2d(input, conv1) + conv1bias)
    x = maxpool2d(x)
    x = relu(conv2d(x, conv2) + conv2bias)
    x = maxpool2d(x)
    x = np.reshape(x, (x.shape[0], x.shape[1] * x.shape[2] * x.shape[3]))
    return relu(x @ fc1w + fc1b)


def batchnorm2d(x, eps=1e-5):
    mean = np.mean(x, axis=0, keepdims=True)
    std = np.std(x, axis=0, keepdims=True)
    return (x - mean) / np.sqrt(std + eps)


def resnet_basicblock(input, conv1, conv2, conv3):
    padded = np.zeros((input.shape[0], input.shape[1] + 2, input.shape[2] + 2,
                       conv1.shape[3]), dtype=np.float32)
    padded[:, 1:-1, 1:-1, :] = conv2d(input, conv1)
    x = batchnorm2d(padded)
    x = relu(x)
    x = conv2d(x, conv2)
    x = batchnorm2d(x)
    x = relu(x)
    x = conv2d(x, conv3)
    x = batchnorm2d(x)
    return relu(x + input)


def sigmoid(z):
    return 1.0 / (1.0 + np.exp(-z))


def logistic_regression(X, y, steps=20, lr=0.1):
    w = np.zeros(X.shape[1])
    b = 0.0
    losses = []
    for _ in range(steps):
        p = sigmoid(X @ w + b)
        error = p - y
        w -= lr * (X.T @ error) / len(y)
        b -= lr * error.mean()
    loss = -np.mean(y * np.log(p) + (1 - y) * np.log(1 - p))
    losses.append(loss)
    return w, b, losses


def kmeans(points, centers, iterations):
    n, _ = points.shape
    k = centers.shape[0]
    labels = np.zeros(n, dtype=np.int64)
    for _ in range(iterations):
        distances = ((points[:, None, :] - centers[None, :, :]) ** 2).sum(axis=2)
        labels = np.argmin(distances, axis=1)
        for c in range(k):
            members = points[labels == c]
            if len(members) > 0:
                centers[c] = members.mean(axis=0)
    return labels, centers


def kmeans_loops(points, centers, iterations):
    n, d = points.shape
    k = centers.shape[0]
    labels = np.zeros(n, dtype=np.int32)
    for _ in range(iterations):
        sums = np.zeros((k, d))
        counts = np.zeros(k, dtype=int)
        for i in range(n):
            best, best_dist = 0, np.inf
            for c in range(k):
                dist = 0.0
                for j in range(d):
                    diff = points[i, j] - centers[c, j]
                    dist += diff * diff
                if dist < best_dist:
                    best, best_dist = c, dist
            labels[i] = best
            counts[best] += 1
            for j in range(d):
                sums[best, j] += points[i, j]
        for c in range(k):
            if counts[c]:
                centers[c] = sums[c] / counts[c]
    return labels


def hmm_forward(pi, A, B, observed):
    alpha = pi * B[:, observed[0]]
    loglik = 0.0
    for t in range(1, len(observed)):
        alpha = (alpha @ A) * B[:, observed[t]]
        scale = alpha.sum()
        alpha /= scale
        loglik += np.log(scale)
    return loglik, alpha


def viterbi(pi, A, B, observed):
    T, N = len(observed), len(pi)
    delta = np.zeros((T, N))
    psi = np.zeros((T, N), dtype=int)
    delta[0] = np.log(pi) + np.log(B[:, observed[0]])
    for t in range(1, T):
        for j in range(N):
            scores = delta[t - 1] + np.log(A[:, j])
            psi[t, j] = scores.argmax()
            delta[t, j] = scores[psi[t, j]] + np.log(B[j, observed[t]])
    path = np.zeros(T, dtype=int)
    path[-1] = delta[-1].argmax()
    for t in range(T - 2, -1, -1):
        path[t] = psi[t + 1, path[t + 1]]
    return path


def backprop(X, Y, W1, W2, epochs, rate=0.5):
    for _epoch in range(epochs):
        hidden = np.tanh(X @ W1)
        out = sigmoid(hidden @ W2)
        delta2 = (out - Y) * out * (1 - out)
        delta1 = (delta2 @ W2.T) * (1 - hidden ** 2)
        W2 -= rate * hidden.T @ delta2
        W1 -= rate * X.T @ delta1
    return np.sum((out - Y) ** 2)


def attention(q, k, v):
    scores = q @ k.swapaxes(-1, -2) / np.sqrt(q.shape[-1])
    return softmax(scores) @ v


def layer_norm(x, gamma, beta, eps=1e-6):
    mu = x.mean(axis=-1, keepdims=True)
    var = ((x - mu) ** 2).mean(axis=-1, keepdims=True)
    return gamma * (x - mu) / np.sqrt(var + eps) + beta


def nearest(train, labels, queries):
    out = np.empty(len(queries), dtype=labels.dtype)
    for i, q in enumerate(queries):
        d = np.linalg.norm(train - q, axis=1)
        out[i] = labels[np.argmin(d)]
    return out


def f32(r, *shape):
    return r.random(shape, dtype=np.float32)


def stochastic(r, *shape):
    a = r.random(shape) + 0.1
    return a / a.sum(axis=-1, keepdims=True)


PROGRAMS = [
    (softmax, lambda r, n: (f32(r, n, 2, n + 1, n + 2),), (3, 5), 40),
    (mlp, lambda r, n: (f32(r, n, 6), f32(r, 6, 8), f32(r, 8), f32(r, 8, 7), f32(r, 7),
                        f32(r, 7, n), f32(r, n)), (4, 7), 300),
    (conv2d_bias, lambda r, n: (f32(r, 2, n + 3, n + 2, 3), f32(r, 3, 3, 3, 4), f32(r, 4)),
     (4, 6), 32),
    (lenet, lambda r, n: (f32(r, n, 16, 16, 1), f32(r, 5, 5, 1, 3), f32(r, 3), f32(r, 3, 3, 3, 4),
                          f32(r, 4), f32(r, 16, 5), f32(r, 5)), (2, 3), 16),
    (resnet_basicblock, lambda r, n: (f32(r, 3, n, n + 1, 4), f32(r, 1, 1, 4, 2),
                                      f32(r, 3, 3, 2, 2), f32(r, 1, 1, 2, 4)), (4, 5), 16),
    (logistic_regression, lambda r, n: (r.random((n, 3)), r.integers(0, 2, n)), (8, 15), 2000),
    (kmeans, lambda r, n: (r.random((n, 2)), r.random((3, 2)), 4), (12, 20), 2000),
    (kmeans_loops, lambda r, n: (r.random((n, 2)), r.random((3, 2)), 4), (12, 20), 1000),
    (hmm_forward, lambda r, n: (stochastic(r, 3), stochastic(r, 3, 3), stochastic(r, 3, 4),
                                r.integers(0, 4, n)), (6, 11), 1000),
    (viterbi, lambda r, n: (stochastic(r, 3), stochastic(r, 3, 3), stochastic(r, 3, 4),
                            r.integers(0, 4, n)), (6, 11), 500),
    (backprop, lambda r, n: (r.random((n, 3)), r.random((n, 2)), r.random((3, 5)) - 0.5,
                             r.random((5, 2)) - 0.5, 5), (6, 9), 300),
    (attention, lambda r, n: (r.random((2, n, 4)), r.random((2, n + 1, 4)),
                              r.random((2, n + 1, 3))), (4, 6), 100),
    (layer_norm, lambda r, n: (r.random((n, 6)), r.random(6), r.random(6)), (4, 7), 3000),
    (nearest, lambda r, n: (r.random((n, 3)), r.integers(0, 5, n), r.random((4, 3))), (6, 9), 3000),
]
