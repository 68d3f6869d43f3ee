"""Table and figure of a bench.json.

    python tests/bench/report.py target/bench/bench.json bench.png
"""

import json
import sys
from pathlib import Path

SHARED = 95.0  # a run on one core that has less of it [%] was disturbed


def number(value, form):
    """A number, or a dash where there is none."""
    return "–" if value is None else format(value, form)


def table(head, rows):
    """A Markdown table; the first column is text, the others are numbers."""
    lines = ["| " + " | ".join(head) + " |", "|---|" + "---:|" * (len(head) - 1)]
    return lines + ["| " + " | ".join(row) + " |" for row in rows]


def times(results):
    """One table for each number of atoms."""
    lines = []
    head = ["", "on", "µs/atom/step", "median", "speed", "fitting, % of time", "Gflop/s", "% of product", "memory, MB", "core, %"]
    for atoms in sorted({row["atoms"] for row in results["times"]}):
        rows = []
        for row in results["times"]:
            if row["atoms"] != atoms:
                continue
            share, rate, part = (row.get(name) for name in ("fitting_share", "fitting_rate", "fitting_of_peak"))
            rows.append(
                [
                    row["mode"],
                    row["layout"],
                    number(row["least"], ".1f"),
                    number(row["median"], ".1f"),
                    number(row.get("speed"), ".2f"),
                    number(share and 100 * share, ".0f"),
                    number(rate and rate / 1e9, ".1f"),
                    number(part and 100 * part, ".0f"),
                    number(row["memory"], ".0f"),
                    number(row["share"], ".0f"),
                ]
            )
        lines += ["", f"## {atoms} atoms", "", *table(head, rows)]
    return lines


def errors(results):
    """Errors of forces, next to the goals."""
    rows = []
    for name, entry in results["errors"].items():
        goal = entry["goal"]
        met = "–" if goal is None else ("yes" if entry["error"] <= goal else "**no**")
        rows.append([name, entry["against"], f"{entry['error']:.1e}", number(goal, ".0e"), met])
    if not rows:
        return []
    largest = max(entry["largest"] for entry in results["errors"].values())
    sizes = sorted({atoms for entry in results["errors"].values() for atoms, _, _ in entry["at"]})
    where = (
        f"Largest difference of a force component among {' and '.join(map(str, sizes))} atoms, on the lattice and after "
        f"{results['moved_steps']} steps of dynamics; the largest component is {largest:.1f} eV/Å."
    )
    return ["", "## Errors of forces, eV/Å", "", where, "", *table(["", "against", "error", "goal", "met"], rows)]


def start(results):
    """Start-up and load."""
    found = results["start_up"]
    bare = found["bare"]
    rows = []
    for name, entry in found["modes"].items():
        shown = [number(entry[key], form) for key, form in (("seconds", ".2f"), ("cpu_seconds", ".2f"), ("memory", ".0f"))]
        rows.append([name, *shown, number(entry["curves"], "d"), number(entry["inputs"], "d")])
    about = (
        f"A run of {found['atoms']} atoms without steps, less LAMMPS alone with the same atoms ({bare['seconds']:.2f} s, "
        f"{bare['memory']:.0f} MB): it starts, reads and reduces the model, evaluates once and ends. Curves and inputs are what was kept "
        "of the embedding network and of the first layer of the fitting network, the most among types of atoms."
    )
    return ["", "## Start-up", "", about, "", *table(["", "s", "CPU s", "MB", "curves", "inputs"], rows)]


def markdown(results):
    """bench.md: all tables and what their columns mean."""
    peak = results["peak"]
    lines = [
        "# Speed, memory and errors of pair_style deepmd",
        "",
        f"{results['machine']}; {results['date']}. Least and median of {results['repeats']} runs, all programs alternately. *Speed* is the "
        "time of deepmd-kit with the compressed file, of the same size and on as many cores, over this one. The operations of the fitting "
        "network as it is evaluated, 4 for each weight and with the inputs of the type of atoms that has most, over the time of *Fitting* in the "
        "summary are compared with what numpy's product of matrices 1000 x 1000 reaches on the same core, which is somewhat below the peak of the "
        f"processor: {peak['double'] / 1e9:.1f} Gflop/s in double precision, {peak['single'] / 1e9:.1f} in single. *Memory* is the peak of the "
        "largest rank above LAMMPS without a pair style.",
    ]
    lines += times(results) + errors(results) + start(results)
    shared = [row for row in results["times"] if row["share"] < SHARED and row["layout"] != "2 threads"]
    if shared:
        lines += [
            "",
            f"**Disturbed:** in {len(shared)} of {len(results['times'])} rows a run had less than {SHARED:.0f} % of its core, which was shared with "
            "other programs. These times are too long. Measure on an idle machine.",
        ]
    return "\n".join(lines) + "\n"


def draw(results, path):
    """Time against the number of atoms, a panel for each layout."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    layouts = list(dict.fromkeys(row["layout"] for row in results["times"]))
    modes = list(dict.fromkeys(row["mode"] for row in results["times"]))
    sizes = sorted({row["atoms"] for row in results["times"]})
    colours = dict(zip(modes, plt.get_cmap("tab10").colors))
    style = {"font.size": 9, "xtick.direction": "in", "ytick.direction": "in", "legend.frameon": False}
    with plt.rc_context(style):
        figure, axes = plt.subplots(1, len(layouts), figsize=(1.2 + 3.3 * len(layouts), 4.0), sharey=True, squeeze=False, layout="constrained")
        for axis, layout in zip(axes[0], layouts):
            for mode in modes:
                rows = [row for row in results["times"] if row["layout"] == layout and row["mode"] == mode]
                peer = mode.startswith("deepmd-kit")
                axis.plot(
                    [row["atoms"] for row in rows],
                    [row["least"] for row in rows],
                    "s--" if peer else "o-",
                    color=colours[mode],
                    ms=4,
                    lw=1.2,
                    mfc="white" if peer else None,
                    label=mode,
                )
            axis.set_xscale("log")
            axis.set_yscale("log")
            axis.set_title(layout, loc="left")
            axis.set_xlabel("atoms")
            axis.set_xticks(sizes, map(str, sizes))
            axis.set_xticks([], minor=True)
            axis.yaxis.set_major_formatter("{x:g}")
            axis.yaxis.set_minor_formatter(lambda x, _: f"{x:g}" if f"{x:e}"[0] in "25" else "")
            axis.grid(alpha=0.25, which="both", lw=0.5)
        axes[0, 0].set_ylabel("µs an atom a step")
        handles, names = axes[0, 0].get_legend_handles_labels()
        figure.legend(handles, names, loc="outside lower center", ncols=min(4, len(names)), fontsize=8)
        figure.savefig(path, dpi=110)
        plt.close(figure)


if __name__ == "__main__":
    draw(json.loads(Path(sys.argv[1]).read_text()), sys.argv[2])
