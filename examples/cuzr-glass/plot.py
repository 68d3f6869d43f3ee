"""The figure of the demo: stress-strain loops, moduli over cycles, moduli against temperature."""

import csv

import numpy as np
import matplotlib
from running import PLOT_STYLE, save

matplotlib.use("Agg")
import matplotlib.pyplot as plt  # noqa: E402

COLOURS = {"dp": "#c8442b", "eam": "#2b5d8a"}
LABELS = {"dp": "Deep Potential", "eam": "EAM (teacher)"}
STYLE = PLOT_STYLE | {"figure.dpi": 160}


def samples(run):
    """Strain and stress (GPa) of every sample of the used cycles, [n_cycles, samples_per_cycle] each."""
    data = np.loadtxt(f"{run.prefix}.loop")
    # the step from which a run has gone on is there twice
    data = data[np.unique(data[:, 0], return_index=True)[1], 1:]
    protocol = run.summary["protocol"]
    per_cycle = protocol["period_steps"] // protocol["nevery"]
    cycles = len(data) // per_cycle
    data = data[: cycles * per_cycle].reshape(cycles, per_cycle, 2)[protocol["nskip"] :]
    return data[:, :, 0], data[:, :, 1]


def loop(axes, runs, temperature):
    """Stress against strain: every sample of the DP, the means over cycles, and the ellipses of E' and E''.

    The inset shows what makes the loop, the stress without its mean and its elastic part E' strain.
    """
    inset = axes.inset_axes([0.60, 0.13, 0.37, 0.33])
    for potential in ("eam", "dp"):
        run = runs[potential, temperature]
        strain, stress = samples(run)
        mean = np.append(stress.mean(axis=0), stress[:, 0].mean())
        x = np.append(strain.mean(axis=0), strain[:, 0].mean()) * 100
        amplitude = run.summary["protocol"]["amplitude"]
        phase = np.linspace(0, 2 * np.pi, 200)
        storage, loss = run.estimate("storage")[0], run.estimate("loss")[0]
        ellipse = stress.mean() + amplitude * (storage * np.sin(phase) + loss * np.cos(phase))
        colour = COLOURS[potential]
        if potential == "dp":
            axes.plot(strain.ravel() * 100, stress.ravel(), ".", ms=1.2, color=colour, alpha=0.15, zorder=1)
        axes.plot(x, mean, ".", ms=3, color=colour, alpha=0.8, zorder=2)
        axes.plot(100 * amplitude * np.sin(phase), ellipse, color=colour, lw=1.4, label=LABELS[potential], zorder=3)
        inset.plot(x, mean - stress.mean() - storage * x / 100, ".", ms=2, color=colour, alpha=0.5)
        inset.plot(100 * amplitude * np.sin(phase), amplitude * loss * np.cos(phase), color=colour, lw=1.2)
    inset.set_title("σ − σ̄ − E′ε (GPa)", fontsize=7, pad=3)
    inset.tick_params(labelsize=7)
    axes.set_title(f"{temperature} K", loc="left")
    axes.set_xlabel("strain (%)")
    axes.set_ylabel("stress (GPa)")
    axes.legend(loc="upper left", handlelength=1.4)


def blocks(run):
    """Last cycle, E' and E'' of every used block of the block file."""
    with open(f"{run.prefix}.csv") as file:
        rows = list(csv.DictReader(line for line in file if not line.startswith("#")))
    rows = [row for row in rows if row["used"] == "1"]
    return [np.array([float(row[name]) for row in rows]) for name in ("cycle_last", "storage", "loss")]


def running(axes, runs, temperatures, quantity, symbol):
    """Mean so far and its standard error over the cycles, both potentials and temperatures."""
    for temperature, style in zip(temperatures, ("-", "--")):
        for potential in ("eam", "dp"):
            cycle, storage, loss = blocks(runs[potential, temperature])
            values = storage if quantity == "storage" else loss
            count = np.arange(1, len(values) + 1)
            mean = np.cumsum(values) / count
            error = np.array([values[:n].std(ddof=1) / np.sqrt(n) if n > 1 else np.nan for n in count])
            colour = COLOURS[potential]
            axes.fill_between(cycle, mean - error, mean + error, color=colour, alpha=0.18, lw=0)
            axes.plot(cycle, mean, style, color=colour, lw=1.3, label=f"{potential.upper()} {temperature} K")
    axes.set_xlabel("cycle")
    axes.set_ylabel(f"{symbol}, mean so far (GPa)")
    axes.set_xlim(left=0)


def against_temperature(axes, runs, quantity, symbol):
    """E' or E'' against temperature, with standard errors."""
    for potential, marker, size in (("eam", "o", 4.5), ("dp", "D", 6)):
        points = sorted((t, *run.estimate(quantity)) for (p, t), run in runs.items() if p == potential)
        t, value, error = np.array(points).T
        axes.errorbar(
            t, value, error, fmt=marker + ("-" if potential == "eam" else ""), ms=size, lw=1, capsize=2.5,
            color=COLOURS[potential], mfc="white" if potential == "dp" else None, label=LABELS[potential],
            zorder=3 if potential == "dp" else 2,
        )
    axes.set_xlabel("temperature (K)")
    axes.set_ylabel(f"{symbol} (GPa)")
    axes.legend(loc="best", handlelength=1.4)


def draw(runs, temperatures, path):
    """Draw the figure of `runs`, {(potential, temperature): run}, to `path`."""
    with plt.rc_context(STYLE):
        figure, axes = plt.subplots(2, 3, figsize=(11, 6.4), constrained_layout=True)
        for row, temperature in enumerate(temperatures):
            loop(axes[row, 0], runs, temperature)
        for row, (quantity, symbol) in enumerate((("storage", "E′"), ("loss", "E″"))):
            running(axes[row, 1], runs, temperatures, quantity, symbol)
            against_temperature(axes[row, 2], runs, quantity, symbol)
        low, high = axes[0, 1].get_ylim()
        axes[0, 1].set_ylim(low, high + 0.28 * (high - low))
        axes[0, 1].legend(loc="upper right", ncol=2, handlelength=2.2)
        protocol = next(iter(runs.values())).summary["protocol"]
        figure.suptitle(
            f"Cu65Zr35 glass, 500 atoms, oscillatory tension: amplitude {100 * protocol['amplitude']:g} %, "
            f"period {protocol['period']:g} ps",
            fontsize=10,
        )
        save(figure, path)
