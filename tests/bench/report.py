"""Tables and figure of a bench.json.

    python tests/bench/report.py target/bench/bench.json bench.svg [bench.png]
"""

import json
import sys
from pathlib import Path

from runs import DEFAULT, DOUBLE, EXACT, MIXED, PEER, PEER_COMPRESSED, ROOT

SHARED = 95.0  # a run on one core that has less of it [%] was disturbed
COLUMNS = (PEER, PEER_COMPRESSED, EXACT, DOUBLE, DEFAULT, MIXED)


def number(value, form):
    """A number, or a dash where there is none."""
    return "–" if value is None else format(value, form)


def brief(value):
    """A time with two or three digits."""
    return format(value, ".0f" if value >= 100 else ".1f" if value >= 10 else ".2f")


def table(head, rows):
    """A Markdown table; the first column is text, the others are numbers."""
    lines = ["| " + " | ".join(head) + " |", "|---|" + "---:|" * (len(head) - 1)]
    return lines + ["| " + " | ".join(row) + " |" for row in rows]


def one(model, mode, atoms, layout="1 rank"):
    """The row of times of a mode, or None."""
    rows = (row for row in model["times"] if (row["mode"], row["atoms"], row["layout"]) == (mode, atoms, layout))
    return next(rows, None)


def sizes(model):
    """Numbers of atoms of a model."""
    return sorted({row["atoms"] for row in model["times"]})


def reference(model, atoms, layout="1 rank"):
    """Time of deepmd-kit with the compressed file, or with the one as frozen where there is none; None without deepmd-kit."""
    row = one(model, PEER_COMPRESSED, atoms, layout) or one(model, PEER, atoms, layout)
    return row and row["median"]


def speed(model, mode, atoms, layout="1 rank", against="1 rank"):
    """How many times faster than deepmd-kit, or None."""
    row, base = one(model, mode, atoms, layout), reference(model, atoms, against)
    return base / row["median"] if row and base else None


def geometric(values):
    """Geometric mean, or None of no numbers."""
    values = [value for value in values if value]
    product = 1.0
    for value in values:
        product *= value
    return product ** (1 / len(values)) if values else None


def cell(row, ratio):
    """Time and, in brackets, speed."""
    if row is None:
        return "–"
    return brief(row["median"]) + (f" ({ratio:.1f}x)" if ratio else "")


def speeds(models, about):
    """The table of one core: the largest number of atoms of each model."""
    columns = [mode for mode in COLUMNS if any(one(model, mode, sizes(model)[-1]) for model in models)]
    rows = []
    for model in models:
        atoms = sizes(model)[-1]
        cells = (cell(one(model, mode, atoms), None if mode == PEER_COMPRESSED else speed(model, mode, atoms)) for mode in columns)
        rows.append([f"{model['name']}, {atoms}", *cells])
    if len(models) > 1:
        # a file as frozen is several times slower: it would flatter the mean
        fair = [model for model in models if one(model, PEER_COMPRESSED, sizes(model)[-1])]
        means = (geometric([speed(model, mode, sizes(model)[-1]) for model in fair]) for mode in columns)
        rows.append(["**geometric mean, of those that deepmd-kit compresses**", *(f"**{mean:.1f}x**" if mean else "–" for mean in means)])
    return ["", about, "", *table(["model, atoms", *columns], rows)]


def others(models):
    """Other instruction sets, and several models at once."""
    modes = list(dict.fromkeys(row["mode"] for model in models for row in model["times"] if row["mode"] not in COLUMNS))
    if not modes:
        return []
    rows = []
    for model in models:
        atoms = sizes(model)[-1]
        cells = []
        for mode in modes:
            row, ratio = one(model, mode, atoms), speed(model, mode, atoms)
            if "four" in mode:
                base = next((other for other in modes if "four" in other and other.startswith("deepmd-kit") and one(model, other, atoms)), None)
                ratio = one(model, base, atoms)["median"] / row["median"] if base and row and base != mode else None
            cells.append(cell(row, ratio))
        rows.append([f"{model['name']}, {atoms}", *cells])
    about = "µs an atom a step with other instructions, and with four models at once and their deviation at every step, beside deepmd-kit's four."
    return ["", "## More rows", "", about, "", *table(["model, atoms", *modes], rows)]


def small(models):
    """Few atoms, and two cores."""
    few, two = [], []
    for model in models:
        least, most = sizes(model)[0], sizes(model)[-1]
        if least != most:
            growth = [one(model, mode, least)["median"] / one(model, mode, most)["median"] for mode in (DEFAULT, MIXED) if one(model, mode, least)]
            cells = [cell(one(model, mode, least), speed(model, mode, least)) for mode in (DEFAULT, MIXED)]
            base = reference(model, least)
            few.append([f"{model['name']}, {least}", brief(base) if base else "–", *cells, *(f"{value:.2f}" for value in growth)])
        single = one(model, DEFAULT, most)
        rows = [one(model, DEFAULT, most, layout) for layout in ("2 ranks", "2 threads")]
        if single and any(rows):
            cells = [cell(row, row and single["median"] / row["median"]) for row in rows]
            two.append([f"{model['name']}, {most}", brief(single["median"]), *cells, number(speed(model, DEFAULT, most, "2 ranks", "2 ranks"), ".1f")])
    lines = []
    if few:
        about = "µs an atom a step of the smallest number of atoms; the last columns are the cost an atom over that of the table above."
        head = ["model, atoms", "deepmd-kit", DEFAULT, MIXED, f"{DEFAULT}, cost", f"{MIXED}, cost"]
        lines += ["", "## Few atoms", "", about, "", *table(head, [row + ["–"] * (len(head) - len(row)) for row in few])]
    if two:
        about = f"µs an atom a step of {DEFAULT}, in brackets over one core; the last column compares two ranks with two of deepmd-kit."
        head = ["model, atoms", "1 core", "2 ranks", "2 threads", "2 ranks over deepmd-kit"]
        lines += ["", "## Two cores", "", about, "", *table(head, two)]
    return lines


def errors(models):
    """Errors of forces beside the bounds."""
    configurations = ("cold", "hot", "close", "dilute")
    rows, above = [], 0
    for model in models:
        for mode in dict.fromkeys(row["mode"] for row in model["errors"]):
            cells = []
            for row in (row for name in configurations for row in model["errors"] if (row["mode"], row["configuration"]) == (mode, name)):
                # sums in another order differ in the last digits of the largest force
                wrong = row["bound"] is not None and row["error"] > row["bound"] + 1e-11 * max(1.0, row["largest"])
                above += wrong
                cells.append(f"{row['error']:.0e}" + (f" \\| {row['bound']:.0e}" if row["bound"] is not None else "") + (" **above**" if wrong else ""))
            rows.append([f"{model['name']}, {mode}", *cells])
    if not rows:
        return []
    about = (
        "Largest difference of a force component from `tolerance exact`, and behind it the bound that the run prints. *Cold* are the atoms of the data file, "
        "*hot* have been displaced by up to 0.3 Å along each axis, in *close* one pair is at 0.6 of the smallest distance, in *dilute* all distances are doubled."
    )
    if above:
        about += f" **In {above} cases the error is above its bound.**"
    return ["", "## Errors of forces, eV/Å", "", about, "", *table(["error \\| bound", *configurations], rows)]


def start(models):
    """Start-up and memory, and what the plugin says of the model."""
    rows = []
    for model in models:
        atoms = sizes(model)[-1]
        for mode in COLUMNS:
            row = one(model, mode, atoms)
            if row:
                shown = [number(row["start_up"], ".2f"), number(row["memory"], ".0f"), number(row.get("knots"), "d")]
                rows.append([f"{model['name']}, {mode}", *shown])
    about = "Above LAMMPS without a pair style: seconds outside of the loops (start, reading the model, first evaluation), and the largest memory of the larger size. Knots of the longest spline at the end."
    lines = ["", "## Start-up and memory", "", about, "", *table(["", "s", "MB", "knots"], rows), "", "What the plugin says of each model (default):", ""]
    for model in models:
        row = one(model, DEFAULT, sizes(model)[-1])
        if row:
            lines.append(f"- {model['name']}: {row['path']}")
    return lines


def markdown(results):
    """bench.md: all tables and what their columns mean."""
    real = [model for model in results["models"] if not model["toy"]]
    toys = [model for model in results["models"] if model["toy"]]
    lines = [
        "# Speed, memory and errors of pair_style deepmd",
        "",
        f"{results['machine']}; {results['date']}. Medians of {results['repeats']} runs, all programs alternately, pinned to cores. In brackets: how many times "
        "faster than deepmd-kit with the compressed file, or as frozen where deepmd-kit does not compress it.",
    ]
    if real:
        lines += ["", "## Real models, one core", *speeds(real, "µs an atom a step.")]
    if toys:
        lines += ["", "## Toy, one core", *speeds(toys, "µs an atom a step, of a network of published size that was trained for 600 steps only: its curves are smoother than real ones.")]
    models = real + toys
    notes = [f"- {model['name']}: {note}" for model in models for note in model["notes"]]
    if notes:
        lines += ["", *notes]
    lines += others(models) + small(models) + errors(models) + start(models)
    rows = [row for model in models for row in model["times"]]
    shared = [row for row in rows if row["share"] < SHARED and row["layout"] != "2 threads"]
    if shared:
        lines += [
            "",
            f"**Disturbed:** in {len(shared)} of {len(rows)} rows a run had less than {SHARED:.0f} % of its core, which was shared with "
            "other programs. These times are too long. Measure on an idle machine.",
        ]
    return "\n".join(lines) + "\n"


def label(model):
    """Name in the figure, with a word where deepmd-kit has no compressed file."""
    frozen = reference(model, sizes(model)[-1]) and not one(model, PEER_COMPRESSED, sizes(model)[-1])
    return model["name"].split(" (")[0] + ("\n(over frozen)" if frozen else "")


def draw(results, paths):
    """Speed over deepmd-kit (without it: time) with the spread of the repeats, and errors of the default and in mixed precision beside
    their bounds and tolerances."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    sys.path.insert(0, str(ROOT / "examples"))
    from running import PLOT_STYLE

    models = results["models"]
    colours = {EXACT: "0.5", DOUBLE: "tab:green", DEFAULT: "tab:blue", MIXED: "tab:orange"}
    places = range(len(models))
    beside = any(reference(model, sizes(model)[-1]) for model in models)
    with plt.rc_context(PLOT_STYLE):
        figure, (left, right) = plt.subplots(1, 2, figsize=(8.2, 3.4), layout="constrained")
        for n, (mode, colour) in enumerate(colours.items()):
            shift = 0.15 * (n - 1.5)
            for x, model in zip(places, models):
                atoms = sizes(model)[-1]
                row = one(model, mode, atoms)
                if row is None or beside and reference(model, atoms) is None:
                    continue
                low, middle, high = ((reference(model, atoms) / row[key] if beside else row[key]) for key in ("most", "median", "least"))
                spread = [[abs(middle - low)], [abs(high - middle)]] if beside else [[abs(middle - high)], [abs(low - middle)]]
                entry = mode if mode not in left.get_legend_handles_labels()[1] else None
                left.errorbar(x + shift, middle, yerr=spread, fmt="o", color=colour, ms=4, capsize=2, lw=1, label=entry)
        if beside:
            left.axhline(1, color="k", lw=1, ls="--")
            left.text(-0.45, 1.04, "deepmd-kit", fontsize=8, va="bottom")
        left.set(ylabel="speed over deepmd-kit" if beside else "µs an atom a step", yscale="log", xlim=(-0.5, len(models) - 0.5))
        left.yaxis.set_major_formatter("{x:g}")
        left.yaxis.set_minor_formatter(lambda x, _: f"{x:g}" if f"{x:e}"[0] in "25" else "")
        left.legend(fontsize=8, ncols=2, loc="lower left", bbox_to_anchor=(0, 1), columnspacing=1)
        for mode, shift, tolerance in ((DEFAULT, -0.15, 1e-6), (MIXED, 0.15, 1e-4)):
            for x, model in zip(places, models):
                rows = [row for row in model["errors"] if row["mode"] == mode]
                at = [x + shift + 0.05 * (n - 1.5) for n in range(len(rows))]
                right.plot(at, [row["error"] for row in rows], "o", color=colours[mode], ms=3, label=f"{mode}: error" if x == 0 else None)
                bounds = [(place, row["bound"]) for place, row in zip(at, rows) if row["bound"] is not None]
                if bounds:
                    right.plot(*zip(*bounds), "_", color=colours[mode], ms=6, label=f"{mode}: bound" if x == 0 else None)
            right.axhline(tolerance, color=colours[mode], lw=0.8, ls=":")
        right.set(ylabel="largest force error (eV/Å)", yscale="log", xlim=(-0.5, len(models) - 0.5))
        right.legend(fontsize=8, ncols=2, loc="lower left", bbox_to_anchor=(0, 1), columnspacing=1, handletextpad=0.2)
        for axes in (left, right):
            axes.set_xticks(places, [label(model) for model in models])
        for path in paths:
            figure.savefig(path)
        plt.close(figure)


if __name__ == "__main__":
    draw(json.loads(Path(sys.argv[1]).read_text()), sys.argv[2:])
