#!/usr/bin/env python3
"""Which atoms of the glass dissipate: the map of the local loss modulus of one point of the sweep, and what it is worth.

    .venv/bin/python examples/cuzr-spectrum/map.py [--point 700K-10ps]

Reads what sweep.py has left in the work folder: the moduli of all atoms after each block of in.dms. Prints the sum
rule, the share of signal in the map and the correlation with the displacements, and draws the figure.
"""

import argparse
import json
import math
import sys
from pathlib import Path

import matplotlib
import numpy as np

matplotlib.use("Agg")
import matplotlib.pyplot as plt  # noqa: E402

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from plot import save  # noqa: E402
from running import PLOT_STYLE, ROOT  # noqa: E402

RADIUS = {1: 1.28, 2: 1.60}  # angstrom, for the picture
NAMES = {1: "Cu", 2: "Zr"}


def frames(path):
    """Frames of a dump by timestep, {step: (box edges [3], columns {name: [n_atoms]})}; of a repeated step the last."""
    found = {}
    with open(path) as file:
        while file.readline():
            step = int(file.readline())
            file.readline()
            n_atoms = int(file.readline())
            file.readline()
            box = np.array([[float(x) for x in file.readline().split()] for _ in range(3)])
            names = file.readline().split()[2:]
            values = np.array([[float(x) for x in file.readline().split()] for _ in range(n_atoms)]).T
            found[step] = box[:, 1] - box[:, 0], dict(zip(names, values))
    return found


def blocks(means):
    """Values of single blocks [n_blocks, ...] from the means over the first 1, 2, ... of them."""
    count = np.arange(1, len(means) + 1).reshape(-1, *[1] * (means.ndim - 1))
    return np.diff(count * means, axis=0, prepend=0 * means[:1])


class Map:
    """Per-atom moduli of one point: `loss` and `shell` [n_blocks, n_atoms], `displacement` û'' [n_blocks, n_atoms, 3]."""

    def __init__(self, work, point):
        self.summary = json.loads((work / f"{point}.result.json").read_text())["summary"]
        protocol = self.summary["protocol"]
        n_blocks, steps = self.summary["results"]["blocks"], protocol["period_steps"]
        dump = frames(work / f"{point}.atoms")
        ends = [(protocol["nskip"] + protocol["block"] * (k + 1)) * steps for k in range(n_blocks)]
        missing = [step for step in ends if step not in dump]
        if missing:
            raise SystemExit(f"map: {point}.atoms lacks step {missing[0]}, the end of a block")
        self.box, last = dump[ends[-1]]
        self.place = np.stack([last[axis] for axis in "xyz"], axis=1)
        self.species = last["type"].astype(int)
        self.mean, self.error = last["f_d[2]"], last["f_d[4]"]
        self.shell_mean, self.shell_error = last["f_d[17]"], last["f_d[18]"]

        def series(name):
            return blocks(np.array([dump[step][1][name] for step in ends]))

        self.loss, self.shell = series("f_d[2]"), series("f_d[17]")
        self.displacement = np.stack([series(f"f_d[{column}]") for column in (8, 9, 10)], axis=2)

    def halves(self, values):
        """Means of the first and of the second half of the blocks."""
        half = len(values) // 2
        return values[:half].mean(axis=0), values[half:].mean(axis=0)

    def jump(self, displacement):
        """|û''| of each atom [n_atoms]."""
        return np.linalg.norm(displacement, axis=-1)


def signal(mean, error):
    """Variance between atoms, and its share that errors do not explain."""
    total = mean.var(ddof=1)
    return total, 1 - np.mean(error**2) / total


def correlation(a, b):
    """Spearman's rank correlation."""
    return np.corrcoef(np.argsort(np.argsort(a)), np.argsort(np.argsort(b)))[0, 1]


def report(data):
    """What the map is worth, as text."""
    box = data.summary["results"]["loss"]
    lines = [
        f"E'' of the box {box['value']:.6f} +- {box['error']:.2f} GPa, mean over the atoms {data.mean.mean():.6f} GPa,"
        f" relative difference {data.mean.mean() / box['value'] - 1:.0e}"
    ]
    for species, name in NAMES.items():
        group = data.loss[:, data.species == species].mean(axis=1)
        lines.append(f"{name}: E'' {group.mean():.2f} +- {group.std(ddof=1) / math.sqrt(len(group)):.2f} GPa")
    for what, mean, error, series in (
        ("single atoms", data.mean, data.error, data.loss),
        ("with neighbours", data.shell_mean, data.shell_error, data.shell),
    ):
        total, share = signal(mean, error)
        r = np.corrcoef(*data.halves(series))[0, 1]
        lines.append(
            f"{what}: standard deviation between atoms {math.sqrt(total):.1f} GPa, rms error {math.sqrt(np.mean(error**2)):.1f} GPa,"
            f" share of signal {share:.2f}; correlation of the two halves {r:.2f}, hence {2 * r / (1 + r):.2f}"
        )
    first, second = (data.jump(half) for half in data.halves(data.displacement))
    whole = data.jump(data.displacement.mean(axis=0))
    lines.append(f"|u''|: median {np.median(whole):.3f} A, rank correlation of the two halves {correlation(first, second):.2f}")
    lines.append(
        f"rank correlation of |u''| with E'': {correlation(whole, data.mean):.2f} for atoms, {correlation(whole, data.shell_mean):.2f}"
        " with neighbours"
    )
    crossed = []
    for series in (data.loss, data.shell):
        early, late = data.halves(series)
        crossed.append((correlation(early, second) + correlation(late, first)) / 2)
    lines.append(f"the same from different halves: {crossed[0]:.2f} for atoms, {crossed[1]:.2f} with neighbours")
    return "\n".join(lines)


def slab(axes, data, thickness=4.5):
    """Atoms of a slab through the atom that loses most with its neighbours, coloured by that loss."""
    z = data.place[np.argmax(data.shell_mean), 2]
    depth = data.place[:, 2] - z
    depth -= data.box[2] * np.round(depth / data.box[2])
    chosen = np.flatnonzero(np.abs(depth) < thickness / 2)
    circles, values = [], []
    for i in chosen[np.argsort(depth[chosen])]:
        x, y = data.place[i, :2] % data.box[:2]
        for dx in (-data.box[0], 0, data.box[0]):
            for dy in (-data.box[1], 0, data.box[1]):
                r = RADIUS[data.species[i]]
                if -r < x + dx < data.box[0] + r and -r < y + dy < data.box[1] + r:
                    circles.append(plt.Circle((x + dx, y + dy), r))
                    values.append(data.shell_mean[i])
    artists = matplotlib.collections.PatchCollection(circles, cmap="YlOrRd", edgecolor="#333333", lw=0.4)
    artists.set_array(np.array(values))
    artists.set_clim(min(data.shell_mean.min(), 0), data.shell_mean.max())
    axes.add_collection(artists)
    axes.set_xlim(0, data.box[0])
    axes.set_ylim(0, data.box[1])
    axes.set_aspect("equal")
    axes.set_xlabel("x (Å), strained")
    axes.set_ylabel("y (Å)")
    axes.set_title("E″ with neighbours (GPa); small Cu, large Zr", loc="left")
    plt.colorbar(artists, ax=axes, fraction=0.046, pad=0.02)


def distribution(axes, data):
    """Losses of atoms, alone and with neighbours, and what errors alone would make of equal atoms."""
    reach = np.percentile(np.abs(data.mean), 99.5)
    edges = np.linspace(-reach, reach, 61)
    grid = np.linspace(-reach, reach, 400)
    centre = data.mean.mean()
    for mean, error, colour, label in (
        (data.mean, data.error, "#888888", "single atoms"),
        (data.shell_mean, data.shell_error, "#c8442b", "with neighbours"),
    ):
        axes.hist(mean, edges, density=True, color=colour, alpha=0.45, label=label)
        noise = math.sqrt(np.mean(error**2))
        axes.plot(grid, np.exp(-0.5 * ((grid - centre) / noise) ** 2) / noise / math.sqrt(2 * math.pi), color=colour, lw=1.2)
    axes.axvline(centre, color="k", lw=0.8, ls=":")
    axes.set_xlabel("E″ of an atom (GPa)")
    axes.set_ylabel("density (1/GPa)")
    axes.set_title("bars: measured; curves: errors alone", loc="left")
    axes.legend(loc="upper right", borderaxespad=0.2, handlelength=1.2)


def scatter(axes, data, x, y):
    """One quantity against the other, Cu and Zr apart."""
    for species, colour in ((1, "#b5651d"), (2, "#2b5d8a")):
        chosen = data.species == species
        axes.plot(x[chosen], y[chosen], ".", ms=4, alpha=0.6, color=colour, label=NAMES[species])
    axes.legend(loc="upper left", handletextpad=0.2)


def draw(data, path):
    """The map, the distribution, the two halves of the run, and the displacement."""
    results, protocol = data.summary["results"], data.summary["protocol"]
    with plt.rc_context(PLOT_STYLE):
        figure, ((space, bars), (halves, displaced)) = plt.subplots(2, 2, figsize=(8.6, 7.4), constrained_layout=True)
        slab(space, data)
        distribution(bars, data)
        scatter(halves, data, *data.halves(data.shell))
        halves.set_xlabel("E″ with neighbours, first half (GPa)")
        halves.set_ylabel("second half (GPa)")
        halves.set_title(f"r = {np.corrcoef(*data.halves(data.shell))[0, 1]:.2f}", loc="left")
        jump = data.jump(data.displacement.mean(axis=0))
        scatter(displaced, data, jump, data.shell_mean)
        displaced.set_xscale("log")
        displaced.set_xlabel("out-of-phase non-affine displacement |û″| (Å)")
        displaced.set_ylabel("E″ with neighbours (GPa)")
        displaced.set_title(f"rank correlation {correlation(jump, data.shell_mean):.2f}", loc="left")
        figure.suptitle(
            f"Cu65Zr35 at {results['temperature']['value']:.0f} K, period {protocol['period']:g} ps, "
            f"{results['cycles']} cycles: E″ = {results['loss']['value']:.1f} ± {results['loss']['error']:.1f} GPa",
            fontsize=10,
        )
        save(figure, path)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=ROOT / "target/examples/cuzr-spectrum", help="folder of sweep.py")
    parser.add_argument("--point", default="700K-10ps", help="name of a point of the sweep")
    settings = parser.parse_args()
    if not (settings.out / f"{settings.point}.result.json").exists():
        raise SystemExit(f"map: {settings.out} has no result of {settings.point}; run sweep.py first")
    data = Map(settings.out, settings.point)
    print(report(data))
    figure = settings.out / "loss-map.png"
    draw(data, figure)
    print(f"figure: {figure}")


if __name__ == "__main__":
    main()
