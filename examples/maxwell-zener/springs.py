#!/usr/bin/env python3
"""Maxwell, Kelvin-Voigt and Zener bodies against closed forms: in the mathematics of fix dms, and as beads and springs.

    .venv/bin/python examples/maxwell-zener/springs.py

The first part runs the Rust program rust/rheology/examples/models.rs, the second in.springs in LAMMPS. Prints the
tables and draws the figure. Everything goes to --out.
"""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))
import running  # noqa: E402
from stopping import started  # noqa: E402

PERIODS = (5000, 2500, 1250, 620, 310)  # timesteps of 0.005, in units of the relaxation time of a dumbbell
CYCLES = 31
BODIES = ("maxwell", "zener")
# of models.rs
TIME, SHEAR, SPRING = 1000.0, 35.0, 12.0
# of in.springs
DUMBBELLS, VOLUME, FRICTION, LATTICE, STIFFNESS = 1000, 1000.0, 16.0, 2.5, 5.0


def core(body, x):
    """G* of a body of models.rs at the angular frequency `x` times the relaxation time."""
    maxwell = SHEAR * 1j * x / (1 + 1j * x)
    return {"Maxwell": maxwell, "Kelvin-Voigt": SPRING + 1j * x * SHEAR / 3, "Zener": SPRING + maxwell}[body]


def beads(body, omega):
    """G* of in.springs: Hookean dumbbells, and for Zener the lattice of springs with its thermal modes."""
    total = DUMBBELLS / VOLUME * 1j * omega / (1 + 1j * omega)
    if body == "zener":
        n = round(VOLUME ** (1 / 3) / LATTICE)
        total = total + STIFFNESS / LATTICE
        cosine = 1 - np.cos(2 * np.pi * np.arange(n) / n)
        modes = 2 * STIFFNESS * (cosine[:, None, None] + cosine[:, None] + cosine).ravel()
        for rate in 2 * modes[1:] / FRICTION:  # the first mode is the translation of the whole
            total = total + 1j * omega / (rate + 1j * omega) / VOLUME
    return total


def run_core(settings):
    """Run models.rs; its table is left in --out/models.txt."""
    print("models.rs ...", flush=True)
    command = ["cargo", "run", "--release", "--quiet", "-p", "deepdms-rheology", "--example", "models"]
    with started(command, cwd=running.ROOT, stdout=subprocess.PIPE, text=True) as process:
        table = process.stdout.read()
    if process.returncode != 0:
        running.fail("cargo could not run the example models of deepdms-rheology; its message is above")
    (settings.out / "models.txt").write_text(table)


def table(results):
    """G' and G'' of the beads and springs next to the closed form."""
    lines = [f"{'':8}{'omega':>8}" + "".join(f"{name:>20}{'exact':>9}{'pull':>6}" for name in ("G'", "G''"))]
    pulls = []
    for body in BODIES:
        for omega, *moduli in results[body]:
            exact = beads(body, omega)
            line = f"{body:8}{omega:8.3f}"
            for (value, error), true in zip(moduli, (exact.real, exact.imag)):
                pulls.append((value - true) / error)
                line += f"{value:11.4f} +- {error:.4f}{true:9.4f}{pulls[-1]:+6.1f}"
            lines.append(line)
    return "\n".join(lines + ["", f"chi squared of {len(pulls)} differences: {np.square(pulls).sum():.1f}"])


def read(settings):
    """omega, (G', error), (G'', error) of each run of in.springs."""
    results = {}
    for body in BODIES:
        results[body] = []
        for steps in PERIODS:
            summary = json.loads((settings.out / f"{body}-{steps}.json").read_text())["results"]
            pairs = [(summary[key]["value"], summary[key]["error"]) for key in ("storage", "loss")]
            results[body].append((2 * np.pi / summary["period"], *pairs))
    return results


def draw(settings, results, path):
    """Above the mathematics alone, below the beads and springs; curves are closed forms."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    rows = [line.replace("+-", " ").split() for line in (settings.out / "models.txt").read_text().splitlines() if line[0] != "#"]
    colours = {"storage": "#2b5d8a", "loss": "#c8442b"}
    with plt.rc_context(running.PLOT_STYLE):
        figure, axes = plt.subplots(1, 5, figsize=(13, 3.1), constrained_layout=True)
        for panel, body in zip(axes, ("Maxwell", "Kelvin-Voigt", "Zener")):
            x = np.geomspace(0.07, 28, 200)
            curve = core(body, x)
            panel.plot(x, curve.real, color=colours["storage"], lw=1.2, label="G′, closed form")
            panel.plot(x, curve.imag, color=colours["loss"], lw=1.2, label="G″, closed form")
            data = np.array([[float(word) for word in row[1:]] for row in rows if row[0] == body])
            for key, column, symbol in (("storage", 5, "G′"), ("loss", 8, "G″")):
                panel.errorbar(data[:, 0], data[:, column], data[:, column + 1], fmt="o", ms=4, capsize=2, lw=1, color=colours[key], label=f"{symbol}, fitted")
            panel.set(xscale="log", xlabel="ωτ", title=f"{body}, with white noise")
            running.plain_ticks(panel, (0.1, 1, 10))
            if body == "Kelvin-Voigt":
                panel.set(yscale="log")
            panel.legend(loc="upper left" if body != "Zener" else "center left", fontsize=7)
        for panel, body in zip(axes[3:], BODIES):
            omega = np.geomspace(0.18, 5.6, 200)
            curve = beads(body, omega)
            panel.plot(omega, curve.real, color=colours["storage"], lw=1.2, label="G′, closed form")
            panel.plot(omega, curve.imag, color=colours["loss"], lw=1.2, label="G″, closed form")
            at = [row[0] for row in results[body]]
            for index, key, symbol in ((1, "storage", "G′"), (2, "loss", "G″")):
                value, error = np.array([row[index] for row in results[body]]).T
                panel.errorbar(at, value, error, fmt="s", ms=4, capsize=2, lw=1, color=colours[key], label=f"{symbol}, fix dms")
            title = {"maxwell": "Maxwell: dumbbells in LAMMPS", "zener": "Zener: dumbbells and lattice"}[body]
            panel.set(xscale="log", xlabel="ωτ", title=title, ylim=(min(0, 1.1 * panel.dataLim.y0), None))
            running.plain_ticks(panel, (0.2, 0.5, 1, 2, 5))
            panel.legend(loc="upper left" if body == "maxwell" else "center left", fontsize=7)
        axes[0].set_ylabel("modulus (reduced units)")
        axes[3].set_ylabel("modulus (reduced units)")
        running.save(figure, path)


def main():
    settings = running.settle(running.arguments(__doc__.splitlines()[0], "maxwell-zener"))
    if not settings.plot:
        run_core(settings)
        for body in BODIES:
            for steps in PERIODS:
                running.run(settings, HERE / "in.springs", f"{body}-{steps}", body=body, steps=steps, cycles=CYCLES)
    running.complete(settings)
    results = read(settings)
    text = table(results)
    print("\n" + (settings.out / "models.txt").read_text() + "\n" + text)
    (settings.out / "springs.txt").write_text(text + "\n")
    draw(settings, results, settings.out / "maxwell-zener.png")
    print(f"\nfigure: {settings.out / 'maxwell-zener.png'}")


if __name__ == "__main__":
    running.main(main)
