#!/usr/bin/env python3
"""Viscosity and moduli of the Lennard-Jones liquid: sheared by fix dms, from the noise at rest, and by Green-Kubo.

    .venv/bin/python examples/lj-viscosity/viscosity.py

Prints a table and draws the figure. Everything goes to --out.
"""

import json
import sys
from pathlib import Path

import numpy as np

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))
import running  # noqa: E402

# period, shear amplitude, cycles (the first is not used), timesteps between samples
SHEARS = [
    (25.6, 0.2, 61, 4),
    (12.8, 0.12, 241, 4),
    (6.4, 0.1, 301, 4),
    (3.2, 0.06, 201, 4),
    (1.6, 0.04, 301, 4),
    (0.8, 0.03, 401, 2),
    (0.4, 0.02, 1201, 2),
]
TEMPERATURE, VOLUME = 0.722, 256 / 0.8442
STEP = 0.008  # between stresses of the correlation function
FULL, CUT = 1.5, 4.0  # the correlation function counts in full up to the first time, and not at all beyond the second


def correlations(path):
    """G(t) = V <p(0) p(t)> / T of each block of the run at rest, [n_blocks, n_times], the mean of three shear stresses."""
    rows = [line.split() for line in open(path) if not line.startswith("#")]
    count = int(rows[0][1])
    blocks = [rows[i + 1 : i + 1 + count] for i in range(0, len(rows), count + 1)]
    values = np.array(blocks[1:], dtype=float)  # the first one is written before the run begins
    return VOLUME / TEMPERATURE * values[:, :, 3:6].mean(axis=2)


def mean(values):
    """Mean over blocks (the first axis) and its standard error."""
    return values.mean(axis=0), values.std(axis=0, ddof=1) / np.sqrt(len(values))


def grid(cut):
    """Times from 0 to `cut` and weights of an integral over them by Simpson's rule, [n_times] each."""
    count = 2 * round(cut / STEP / 2) + 1
    weights = np.full(count, 2 * STEP / 3)
    weights[1::2], weights[0], weights[-1] = 4 * STEP / 3, STEP / 3, STEP / 3
    return STEP * np.arange(count), weights


def tail(time):
    """1 up to FULL, then smoothly to 0 at CUT: what remains of G(t) there is noise."""
    return np.cos(np.pi / 2 * np.clip((time - FULL) / (CUT - FULL), 0, 1)) ** 2


def transform(blocks, omega):
    """G* = i omega times the integral of G(t) exp(-i omega t), [n_blocks, n_omega], complex."""
    time, weights = grid(CUT)
    kernel = np.exp(-1j * np.outer(time, omega)) * (weights * tail(time))[:, None]
    return 1j * omega * (blocks[:, : len(time)] @ kernel)


def single_cycles(blocks, omega):
    """What the scatter of the loss coefficients of single cycles must give instead of G'', [n_blocks].

    One period of the noise resolves its power only roughly: the variance of the coefficient holds G(t) times
    (1 - t/P) cos(omega t) - sin(omega t)/(2 pi) up to t = P, which is lower than G'' by about G'/(2 pi).
    """
    period = 2 * np.pi / omega
    time, weights = grid(min(CUT, period))
    kernel = (1 - time / period) * np.cos(omega * time) - np.sin(omega * time) / (2 * np.pi)
    return omega * (blocks[:, : len(time)] @ (kernel * weights * tail(time)))


def viscosity(blocks):
    """Green-Kubo viscosity with standard error: the integral of G(t)."""
    time, weights = grid(CUT)
    return mean(blocks[:, : len(time)] @ (weights * tail(time)))


def read(settings):
    """For each frequency: omega, amplitude, and (value, error) of G', G'', G'' from the noise at rest, third harmonic."""
    rows = []
    for period, amplitude, _, _ in SHEARS:
        sheared = json.loads((settings.out / f"shear-{period}.json").read_text())["results"]
        rest = json.loads((settings.out / f"rest-{period}.json").read_text())["results"]
        pairs = [(r[key]["value"], r[key]["error"]) for r, key in ((sheared, "storage"), (sheared, "loss"), (rest, "loss"))]
        rows.append((2 * np.pi / period, amplitude, *pairs))
    return rows


def compare(first, second):
    """Two (value, error) and their difference over its standard error, as text and number."""
    pull = (first[0] - second[0]) / np.hypot(first[1], second[1])
    return f"{first[0]:11.3f} +- {first[1]:.3f}{second[0]:10.3f} +- {second[1]:.3f}{pull:+6.1f}", pull


def table(rows, blocks):
    """G' and G'' sheared and by Green-Kubo, G'' from the noise, and the viscosity."""
    lines = [f"{'':13}{'G-prime':^42}{'G-double-prime':^42}", f"{'omega':>6} {'A':>5}" + f"{'sheared':>16}{'Green-Kubo':>18}{'pull':>8}" * 2]
    lines[0] = lines[0].replace("G-prime", "  G'   ").replace("G-double-prime", "     G''      ")
    noise = ["", "G'' from the noise at rest:", f"{'omega':>6}{'fix dms none':>18}{'Green-Kubo, cycles':>21}{'pull':>5}{'Green-Kubo':>18}"]
    pulls = []
    for omega, amplitude, storage, loss, rest in rows:
        star = transform(blocks, np.array([omega]))[:, 0]
        texts, values = zip(
            compare(storage, mean(star.real)), compare(loss, mean(star.imag)), compare(rest, mean(single_cycles(blocks, omega)))
        )
        pulls.append(values)
        lines.append(f"{omega:6.3f} {amplitude:5.2f}{texts[0]}{texts[1]}")
        value, error = mean(star.imag)
        noise.append(f"{omega:6.3f}{texts[2]}{value:10.3f} +- {error:.3f}")
    chi = (np.array(pulls) ** 2).sum(axis=0)
    eta = viscosity(blocks)
    lines += noise + ["", f"viscosity by Green-Kubo: {eta[0]:.3f} +- {eta[1]:.3f}"]
    lines += [f"G''/omega, sheared, omega = {row[0]:.3f}: {row[3][0] / row[0]:.3f} +- {row[3][1] / row[0]:.3f}" for row in rows[:3]]
    names = zip(("G'", "G''", "G'' from the noise"), chi)
    return "\n".join(lines + [f"chi squared of {len(rows)} differences: " + ", ".join(f"{name} {value:.1f}" for name, value in names)])


def draw(rows, blocks, path):
    """G' and G'' against omega; and the running Green-Kubo integral next to G''/omega."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    colours = {"storage": "#2b5d8a", "loss": "#c8442b"}
    omega = np.geomspace(0.15, 25, 120)
    star = transform(blocks, omega)
    eta, error = viscosity(blocks)
    with plt.rc_context(running.PLOT_STYLE):
        figure, (left, right) = plt.subplots(1, 2, figsize=(9.4, 4.2), constrained_layout=True, width_ratios=(1.35, 1))
        for name, part, symbol in (("storage", star.real, "G′"), ("loss", star.imag, "G″")):
            value, spread = mean(part)
            left.fill_between(omega, value - spread, value + spread, color=colours[name], alpha=0.25, lw=0)
            left.plot(omega, value, color=colours[name], lw=1.2, label=f"{symbol}, Green-Kubo")
        at = np.array([row[0] for row in rows])
        for name, column, symbol in (("storage", 2, "G′"), ("loss", 3, "G″")):
            value, bar = np.array([row[column] for row in rows]).T
            left.errorbar(at, value, bar, fmt="o", ms=4.5, capsize=2.5, lw=1, color=colours[name], label=f"{symbol}, sheared (fix dms xy)")
        value, bar = np.array([row[4] for row in rows]).T
        left.errorbar(at, value, bar, fmt="s", ms=4.5, capsize=2.5, lw=1, mfc="none", color="#333333", label="G″, noise at rest (fix dms none)")
        expected = [single_cycles(blocks, x).mean() for x in omega]
        left.plot(omega, expected, ":", color="#333333", lw=1.2, label="single cycles, from Green-Kubo")
        left.plot(omega, eta * omega, "--", color="#999999", lw=1, zorder=0, label=f"ηω, η = {eta:.2f}")
        # linear near zero, where bars reach below it
        left.set_yscale("symlog", linthresh=0.1, linscale=0.5)
        left.set(
            xscale="log", xlabel="ω (reduced units)", ylabel="G′, G″ (reduced units)", xlim=(0.18, 22),
            ylim=(min(-0.01, 1.1 * left.dataLim.y0), 40),
        )
        left.axhline(0, color="#cccccc", lw=0.6, zorder=0)
        left.legend(loc="lower right", fontsize=8)

        count = round(8 / STEP)
        running_integral = np.cumsum(0.5 * (blocks[:, 1:count] + blocks[:, : count - 1]), axis=1) * STEP
        time = STEP * np.arange(1, count)
        value, spread = mean(running_integral)
        right.fill_between(time, value - spread, value + spread, color="#2b5d8a", alpha=0.25, lw=0)
        right.plot(time, value, color="#2b5d8a", lw=1.2, label="Green-Kubo, integral up to t")
        for row, marker in zip(rows[:3], "osD"):
            right.errorbar(
                8.4, row[3][0] / row[0], row[3][1] / row[0], fmt=marker, ms=4.5, capsize=2.5, lw=1, mfc="white" if marker != "o" else None,
                color=colours["loss"], label=f"G″/ω at ω = {row[0]:.2f}, sheared",
            )
        right.set(xlabel="t (reduced units)", ylabel="η (reduced units)", xlim=(0, 8.8), ylim=(0, 4.4))
        right.legend(loc="lower right", fontsize=8)
        figure.suptitle("Lennard-Jones liquid, ρ = 0.8442, T = 0.722, 256 atoms", fontsize=10)
        running.save(figure, path)


def main():
    settings = running.settle(running.arguments(__doc__.splitlines()[0], "lj-viscosity"))
    if not settings.plot:
        for period, amplitude, cycles, every in SHEARS:
            running.run(
                settings, HERE / "in.shear", f"shear-{period}", period=period, amplitude=amplitude, cycles=cycles, every=every
            )
        running.run(settings, HERE / "in.rest", "rest")
    running.complete(settings)
    rows, blocks = read(settings), correlations(settings.out / "rest.correlation")
    text = table(rows, blocks)
    print("\n" + text)
    (settings.out / "viscosity.txt").write_text(text + "\n")
    draw(rows, blocks, settings.out / "lj-viscosity.png")
    print(f"\nfigure: {settings.out / 'lj-viscosity.png'}")


if __name__ == "__main__":
    running.main(main)
