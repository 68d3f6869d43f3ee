"""Write wide.dp: one_sided.dp with networks wide enough for a reduction to pay, of random weights.

    python tests/models/make_wide.py

Embedding 10-20-40, axis 12, fitting 24-24, resnet_dt in the fitting networks. Random curves vary as smoothly as trained ones.
"""

import numpy as np
from deepmd.dpmodel.utils.network import EmbeddingNet, FittingNet
from deepmd.dpmodel.utils.serialization import load_dp_model, save_dp_model

from make_models import HERE


def randomise(network, generator, size, last=None):
    """Weights of unit variance at each neuron times size, and small biases."""
    stored = network.serialize()
    for layer in stored["layers"]:
        variables = layer["@variables"]
        inputs, outputs = variables["w"].shape
        scale = last if last and outputs == 1 else size
        variables["w"] = scale * generator.uniform(-1, 1, (inputs, outputs)) * np.sqrt(3 / inputs)
        if variables.get("b") is not None:
            variables["b"] = generator.uniform(-0.5, 0.5, variables["b"].shape)
        if variables.get("idt") is not None:
            variables["idt"] = generator.uniform(0.4, 0.6, variables["idt"].shape)
    return stored


def main():
    generator = np.random.default_rng(2026)
    model = load_dp_model(str(HERE / "one_sided.dp"))
    descriptor, fitting = model["model"]["descriptor"], model["model"]["fitting"]
    descriptor |= {"neuron": [10, 20, 40], "axis_neuron": 12}
    embeddings = descriptor["embeddings"]
    embeddings["networks"] = [
        randomise(EmbeddingNet(1, [10, 20, 40], "tanh", precision="float64"), generator, 0.5)
        for _ in embeddings["networks"]
    ]
    width = 40 * 12
    fitting |= {"neuron": [24, 24], "dim_descrpt": width, "resnet_dt": True}
    fitting["nets"]["networks"] = [
        randomise(FittingNet(width, 1, [24, 24], "tanh", True, "float64"), generator, 0.4, last=3.0)
        for _ in fitting["nets"]["networks"]
    ]
    model["model_def_script"] = {}
    save_dp_model(str(HERE / "wide.dp"), model)


if __name__ == "__main__":
    main()
