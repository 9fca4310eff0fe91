"""Fit a Gaussian process to the carbon dioxide measured on Mauna Loa (statsmodels' `co2`).

    pip install hotloop[examples]
    python examples/co2.py               # prints the loss, writes co2.png

The kernel is a trend, a year that slowly changes, and weather (Rasmussen and Williams, 2006,
section 5.4.3). The likelihood is plain NumPy; its parameters follow the gradient by L-BFGS.
"""

import argparse

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
from scipy.optimize import minimize
from statsmodels.datasets import co2

import hotloop

START = np.log([60.0, 60.0, 2.5, 90.0, 1.3, 0.7, 1.2, 0.2])
"""Logarithms of: size and years of the trend; size, years and smoothness of the season; size and
years of the weather; noise."""


def covariance(p, x, y):
    trend, long, season, decay, smooth, weather, short, _ = np.exp(p)
    d = x[:, None] - y[None, :]
    k = trend ** 2 * np.exp(-0.5 * (d / long) ** 2)
    k += season ** 2 * np.exp(-0.5 * (d / decay) ** 2 - 2.0 * (np.sin(np.pi * d) / smooth) ** 2)
    k += weather ** 2 * np.exp(-0.5 * (d / short) ** 2)
    return k


def loss(p, x, y):
    """Minus the logarithm of the likelihood, for one measurement."""
    noise = np.exp(2.0 * p[7])
    lower = np.linalg.cholesky(covariance(p, x, x) + noise * np.eye(len(x)))
    z = np.linalg.solve(lower, y)
    return (0.5 * (z @ z) + np.sum(np.log(np.diag(lower)))) / len(x) + 0.5 * np.log(2.0 * np.pi)


@hotloop.jit
def predict(p, x, y, at):
    """Mean and deviation at other times."""
    noise = np.exp(2.0 * p[7])
    lower = np.linalg.cholesky(covariance(p, x, x) + noise * np.eye(len(x)))
    half = np.linalg.solve(lower, covariance(p, x, at))
    mean = half.T @ np.linalg.solve(lower, y)
    variance = np.sum(np.exp(2.0 * p[np.array([0, 2, 5])])) - np.sum(half ** 2, axis=0)
    return mean, np.sqrt(np.maximum(variance, 0.0) + noise)


def measured():
    """Years and parts per million, a mean for each month."""
    data = co2.load_pandas().data["co2"].resample("MS").mean().dropna()
    return data.index.year + (data.index.month - 0.5) / 12.0, data.to_numpy()


def main(steps=60, every=1, picture="co2.png"):
    """The loss of each step of L-BFGS, and the mean error of the prediction."""
    years, values = measured()
    years, values = np.asarray(years, dtype=float)[::every], values[::every]
    known = years < 1992.0
    offset = values[known].mean()
    x, y = years[known], values[known] - offset
    gradient = hotloop.value_and_grad(loss)
    losses = [gradient(START, x, y)[0]]

    def follow(state):
        losses.append(state.fun)
        print(f"step {len(losses) - 1:3}: loss {losses[-1]:.4f}")

    def objective(p):
        return gradient(p, x, y)

    def callback(*, intermediate_result):
        follow(intermediate_result)

    found = minimize(objective, START, jac=True, method="L-BFGS-B", callback=callback,
                     options={"maxiter": steps}).x
    at = np.arange(1985.0, 2008.0, 1.0 / 12.0)
    mean, deviation = predict(found, x, y, at)
    error = np.mean(np.abs(np.interp(years[~known], at, mean) + offset - values[~known]))
    print(f"predicted 1992 to 2001: {error:.2f} ppm from what was measured, on average")
    draw(years, values, at, mean + offset, deviation, losses, picture)
    return losses, error


def draw(years, values, at, mean, deviation, losses, picture):
    figure, (left, right) = plt.subplots(1, 2, figsize=(10, 3.6), width_ratios=(2.4, 1))
    left.fill_between(at, mean - 2 * deviation, mean + 2 * deviation, color="#c8d8f0")
    left.plot(at, mean, color="#3060a0", label="fitted to 1958-1991")
    left.plot(years[years > 1985], values[years > 1985], ".", markersize=3, color="black",
              label="measured")
    left.set_ylabel("CO$_2$ (ppm)")
    left.legend()
    right.plot(losses)
    right.set_xlabel("step")
    right.set_ylabel("loss")
    figure.tight_layout()
    figure.savefig(picture, dpi=120)
    plt.close(figure)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--steps", type=int, default=60)
    main(parser.parse_args().steps)
