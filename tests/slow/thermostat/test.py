"""The loss that a slow thermostat makes under tension, and the storage modulus between isothermal and adiabatic.

Lennard-Jones crystal, 500 atoms, density 1.05, T = 0.2, amplitude 1 %, period 2, as in a table of reference values from another
implementation (20 cycles each). With a thermostat that rescales all velocities (`fix temp/csvr`) nothing but heat flows, with a
weak Langevin one little else, and

    E* = M_T + (M_S - M_T) i omega tau/(1 + i omega tau),   M_S - M_T = T V (dP/dT)^2/C_V

holds, beside the small loss of the isolated crystal, with quantities that are measured at rest: no parameter is free.
"""

import math
import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from suite import Test, deviation, mean_and_error, moduli, pair, show

CYCLES, OMEGA, T = 80, math.pi, 0.2
TABLE = {  # name: (settings, E' and E'' of the reference table, each with its standard error)
    "none": ({}, (82.27, 0.28), (0.37, 0.26)),
    "langevin.5": ({"friction": 5.0}, (82.37, 0.51), (1.74, 0.30)),
    "langevin.0.3": ({"friction": 0.3}, (77.34, 0.74), (5.30, 0.53)),
    "langevin.0.02": ({"friction": 0.02}, (78.53, 0.78), (4.26, 0.68)),
    "nose-hoover": ({"bath": "nvt temp 0.2 0.2 0.5"}, (86.48, 0.46), (1.24, 0.43)),
    "shear": ({"friction": 0.3, "mode": "xy"}, (46.72, 0.41), (1.15, 0.50)),
}
RESCALED = (0.05, 0.16, 0.5)  # relaxation times of the kinetic energy


def oscillate(name, seed, bath="nve", friction=0, rescale=0, mode="xx"):
    """Moduli with one thermostat."""
    test.run(
        "in.oscillate", name, folder=test.folder, T=T, seed=seed, bath=bath, friction=friction, rescale=rescale, mode=mode, cycles=CYCLES
    )
    summary = test.summary(name)
    found = moduli(summary)
    results = summary["results"]
    swing = results["temperature_in_phase"]
    print(f"     {name}: E' = {show(found[0])}, E'' = {show(found[1])}, temperature in phase {swing:.4f}")
    return found, swing


test = Test(__file__)
found, pulls = {}, []
for seed, (name, (settings, storage, loss)) in enumerate(TABLE.items(), 100):
    found[name], swing = oscillate(name, seed, **settings)
    pulls += [deviation(found[name][0], storage), deviation(found[name][1], loss)]
    if name == "none":
        still = swing
test.chi_square("the table", pulls)
# phonons of a hot crystal relax within a period: a small loss that no thermostat makes
test.within("isolated: E'' over E'", found["none"][1][0] / found["none"][0][0], 0, 0.015)
test.within("Langevin damping 0.3, loss over that of the isolated crystal, in errors", deviation(found["langevin.0.3"][1], found["none"][1]), 4, 99)
test.within("Nose-Hoover near resonance stiffens, in errors", deviation(found["nose-hoover"][0], found["none"][0]), 4, 99)

# at rest: means of ten parts of two isolated runs
means = []
for name, start in (("cool", 0.17), ("warm", 0.23)):
    volume = test.run("in.rest", name, folder=test.folder, T=start, seed=7)["volume"][0]
    table = np.loadtxt(test.scratch / f"{name}.means", comments="#")
    means.append([mean_and_error(column) for column in table[:, 1:].T])
rise = means[1][0][0] - means[0][0][0]
expansion = (means[1][1][0] - means[0][1][0]) / rise
heat = (means[1][2][0] - means[0][2][0]) / rise
difference = T * volume * expansion**2 / heat
noise = math.hypot(means[0][1][1], means[1][1][1]) / rise + expansion * math.hypot(means[0][0][1], means[1][0][1]) / rise
difference_error = 2 * difference * noise / expansion
print(f"     at rest: dP/dT = {expansion:.3f}, C_V/N = {heat / 500:.3f}, M_S - M_T = {show((difference, difference_error))}")
swing = -T * volume * expansion / heat * 0.01
test.within("swing of the temperature of the isolated crystal over that of thermodynamics", still / swing, 0.8, 1.05)

# thermostat, seed, relaxation time of the kinetic energy under it
RELAXED = [(f"rescaled.{time}", 200 + number, time) for number, time in enumerate(RESCALED)]
RELAXED += [("langevin.0.3", None, 0.3 / 2), ("langevin.5", None, 5.0 / 2)]
(adiabatic, loss_of_phonons), pulls = found["none"], []
for name, seed, time in RELAXED:
    storage, loss = oscillate(name, seed, rescale=time)[0] if seed else found[name]
    x = OMEGA * time * heat / (1.5 * 499)  # the kinetic energy is a part of the heat capacity
    expected_loss = loss_of_phonons[0] + difference * x / (1 + x * x), math.hypot(loss_of_phonons[1], difference_error)
    expected_storage = adiabatic[0] - difference / (1 + x * x), math.hypot(adiabatic[1], difference_error)
    pulls.append(test.agree(f"{name}, omega tau = {x:.2f}: E''", loss, expected_loss))
    pulls.append(test.agree(f"{name}, omega tau = {x:.2f}: E', between isothermal and adiabatic", storage, expected_storage))
test.chi_square("Debye peak, no free parameter", pulls)
test.finish()
