"""Write one_parameter.dp: default_fparam.dp without its second frame parameter and without a default for the first.

    python tests/models/make_one_parameter.py

deepmd-kit must answer the same for the new file as for the old one with the second parameter at its mean, where it does
nothing after normalisation.
"""

import sys

import numpy as np
from deepmd.dpmodel.utils.serialization import load_dp_model, save_dp_model
from deepmd.infer import DeepPot

from make_models import HERE
from systems import reference_configurations


def main():
    model = load_dp_model(str(HERE / "default_fparam.dp"))
    fitting = model["model"]["fitting"]
    mean = fitting["@variables"]["fparam_avg"][1]
    fitting |= {"numb_fparam": 1, "default_fparam": None}
    for name in ("fparam_avg", "fparam_inv_std"):
        fitting["@variables"][name] = fitting["@variables"][name][:1]
    for network in fitting["nets"]["networks"]:
        network["in_dim"] -= 1
        variables = network["layers"][0]["@variables"]
        variables["w"] = np.delete(variables["w"], -1, axis=0)
    out = str(HERE / "one_parameter.dp")
    save_dp_model(out, model)

    old, new = DeepPot(str(HERE / "default_fparam.dp")), DeepPot(out)
    for name, (coord, cell, types) in reference_configurations().items():
        box = None if cell is None else cell.reshape(1, 9)
        answers = [
            pot.eval(coord.reshape(1, -1), box, types, fparam=np.array([parameters]))[0]
            for pot, parameters in ((old, [0.6, mean]), (new, [0.6]))
        ]
        if abs(answers[0] - answers[1]).max() > 1e-10:
            sys.exit(f"{name}: {answers}")


if __name__ == "__main__":
    main()
