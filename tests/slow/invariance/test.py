"""What the moduli must not depend on: direction, sampling interval, division into runs, and who moves the box.

The Lennard-Jones liquid of lj-liquid, isotropic, at the period 4: the same modulus in xy, xz and yz, in oblique directions (from
uniaxial strain), with Nevery 2 and 40, in one run or in five, and with `fix deform` under `drive external`.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from suite import Test, moduli, pair, show

RUNS = {  # name: (fix dms in words, driver, number of runs)
    "xy": ("2 xy 0.1 4.0", "none", 1),
    "xz": ("2 xz 0.1 4.0", "none", 1),
    "yz": ("2 yz 0.1 4.0", "none", 1),
    "uniaxial": ("2 xx 0.1 4.0", "none", 1),
    "rare": ("40 xy 0.1 4.0 harmonics 1", "none", 1),
    "split": ("2 xy 0.1 4.0", "none", 5),
    "deform": ("2 xy 0.1 4.0 drive external lag 1", "xy", 1),
}

test = Test(__file__)
liquid = test.folder.parent / "lj-liquid"
found = {}
for number, (name, (words, driver, parts)) in enumerate(RUNS.items()):
    test.run("in.direction", name, folder=liquid, cells=4, seed=500 + number, words=words, driver=driver, parts=parts, cycles=60 // parts)
    summary = test.summary(name)
    if name == "uniaxial":
        constants = summary["isotropic_constants"]
        found[name] = pair(constants["shear_storage"]), pair(constants["shear_loss"])
    else:
        found[name] = moduli(summary)
    print(f"     {name}: G' = {show(found[name][0])}, G'' = {show(found[name][1])}, {summary['results']['cycles']} cycles")

for index, symbol in enumerate(("G'", "G''")):
    values = {name: pair_of[index] for name, pair_of in found.items()}
    weights = {name: 1 / error**2 for name, (_, error) in values.items()}
    mean = sum(weights[name] * value for name, (value, _) in values.items()) / sum(weights.values())
    pulls = {name: (value - mean) / error for name, (value, error) in values.items()}
    print(f"     mean {symbol} = {show((mean, sum(weights.values()) ** -0.5))}")
    for group in (("xy", "xz", "yz"), tuple(RUNS)):
        inside = sum(weights[name] * values[name][0] for name in group) / sum(weights[name] for name in group)
        test.chi_square(
            f"{symbol} is one in {', '.join(group)}", [(values[name][0] - inside) / values[name][1] for name in group], fitted=1
        )
    test.agree(f"{symbol} from uniaxial strain is that of shear", values["uniaxial"], values["xy"])
    test.agree(f"{symbol} with fix deform and drive external is that of the internal drive", values["deform"], values["xy"])
test.finish()
