"""Lennard-Jones liquid near its triple point: moduli from fix dms against those of the stress fluctuations at rest.

Green and Kubo: G*(omega) = i omega V/(kT) int_0^inf C(t) exp(-i omega t) dt, with C the autocorrelation of the shear stress for
`vscale yes`, and the correlation of the whole stress with the earlier virial stress for `vscale no`. 256 atoms, density 0.8442,
T = 0.722, cutoff 2.5. The same runs test the fluctuation-dissipation ratio (element 18 over element 7 of the fix).
"""

import math
import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from suite import Test, mean_and_error, moduli, show

TEMPERATURE, SPACING = 0.722, 0.01  # time between two records of the stress
BLOCKS, LONGEST = 15, 400  # parts of the run at rest; longest time of the correlation, in records
RUNS = {  # name: (period, amplitude, cycles, vscale)
    "1.yes": (1.0, 0.06, 800, "yes"),
    "1.no": (1.0, 0.06, 800, "no"),
    "4": (4.0, 0.1, 150, "yes"),
    "8": (8.0, 0.15, 80, "yes"),
    "16": (16.0, 0.2, 60, "yes"),
    "32": (32.0, 0.2, 40, "yes"),
}


def shear_components(columns):
    """Five independent shear stresses of an isotropic system from xx yy zz xy xz yz."""
    xx, yy, zz, xy, xz, yz = -columns.T
    return np.array([xy, xz, yz, (xx - yy) / 2, (2 * zz - xx - yy) / math.sqrt(12)])


def correlation(later, earlier):
    """<later(t) earlier(0)> for t = 0 .. LONGEST - 1 records, mean over components."""
    n = later.shape[1]
    spectrum = np.fft.rfft(later, 2 * n) * np.conj(np.fft.rfft(earlier, 2 * n))
    sums = np.fft.irfft(spectrum).mean(axis=0)[:LONGEST]
    return sums / (n - np.arange(LONGEST))


def green_kubo(blocks, omega):
    """G' and G'' at `omega`, each an estimate, from correlations of the blocks."""
    times = SPACING * np.arange(LONGEST)
    values = []
    for block in blocks:
        integrand = block * np.exp(-1j * omega * times)
        integral = SPACING * (integrand.sum() - (integrand[0] + integrand[-1]) / 2)
        integral += SPACING**2 / 12 * (-1j * omega * block[0])  # end correction: C is even, its slope vanishes at t = 0
        values.append(1j * omega * volume / TEMPERATURE * integral)
    return mean_and_error([value.real for value in values]), mean_and_error([value.imag for value in values])


test = Test(__file__)
settings = {"folder": test.folder, "cells": 4}
volume = test.run("in.rest", "rest", seed=87287, steps=300000, **settings)["volume"][0]
record = np.loadtxt(test.scratch / "rest.stress", comments="#")[1:, 1:]
total, virial = shear_components(record[:, :6]), shear_components(record[:, 6:])
parts = [np.array_split(stress, BLOCKS, axis=1) for stress in (total, virial)]
correlations = {
    "yes": [correlation(whole, whole) for whole in parts[0]],
    "no": [correlation(whole, inner) for whole, inner in zip(*parts)],
}
viscosity = mean_and_error([volume / TEMPERATURE * SPACING * (block.sum() - block[0] / 2) for block in correlations["yes"]])
print(f"     Green-Kubo viscosity {show(viscosity)}")
test.within("Green-Kubo viscosity, of the literature 3.2 to 3.5", viscosity[0], 3.2 - 4 * viscosity[1], 3.5 + 4 * viscosity[1])

pulls, ratios, measured, errors = [], [], {}, []
for number, (name, (period, amplitude, cycles, vscale)) in enumerate(RUNS.items()):
    test.run(
        "in.shear", name, seed=1000 + number, period=period, amplitude=amplitude, cycles=cycles, vscale=vscale, skip=2 if period > 2 else 6,
        harmonics=3, **settings
    )
    summary = test.summary(name)
    results = summary["results"]
    omega = 2 * math.pi / period
    measured[name] = moduli(summary)
    for symbol, found, expected in zip(("G'", "G''"), measured[name], green_kubo(correlations[vscale], omega)):
        pulls.append(test.agree(f"period {period:g}, vscale {vscale}: {symbol}", found, expected))
    ratio, error = results["loss_from_noise"]["value"] / results["loss"]["value"], math.sqrt(2 / (cycles - 1))
    ratios.append((ratio - 1) / math.hypot(error, ratio * results["loss"]["error"] / results["loss"]["value"]))
    errors.append(results["loss"]["error"] / results["predicted_error"])
    print(
        f"     period {period:g}: X = {show((ratio, error))}, measured over predicted error {errors[-1]:.2f},"
        f" I3 = {results['third_harmonic']:.3f}"
    )
test.chi_square("all moduli against Green-Kubo", pulls)
test.chi_square("fluctuation-dissipation ratio X = 1", ratios)
test.within("measured over predicted error of the loss, mean", sum(errors) / len(errors), 0.75, 1.25)

omega = 2 * math.pi / 32
loss = measured["32"][1]
test.agree("G''/omega at period 32 is the viscosity", (loss[0] / omega, loss[1] / omega), viscosity)
quadratic = []
for name in ("8", "16", "32"):
    omega = 2 * math.pi / RUNS[name][0]
    storage = measured[name][0]
    quadratic.append((storage[0] / omega**2, storage[1] / omega**2))
    print(f"     period {name}: G'/omega^2 = {show(quadratic[-1])}")
weights = [1 / error**2 for _, error in quadratic]
mean = sum(weight * value for weight, (value, _) in zip(weights, quadratic)) / sum(weights)
test.chi_square(f"G'/omega^2 is one at the periods 8, 16 and 32, {mean:.2f}", [(value - mean) / error for value, error in quadratic], fitted=1)
test.within("it is positive, in errors", mean * math.sqrt(sum(weights)), 3, 99)

lower, upper = measured["1.no"], measured["1.yes"]
shift = upper[1][0] - lower[1][0], math.hypot(upper[1][1], lower[1][1])
both = [green_kubo(correlations[vscale], 2 * math.pi)[1] for vscale in ("yes", "no")]
change = both[0][0] - both[1][0]
print(f"     G'' at period 1, vscale yes minus no: {show(shift)}; Green-Kubo {change:.3f}")
test.within("the part of the velocities is resolved, in errors", shift[0] / shift[1], 3, 99)
test.finish()
