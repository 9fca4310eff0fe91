"""Fit a differential equation to the carbon dioxide of the air (statsmodels' `co2`, 1958-2001).

    pip install hotloop[examples]
    python examples/carbon.py            # prints the loss, writes carbon.png

What is above the 280 ppm of before industry grows at a rate that changes with time, and plants
breathe with the seasons:

    dC/dt = (g + h (t - 1980)) (C - 280) + year and half year

A loop of Runge-Kutta steps solves it. Levenberg and Marquardt's method fits the seven parameters,
with the Jacobian of the loop by forward mode.
"""

import argparse

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
from statsmodels.datasets import co2

import hotloop

BEFORE = 280.0
START = np.array([315.0, 0.01, 0.0, 0.0, 0.0, 0.0, 0.0])
"""C in March 1958, g, 1000 h, the year by cosine and sine, the half year."""


def change(t, c, p):
    year = 2.0 * np.pi * t
    season = (p[3] * np.cos(year) + p[4] * np.sin(year)
              + p[5] * np.cos(2.0 * year) + p[6] * np.sin(2.0 * year))
    return (p[1] + 1e-3 * p[2] * (t - 1980.0)) * (c - BEFORE) + 10.0 * season


def solve(p, times):
    """C at these times; a Runge-Kutta step from each to the next."""
    found = np.zeros(len(times))
    found[0] = p[0]
    for k in range(len(times) - 1):
        t, c = times[k], found[k]
        dt = times[k + 1] - t
        k1 = change(t, c, p)
        k2 = change(t + 0.5 * dt, c + 0.5 * dt * k1, p)
        k3 = change(t + 0.5 * dt, c + 0.5 * dt * k2, p)
        k4 = change(t + dt, c + dt * k3, p)
        found[k + 1] = c + dt / 6.0 * (k1 + 2.0 * k2 + 2.0 * k3 + k4)
    return found


def residuals(p, times, values):
    return solve(p, times) - values


@hotloop.jit
def step(p, times, values, damping):
    """One step of Levenberg and Marquardt: the new parameters and their loss."""
    jacobian = hotloop.jacfwd(residuals)(p, times, values)
    square = jacobian.T @ jacobian
    down = jacobian.T @ residuals(p, times, values)
    tried = p - np.linalg.solve(square + damping * np.diag(np.diag(square)), down)
    return tried, np.mean(residuals(tried, times, values) ** 2)


def measured():
    """Years and parts per million, a mean for each month that has one."""
    data = co2.load_pandas().data["co2"].resample("MS").mean().dropna()
    return np.asarray(data.index.year + (data.index.month - 0.5) / 12.0), data.to_numpy()


def main(steps=15, picture="carbon.png"):
    """The mean square error after each step, and the parameters."""
    times, values = measured()
    p, damping = START, 1.0
    losses = [float(np.mean(residuals(p, times, values) ** 2))]
    for k in range(steps):
        tried, loss = step(p, times, values, damping)
        if loss < losses[-1]:
            p, damping = tried, damping / 5.0
        else:
            loss, damping = losses[-1], damping * 5.0
        losses.append(float(loss))
        print(f"step {k + 1:2}: mean square error {loss:.4f} ppm^2")
    print(f"growth of the excess: {100 * p[1]:.2f} % a year in 1980")
    draw(times, values, solve(p, times), losses, picture)
    return losses, p


def draw(times, values, fitted, losses, picture):
    figure, (left, right) = plt.subplots(1, 2, figsize=(10, 3.6), width_ratios=(2.4, 1))
    left.plot(times, values, ".", markersize=3, color="black", label="measured")
    left.plot(times, fitted, linewidth=1, color="#c04020", label="fitted equation")
    left.set_ylabel("CO$_2$ (ppm)")
    left.legend()
    right.semilogy(losses)
    right.set_xlabel("step")
    right.set_ylabel("mean square error (ppm$^2$)")
    figure.tight_layout()
    figure.savefig(picture, dpi=120)
    plt.close(figure)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--steps", type=int, default=15)
    main(parser.parse_args().steps)
