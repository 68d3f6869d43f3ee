#!/usr/bin/env python3
"""Four frequencies from one run of the Kob-Andersen mixture, against four runs of one frequency each.

    .venv/bin/python examples/four-tones/tones.py

Prints a table and draws the figure. Everything goes to --out.
"""

import json
import sys
from pathlib import Path

import numpy as np

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))
import running  # noqa: E402

CYCLES, SKIP = 32, 2  # of the longest period


def summary(settings, name):
    """The JSON summary of a run."""
    return json.loads((settings.out / f"{name}.json").read_text())


def execute(settings):
    """The run with four tones, then each of its tones alone: same amplitude, same length."""
    running.run(settings, HERE / "in.prepare", "start")
    data = settings.out / "start.data"
    running.run(settings, HERE / "in.shear", "four", data=data, cycles=CYCLES, nskip=SKIP)
    four = summary(settings, "four")
    for tone in four["tones"]:
        multiple = tone["multiple"]
        length = four["protocol"]["period_steps"] // multiple
        running.run(
            settings, HERE / "in.shear", f"one-{multiple}", data=data, tones="one", period=tone["period"],
            amplitude=tone["strain_amplitude"], cycles=CYCLES * multiple, nskip=SKIP * multiple, every=5 if length % 5 == 0 else 4,
        )


def steps(protocol):
    """Timesteps of a run."""
    return protocol["cycles"] * protocol["period_steps"]


def table(four, singles):
    """G' and G'' of each tone from both kinds of runs, their differences over the error of the difference, and the cost."""
    lines = [f"{'period':>7} {'omega':>6} {'amplitude':>9}   {'':4}{'one run of four':>18}{'four runs':>18}{'pull':>7}"]
    pulls = []
    for tone, single in zip(four["tones"], singles):
        head = f"{tone['period']:7.2f} {2 * np.pi / tone['period']:6.3f} {tone['strain_amplitude']:9.4f}"
        for symbol, key in (("G'", "storage"), ("G''", "loss")):
            both = [(s[key]["value"], s[key]["error"]) for s in (tone, single["results"])]
            (a, da), (b, db) = both
            pulls.append((a - b) / np.hypot(da, db))
            lines.append(f"{head}   {symbol:4}" + "".join(f"{v:10.3f} +- {e:.3f}" for v, e in both) + f"{pulls[-1]:+7.1f}")
            head = " " * len(head)
    pulls = np.array(pulls)
    counts = steps(four["protocol"]), sum(steps(single["protocol"]) for single in singles)
    peak = four["protocol"]["amplitude"]
    alone = counts[0] * sum((tone["strain_amplitude"] / peak) ** 2 for tone in four["tones"])
    lines += [
        "",
        f"chi squared of {len(pulls)} differences: {(pulls**2).sum():.1f}",
        f"timesteps: {counts[0]} for one run of four tones, {counts[1]} for four runs of one tone each,",
        f"{alone:.0f} for four runs to the same errors if each takes the whole amplitude of {peak:g}",
        "",
        "Kramers-Kronig in the run of four: (pi/2) dG'/d ln omega next to the mean G'' of two neighbouring tones",
    ]
    for pair in four["kramers_kronig"]:
        low, high = (2 * np.pi * f for f in pair["frequencies"])
        lines.append(
            f"omega {low:.3f} to {high:.3f}: {pair['from_storage']['value']:6.2f} +- {pair['from_storage']['error']:.2f}"
            f"   {pair['measured']['value']:6.2f} +- {pair['measured']['error']:.2f}"
        )
    return "\n".join(lines)


def draw(four, singles, path):
    """One base period of the strain, and the moduli of both kinds of runs against frequency."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    with plt.rc_context(running.PLOT_STYLE):
        figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.8), constrained_layout=True)
        base = four["tones"][0]["period"]
        time = np.linspace(0, base, 2000)
        strain = np.zeros_like(time)
        for tone in four["protocol"]["tones"]:
            angle = 2 * np.pi * tone["multiple"] * time / base + np.radians(tone["phase_degrees"])
            strain += tone["amplitude"] * np.sin(angle)
        left.plot(time, 100 * strain, color="#2b5d8a", lw=1, label="sum of the four tones")
        longest = four["protocol"]["tones"][0]
        slow = longest["amplitude"] * np.sin(2 * np.pi * time / base + np.radians(longest["phase_degrees"]))
        left.plot(time, 100 * slow, "--", color="#999999", lw=1, label="the slowest alone")
        left.axhline(0, color="#cccccc", lw=0.6, zorder=0)
        left.set(xlabel="t (reduced units)", ylabel="shear strain (%)", xlim=(0, base), ylim=(-8, 8))
        left.legend(loc="lower left", fontsize=8, ncol=2)
        for key, symbol, colour in (("storage", "G′", "#2b5d8a"), ("loss", "G″", "#c8442b")):
            omega = np.array([2 * np.pi / tone["period"] for tone in four["tones"]])
            for shift, sources, fill, label in (
                (0.96, four["tones"], colour, "one run, four tones"),
                (1.04, [single["results"] for single in singles], "white", "four runs"),
            ):
                value, error = np.array([(s[key]["value"], s[key]["error"]) for s in sources]).T
                right.errorbar(
                    omega * shift, value, error, fmt="o" if fill == colour else "s", ms=5, capsize=2.5, lw=1,
                    color=colour, mfc=fill, label=f"{symbol}, {label}",
                )
        bottom = min(0, 1.1 * right.dataLim.y0)    # bars that reach below zero are shown
        right.set(
            xscale="log", xlabel="ω (reduced units)", ylabel="G′, G″ (reduced units)", xlim=(0.12, 6.5), ylim=(bottom, None)
        )
        right.axhline(0, color="#cccccc", lw=0.6, zorder=0)
        running.plain_ticks(right, (0.2, 0.5, 1, 2, 5))
        right.legend(loc="upper left", fontsize=8)
        figure.suptitle("Kob-Andersen mixture, ρ = 1.2, T = 0.8, 500 atoms, shear", fontsize=10)
        running.save(figure, path)


def main():
    settings = running.settle(running.arguments(__doc__.splitlines()[0], "four-tones"))
    if not settings.plot:
        execute(settings)
    running.complete(settings)
    four = summary(settings, "four")
    singles = [summary(settings, f"one-{tone['multiple']}") for tone in four["tones"]]
    text = table(four, singles)
    print("\n" + text)
    (settings.out / "tones.txt").write_text(text + "\n")
    draw(four, singles, settings.out / "four-tones.png")
    print(f"\nfigure: {settings.out / 'four-tones.png'}")


if __name__ == "__main__":
    running.main(main)
