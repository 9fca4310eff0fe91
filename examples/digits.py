"""Train a network of two layers on scikit-learn's handwritten digits.

    pip install hotloop[examples]
    python examples/digits.py            # prints the loss, writes digits.png

The model is plain NumPy on a dict of arrays. One step of Adam, gradient and all, is one compiled
function that changes the parameters in place.
"""

import argparse

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits

import hotloop


def scores(params, x):
    hidden = np.tanh(x @ params["w1"] + params["b1"])
    return hidden @ params["w2"] + params["b2"]


def loss(params, x, label):
    z = scores(params, x)
    z = z - np.max(z, axis=1)[:, None]
    chosen = z[np.arange(len(label)), label]
    weight = np.sum(params["w1"] ** 2) + np.sum(params["w2"] ** 2)
    return np.mean(np.log(np.sum(np.exp(z), axis=1)) - chosen) + 1e-4 * weight


@hotloop.jit
def step(params, mean, square, x, label, count, rate):
    """Adam (Kingma and Ba, 2015)."""
    value, gradient = hotloop.value_and_grad(loss)(params, x, label)
    for name in ("w1", "b1", "w2", "b2"):
        g = gradient[name]
        mean[name] += 0.1 * (g - mean[name])
        square[name] += 0.001 * (g * g - square[name])
        m = mean[name] / (1.0 - 0.9 ** count)
        s = square[name] / (1.0 - 0.999 ** count)
        params[name] -= rate * m / (np.sqrt(s) + 1e-8)
    return value


def main(epochs=30, picture="digits.png"):
    """The mean loss of each epoch, and the share of the test set that is recognized."""
    digits = load_digits()
    rng = np.random.default_rng(0)
    order = rng.permutation(len(digits.data))
    x, label = digits.data[order] / 16.0, digits.target[order]
    test_x, test_label, x, label = x[:360], label[:360], x[360:], label[360:]

    params = {"w1": rng.standard_normal((64, 48)) * 0.12, "b1": np.zeros(48),
              "w2": rng.standard_normal((48, 10)) * 0.14, "b2": np.zeros(10)}
    mean = {name: np.zeros_like(value) for name, value in params.items()}
    square = {name: np.zeros_like(value) for name, value in params.items()}
    losses, count = [], 0
    for epoch in range(epochs):
        rows = rng.permutation(len(x))[:len(x) // 64 * 64].reshape(-1, 64)
        total = 0.0
        for batch in rows:
            count += 1
            total += step(params, mean, square, x[batch], label[batch], float(count), 0.003)
        losses.append(total / len(rows))
        print(f"epoch {epoch + 1:3}: loss {losses[-1]:.4f}")
    found = np.argmax(scores(params, test_x), axis=1)
    right = float(np.mean(found == test_label))
    print(f"recognized: {right:.1%} of {len(test_label)} digits not seen before")
    draw(losses, test_x, test_label, found, picture)
    return losses, right


def draw(losses, images, labels, found, picture):
    figure = plt.figure(figsize=(9, 3.6))
    left, right = figure.subfigures(1, 2, width_ratios=(1.1, 1))
    axes = left.subplots()
    axes.semilogy(range(1, len(losses) + 1), losses)
    axes.set_xlabel("epoch")
    axes.set_ylabel("loss")
    left.subplots_adjust(left=0.18, bottom=0.16)
    for k, axes in enumerate(right.subplots(3, 6).flat):
        axes.imshow(images[k].reshape(8, 8), cmap="gray_r")
        axes.set_title(str(found[k]), color="black" if found[k] == labels[k] else "red")
        axes.axis("off")
    figure.savefig(picture, dpi=120)
    plt.close(figure)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--epochs", type=int, default=30)
    main(parser.parse_args().epochs)
