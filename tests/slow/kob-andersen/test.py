"""Kob-Andersen mixture: the loss peak under shear lies where omega tau_alpha is about 1, and moves with the period.

500 atoms, 80:20, density 1.2, cooled in steps. G''(T) for the periods 10, 24 and 60; tau_alpha(T) is where the
self-scattering function of the A atoms at k = 7.25 has fallen to 1/e in the liquid at rest.
"""

import math
import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from suite import Test, deviation, mean_and_error, pair, show

WAVE_NUMBER = 7.25
TIMESTEP = 0.005
OBSERVED = {"1.00": 10, "0.80": 20, "0.70": 20, "0.65": 20, "0.60": 40, "0.55": 50}  # steps between frames
RUNS = {  # period: (cycles used, temperatures)
    10: (24, ("0.60", "0.70", "0.80", "0.90", "1.00")),
    24: (16, ("0.55", "0.60", "0.65", "0.70", "0.80")),
    60: (12, ("0.50", "0.55", "0.60", "0.65", "0.70")),
}


def frames(file):
    """Unwrapped positions of a dump, [n_frames, n_atoms, 3]."""
    lines = Path(file).read_text().splitlines()
    n_atoms = int(lines[3])
    step = n_atoms + 9
    rows = [line for start in range(0, len(lines) - step + 1, step) for line in lines[start + 9 : start + step]]
    return np.array([row.split() for row in rows], dtype=float).reshape(-1, n_atoms, 4)[:, :, 1:]


def relaxation_time(positions, interval):
    """Time at which F_s(k, t) of `positions`, `interval` apart, has fallen to 1/e; None where it has not."""
    before = None
    lags = sorted({round(1.15**power) for power in range(60)})
    for lag in (lag for lag in lags if lag < len(positions)):
        starts = np.unique(np.linspace(0, len(positions) - 1 - lag, 120).astype(int))
        value = np.mean(np.cos(WAVE_NUMBER * (positions[starts + lag] - positions[starts])))
        if value < math.exp(-1):
            if before is None:
                return None
            old, old_value = before
            share = (old_value - math.exp(-1)) / (old_value - value)
            return interval * math.exp(math.log(old) + share * math.log(lag / old))
        before = lag, value
    return None


def relaxation(file, interval):
    """(ln tau_alpha, standard error) from four parts of a run."""
    positions = frames(file)
    times = [relaxation_time(part, interval) for part in np.array_split(positions, 4)]
    if None in times:
        sys.exit(f"{file}: F_s does not fall to 1/e within a quarter of the run")
    return mean_and_error([math.log(time) for time in times])


def peak(x, losses, errors):
    """Where the loss has its maximum over x = ln(omega tau), from a weighted parabola of ln G''; nan where it has none."""
    curvature, slope, _ = np.polyfit(x, np.log(losses), 2, w=losses / errors)
    return -slope / (2 * curvature) if curvature < 0 else math.nan


def peak_and_error(x, losses, errors):
    """The same with the standard error that those of G'' make."""
    random = np.random.default_rng(1)
    again = [peak(x, losses * np.exp(errors / losses * random.standard_normal(len(x))), errors) for _ in range(2000)]
    low, high = np.nanpercentile(again, [15.9, 84.1])
    return peak(x, losses, errors), (high - low) / 2


test = Test(__file__)
test.run("in.cool", "cool", seed=4711)
log_times = {}
for T, every in OBSERVED.items():
    log_times[float(T)] = relaxation(test.scratch / f"cool.{T}.dump", every * TIMESTEP)
    value, error = log_times[float(T)]
    print(f"     T = {T}: tau_alpha = {show((math.exp(value), math.exp(value) * error))}")

# ln tau as a parabola in 1/T, which describes this liquid below T = 1
inverse, values, errors = np.array([(1 / T, value, max(error, 0.03)) for T, (value, error) in log_times.items()]).T
curve = np.polyfit(inverse, values, 2, w=1 / errors)
pulls = (values - np.polyval(curve, inverse)) / errors
test.chi_square("tau_alpha(T) is a parabola of ln tau in 1/T", pulls, fitted=3)

peaks, logarithms, third = {}, {}, []
for period, (cycles, temperatures) in RUNS.items():
    omega = 2 * math.pi / period
    points = []
    for T in temperatures:
        name = f"shear.{period}.{T}"
        test.run("in.shear", name, data=f"cool.{T}.data", T=T, period=period, cycles=cycles)
        results = test.summary(name)["results"]
        (storage, _), (loss, _) = pair(results["storage"]), pair(results["loss"])
        error = results["predicted_error"]  # few blocks: the forecast is known better than their scatter
        x = math.log(omega) + np.polyval(curve, 1 / float(T))
        points.append((x, loss, error))
        third.append(results["third_harmonic"])
        print(
            f"     period {period}, T = {T}: omega tau_alpha = {math.exp(x):.3f}, G' = {storage:.2f},"
            f" G'' = {show((loss, error))}, I3 = {third[-1]:.3f}"
        )
    x, losses, errors = np.array(points).T
    top, error = peak_and_error(x, losses, errors)
    if math.isnan(top):
        sys.exit(f"period {period}: G'' has no maximum between the temperatures")
    logarithms[period] = top, error
    # T_alpha from the same curve of tau_alpha
    roots = np.roots([curve[0], curve[1], curve[2] + math.log(omega) - top])
    inverse_peak = max(root.real for root in roots)
    peaks[period] = 1 / inverse_peak, error / abs(np.polyval(np.polyder(curve), inverse_peak)) / inverse_peak**2
    print(f"     period {period}: T_alpha = {show(peaks[period])}, omega tau_alpha(T_alpha) = {math.exp(top):.2f}, +- {100 * error:.0f} %")

weights = [1 / error**2 for _, error in logarithms.values()]
mean = sum(weight * top for weight, (top, _) in zip(weights, logarithms.values())) / sum(weights)
test.chi_square(
    f"one omega tau_alpha(T_alpha), {math.exp(mean):.2f}, fits all periods",
    [(top - mean) / error for top, error in logarithms.values()],
    fitted=1,
)
# the shear stress relaxes a few times faster than F_s at this k
test.within("omega tau_alpha(T_alpha), mean", math.exp(mean), 1 / 7, 7)
test.within("third harmonic, mean of all runs", sum(third) / len(third), 0, 0.1)
for short, long, least in ((10, 24, -1), (24, 60, -1), (10, 60, 2)):
    shift = deviation(peaks[short], peaks[long])
    test.within(f"the peak moves to lower temperature from period {short} to {long}, in errors", shift, least, 99)
test.finish()
