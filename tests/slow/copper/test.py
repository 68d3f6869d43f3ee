"""A crystal has no loss, and its storage modulus goes to the static C11 as amplitude and temperature go to zero.

T = 0: a copper crystal with a Morse potential, which has all derivatives, at amplitudes from 1.6 % down: all is deterministic.
10 to 300 K: 108 copper atoms of an embedded-atom potential, isolated (NVE), at the volume of T = 0. The tables of that potential
are not smooth on the scale of small strains, so its static C11 comes from strains of 0.8 to 2 % and has an error.
"""

import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from suite import Test, moduli, pair, show

TEMPERATURES, CYCLES, AMPLITUDE = (10, 100, 200, 300), 16, 0.01



def cold(name, style, coefficients, cells, amplitudes, degree):
    """Static C11 (GPa) as an estimate, from the odd part of the stress at plus and minus each amplitude, a polynomial of `degree`
    in the strain squared; and the rows (amplitude, E', E'') of fix dms."""
    strains = " ".join(f"{sign}{amplitude}" for amplitude in amplitudes for sign in ("", "-"))
    results = test.run(
        "in.cold", name, suffix=None, style=style, coefficients=coefficients, cells=cells, strains=strains,
        amplitudes=" ".join(map(str, amplitudes)),
    )
    table = np.array(results["static"]).reshape(-1, 2, 2)
    strain, secant = table[:, 0, 0], (table[:, 0, 1] - table[:, 1, 1]) / (2 * table[:, 0, 0])
    fit, covariance = np.polyfit(strain**2, secant, degree, cov=True)
    return (fit[-1], covariance[-1, -1] ** 0.5), np.array(results["cold"]).reshape(-1, 3)


test = Test(__file__)
# Girifalco and Weizer's parameters of copper; no shell of neighbours crosses the cutoff
(static, error), rows = cold("morse", "morse 6.95", "0.3429 1.3588 2.866", 2, (0.016, 0.008, 0.004, 0.002, 0.001), 3)
print(f"     Morse: static C11 = {static:.6f} GPa, error of the polynomial {error:.1e}")
for amplitude, storage, loss in rows:
    print(f"     T = 0, amplitude {amplitude:g}: E' - C11 = {storage - static:.6f}, over its square {(storage - static) / amplitude**2:.1f} GPa")
test.within("T = 0: |E''/E'|", max(abs(rows[:, 2] / rows[:, 1])), 0, 1e-11, ".1e")
limit = (4 * rows[-1][1] - rows[-2][1]) / 3
test.within("T = 0: E' extrapolated to amplitude 0 over static C11, less 1", limit / static - 1, -1e-8, 1e-8, ".1e")
test.within("T = 0: (E'(0.004) - C11)/(E'(0.002) - C11)", (rows[2][1] - static) / (rows[3][1] - static), 3.999, 4.001, ".6f")

static, rows = cold("eam", "eam/fs", "CuZr_mm.eam.fs Cu Zr", 3, (0.02, 0.016, 0.014, 0.012, 0.01, 0.008), 1)
expected = float(rows[rows[:, 0] == AMPLITUDE, 1][0])
print(f"     embedded atoms: static C11 = {show(static)} GPa, E' at T = 0 and amplitude {AMPLITUDE:g} {expected:.2f} GPa")
test.within("embedded atoms, T = 0: E' over static C11", expected / static[0], 0.99, 1.01)

points, losses = [], []
for T in TEMPERATURES:
    test.run("in.warm", f"warm.{T}", data="eam.data", T=T, cycles=CYCLES)
    summary = test.summary(f"warm.{T}")
    storage, loss = moduli(summary)
    temperature = pair(summary["results"]["temperature"])
    points.append((temperature[0], *storage))
    print(f"     {show(temperature)} K: E' = {show(storage)}, E'' = {show(loss)} GPa")
    losses.append(test.agree(f"{T} K: E''", loss, (0.0, 0.0)))
test.chi_square("E'' is zero", losses)

temperatures, storages, errors = np.array(points).T
fit, covariance = np.polyfit(temperatures, storages, 2, w=1 / errors, cov="unscaled")
print(f"     dE'/dT at T = 0: {show((fit[1], covariance[1, 1] ** 0.5))} GPa/K at constant volume")
test.chi_square("E' is a parabola in T", (storages - np.polyval(fit, temperatures)) / errors, fitted=3)
test.agree("E' extrapolated to T = 0 is the static C11", (fit[2], covariance[2, 2] ** 0.5), static)
test.finish()
