"""Harmonic loss: the moduli of a glass at T = 0 with friction are those of its normal modes.

The response is deterministic, so nothing is statistical here. Two systems: 216 atoms at twelve frequencies, and the 64 atoms of
the case dms-harmonic-glass of the ordinary suite, whose reference numbers come from this script.
"""

import math
import sys
import tomllib
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from modes import Modes
from suite import ROOT, Test

GAMMA, TIMESTEP = 1.0, 0.004
PERIODS = (0.2, 0.24, 0.3, 0.36, 0.44, 0.56, 0.72, 1.0, 1.6, 2.8, 6.0, 16.0)
TRANSIENT = 48.0  # decays as exp(-gamma t/2)


def compare(name, modes, data, mode, period):
    """Runs fix dms; returns the measured modulus, and the formula with and without the error of the timestep."""
    skip = math.ceil(TRANSIENT / period)
    results = test.run(
        "in.oscillate", f"{name}.{period}", suffix=None, folder=test.folder, data=data, mode=mode, gamma=GAMMA, period=period, skip=skip
    )
    omega = 2 * math.pi / period
    found = complex(*results["moduli"])
    return found, modes.modulus_in_steps(omega, GAMMA, TIMESTEP), modes.modulus(omega, GAMMA)


def normal_modes(name, data, mode):
    """Normal modes of a data file; in.matrix relaxes it further to NAME.relaxed."""
    results = test.run("in.matrix", name, suffix=None, folder=test.folder, data=data, mode=mode)
    modes = Modes(test.scratch / name, results["stress"], results["volume"][0])
    stable = sum(modes.squares > 1e-3)
    test.check(f"{name}: all modes but three are stable", stable == len(modes.squares) - 3, f"{stable} of {len(modes.squares)}")
    frequencies = np.sqrt(modes.squares[3:])
    relaxed = modes.modulus(0.0, GAMMA).real
    print(f"     {name}: omega from {frequencies[0]:.2f} to {frequencies[-1]:.2f}, affine modulus {modes.affine:.4f}, relaxed {relaxed:.4f}")
    return modes


test = Test(__file__)
test.run("in.quench", "glass", suffix=None, folder=test.folder, large=173, small=43, seed=20)
for mode, periods in (("xy", PERIODS), ("xx", PERIODS[3::4])):
    modes = normal_modes(f"glass.{mode}", "glass.data", mode)
    worst = [0.0, 0.0]
    for period in periods:
        found, in_steps, smooth = compare(f"glass.{mode}", modes, f"glass.{mode}.relaxed", mode, period)
        deviations = [abs(found - expected) / abs(found) for expected in (in_steps, smooth)]
        worst = [max(a, b) for a, b in zip(worst, deviations)]
        print(
            f"     {mode}, omega = {2 * math.pi / period:6.3f}: G' = {found.real:.6f}, G'' = {found.imag:.6f};"
            f" formula {in_steps.real:.6f}, {in_steps.imag:.6f}; without timestep {smooth.real:.4f}, {smooth.imag:.4f}"
        )
    test.within(f"{mode}: largest deviation from the formula, relative", worst[0], 0, 1e-6, ".2g")
    test.within(f"{mode}: the same, without the error of the timestep", worst[1], 0, 2e-2, ".2g")

case = ROOT / "tests/cases/dms-harmonic-glass"
modes = normal_modes("small", case / "glass.data", "xy")
found, in_steps, _ = compare("small", modes, "small.relaxed", "xy", 1.0)
stored = tomllib.loads((case / "case.toml").read_text())["results"]["moduli"]["value"]
print(f"     64 atoms: measured {found:.9f}, formula {in_steps:.9f}")
test.within("64 atoms: the case's reference against the formula", abs(complex(*stored) - in_steps) / abs(in_steps), 0, 1e-6, ".2g")
test.within("64 atoms: measured against the formula", abs(found - in_steps) / abs(in_steps), 0, 1e-6, ".2g")
test.finish()
