"""The alpha peaks of results.csv, their shift with the period, and the figure."""

import csv
from collections import defaultdict

import matplotlib
import numpy as np
import running
from running import PLOT_STYLE

matplotlib.use("Agg")
import matplotlib.pyplot as plt  # noqa: E402
from PIL import Image  # noqa: E402

BOLTZMANN = 8.617333262e-5  # eV/K
COLOURS = {10: "#c8442b", 30: "#d99a2b", 100: "#2b5d8a", 1000: "#3b3b6b"}
MARKERS = {10: "o", 30: "^", 100: "s", 1000: "D"}
LIQUID = 850  # K; below, the sample is a glass that changes while it is strained: not for the fit of the peak
WINDOW = 205  # K; the peak is fitted this far on both sides of the point of largest loss


def read(table):
    """Rows of results.csv as dictionaries of numbers."""
    with open(table) as file:
        return [{name: float(value) for name, value in row.items()} for row in csv.DictReader(file)]


def usual(row):
    """Whether a point belongs to the sweep, and is not one with another strain or step."""
    return row["amplitude"] == 0.02 and row["timestep"] == 0.01


def error(row, name):
    """Standard error of `storage` or `loss`: that of the blocks, but not less than the thermal noise that is forecast.

    A few blocks may agree by chance.
    """
    return max(row[name + "_error"], row["predicted_error"])


def curves(rows):
    """Temperature, E', its error, E'', its error, each [n_temperatures], for each period of the sweep."""
    found = defaultdict(list)
    for row in rows:
        if usual(row):
            errors = [error(row, "storage"), error(row, "loss")]
            found[int(row["period"])].append([row["temperature"], row["storage"], errors[0], row["loss"], errors[1]])
    return {period: np.array(sorted(values)).T for period, values in sorted(found.items())}


def bell(parameters, x):
    """Loss of a peak of height h at x = 1/T = centre, a Gaussian of 1/T."""
    height, centre, width = parameters
    return height * np.exp(-0.5 * ((x - centre) / width) ** 2)


def fit(x, y, error):
    """Least squares of `bell` by Gauss and Newton: parameters [3], covariance [3, 3], chi squared per degree of freedom."""
    top = np.argmax(y)
    parameters = np.array([y[top], x[top], max(np.ptp(x) / 3, 1e-5)])
    for _ in range(200):
        model = bell(parameters, x)
        distance = (x - parameters[1]) / parameters[2]
        slopes = np.stack([model / parameters[0], model * distance / parameters[2], model * distance**2 / parameters[2]])
        jacobian = (slopes / error).T
        scale = np.linalg.norm(jacobian, axis=0)
        step = np.linalg.lstsq(jacobian / scale, (y - model) / error, rcond=None)[0] / scale
        # at most a quarter of the width at once, so that a bad start does not run away
        step *= min(1.0, 0.25 * abs(parameters[2]) / max(abs(step[1]), abs(step[2]), 1e-300))
        parameters = parameters + step
        parameters[2] = abs(parameters[2])
    jacobian = jacobian / scale
    covariance = np.linalg.inv(jacobian.T @ jacobian) / np.outer(scale, scale)
    freedom = max(len(x) - 3, 1)
    return parameters, covariance, np.sum(((y - bell(parameters, x)) / error) ** 2) / freedom


def peak(curve):
    """The alpha peak of one period: a dictionary, or None where fewer than four points are near a maximum.

    The error of a point comes from a handful of blocks and is itself uncertain by a quarter or so. The points of the fit
    therefore share their root mean square error, and the error of the result grows by the square root of chi squared per
    degree of freedom where that exceeds 1.
    """
    temperature, _, _, loss, errors = curve[:, curve[0] > LIQUID]
    if len(loss) < 4 or np.argmax(loss) in (0, len(loss) - 1):
        return None
    used = np.abs(temperature - temperature[np.argmax(loss)]) < WINDOW
    if used.sum() < 4:
        return None
    pooled = np.sqrt(np.mean(errors[used] ** 2)) * np.ones(used.sum())
    parameters, covariance, chi = fit(1 / temperature[used], loss[used], pooled)
    inflate = max(1.0, np.sqrt(chi))
    T = 1 / parameters[1]
    return {
        "T": T,
        "error": T**2 * np.sqrt(covariance[1, 1]) * inflate,
        "height": parameters[0],
        "height_error": np.sqrt(covariance[0, 0]) * inflate,
        "chi": chi,
        "points": int(used.sum()),
        "range": (temperature[used].min(), temperature[used].max()),
        "parameters": parameters,
    }


def activation(peaks):
    """Apparent activation energy (eV), its error, and ln(period/ps) at 1/T = 0, from ln(period) against 1/T_alpha."""
    periods = np.array(sorted(peaks), dtype=float)
    T = np.array([peaks[p]["T"] for p in periods])
    error = np.array([peaks[p]["error"] for p in periods]) / T**2
    x, y = 1 / (BOLTZMANN * T), np.log(periods)
    if len(x) == 2:
        slope = (y[1] - y[0]) / (x[1] - x[0])
        return slope, slope * np.hypot(*error) / abs(1 / T[1] - 1 / T[0]), y[0] - slope * x[0]
    # the errors are those of 1/T: regression of 1/T on ln(period)
    weights = BOLTZMANN / error
    (inverse, offset), covariance = np.polyfit(y, x, 1, w=weights, cov="unscaled")
    return 1 / inverse, np.sqrt(covariance[0, 0]) / inverse**2, -offset / inverse


def report(table, figure):
    """Draw the figure of a table and return what it shows as text."""
    rows = read(table)
    spectra = curves(rows)
    peaks = {period: found for period, curve in spectra.items() if (found := peak(curve))}
    shift = activation(peaks) if len(peaks) > 1 else None
    draw(spectra, peaks, shift, figure)
    lines = ["Moduli of the strained direction, GPa (mean +- standard error, at least that of the thermal noise):"]
    for row in rows:
        note = "" if usual(row) else f"   strain {100 * row['amplitude']:g} %, step {1000 * row['timestep']:g} fs"
        lines.append(
            f"{row['T']:5.0f} K {row['period']:5.0f} ps {row['cycles']:4.0f} cycles"
            f"   E' {row['storage']:6.2f} +- {error(row, 'storage'):.2f}"
            f"   E'' {row['loss']:6.2f} +- {error(row, 'loss'):.2f}{note}"
        )
    lines.append("")
    for period, found in peaks.items():
        low, high = found["range"]
        lines.append(
            f"{period:5d} ps: T_alpha {found['T']:.0f} +- {found['error']:.0f} K, E'' there {found['height']:.1f} +-"
            f" {found['height_error']:.1f} GPa ({found['points']} points, {low:.0f} to {high:.0f} K,"
            f" chi2/dof {found['chi']:.1f})"
        )
    if shift:
        lines.append(f"apparent activation energy {shift[0]:.2f} +- {shift[1]:.2f} eV")
    return "\n".join(lines + [f"figure: {figure}"])


def save(figure, path):
    """Write a figure, and its PNG with 64 colours, which takes a third of the space."""
    running.save(figure, path)
    Image.open(path).convert("RGB").quantize(64, dither=Image.Dither.NONE).save(path, optimize=True)


def points(axes, x, y, error, period, **more):
    """Points of a period with error bars."""
    axes.errorbar(
        x, y, error, fmt=MARKERS.get(period, "o"), ms=4.5, lw=1, capsize=2, color=COLOURS.get(period), **more
    )


def draw(spectra, peaks, shift, path):
    """E'(T), E''(T) with the fitted peaks, the shift of the peak, and the curves laid over one another."""
    with plt.rc_context(PLOT_STYLE):
        figure, ((storage, loss), (arrhenius, master)) = plt.subplots(2, 2, figsize=(8.6, 6.6), constrained_layout=True)
        for period, (T, *values) in spectra.items():
            label = f"{period} ps"
            points(storage, T, values[0], values[1], period, label=label)
            storage.plot(T, values[0], lw=0.7, color=COLOURS.get(period), alpha=0.5)
            points(loss, T, values[2], values[3], period, label=label)
            if period in peaks:
                found = peaks[period]
                low, high = found["range"]
                grid = np.linspace(low - 30, high + 30, 200)
                loss.plot(grid, bell(found["parameters"], 1 / grid), color=COLOURS.get(period), lw=1.3)
                loss.axvline(found["T"], color=COLOURS.get(period), lw=0.8, ls=":")
        storage.set_ylabel("E′ = 3G′ (GPa)")
        loss.set_ylabel("E″ = 3G″ (GPa)")
        for axes in (storage, loss):
            axes.set_xlabel("temperature (K)")
            axes.set_ylim(bottom=-4 if axes is storage else 0)
            axes.legend(title="period", loc="best", handlelength=1.2)
        for period, found in peaks.items():
            x = 1000 / found["T"]
            points(arrhenius, x, period, 0, period)
            arrhenius.errorbar(x, period, xerr=x * found["error"] / found["T"], color=COLOURS.get(period), capsize=3)
            arrhenius.annotate(
                f"{found['T']:.0f} ± {found['error']:.0f} K", (x, period), xytext=(8, -12), textcoords="offset points",
                fontsize=8, color=COLOURS.get(period),
            )  # fmt: skip
        arrhenius.set_yscale("log")
        arrhenius.set_xlabel("1000 K / T$_α$")
        arrhenius.set_ylabel("period (ps)")
        arrhenius.margins(x=0.35, y=0.2)
        if shift:
            energy, error, offset = shift
            span = np.array(arrhenius.get_xlim())
            limits = arrhenius.get_ylim()
            arrhenius.plot(span, np.exp(offset + energy / BOLTZMANN * span / 1000), "k", lw=0.9, zorder=0)
            arrhenius.set_xlim(span)
            arrhenius.set_ylim(limits)
            arrhenius.set_title(f"apparent activation energy {energy:.2f} ± {error:.2f} eV", loc="left")
            for period, (T, *values) in spectra.items():
                # the peak of each period is at 1
                x = np.exp(offset + energy / (BOLTZMANN * T)) / period
                points(master, x, values[0], values[1], period, mfc="white")
                points(master, x, values[2], values[3], period)
            master.set_xscale("log")
            master.set_xlim(1e-2, 1e5)
            master.set_ylim(bottom=-4)
            master.set_xlabel("P$_α$(T) / period, the peak being at 1")
            master.set_ylabel("E′ (open), E″ (filled) (GPa)")
        figure.suptitle("Cu65Zr35, 500 atoms, EAM potential, strain ±2 % along x at constant volume", fontsize=10)
        save(figure, path)

