"""What the models of this folder are made of: the model section of each training input and the files made from it."""

from dataclasses import dataclass, field

from systems import TYPE_MAP

# Neither cutoff is a float32 number, so a reader that ignores the rounding of TensorFlow's op attributes shows.
CUTOFFS = {"rcut": 4.3, "rcut_smth": 1.7}
SMALL = {"neuron": [4, 8], "axis_neuron": 2}


@dataclass
class Recipe:
    """A model: its section of the training input, the backend that trains it and the files that are kept.

    The first of `files` is the frozen model, .pb from TensorFlow and .pth from PyTorch; the others are made from it by
    `dp convert-backend`. `compressed` gives the table spacing of NAME_compressed.SUFFIX; coarse, which keeps it small.
    """

    section: dict
    files: tuple = ("pb",)
    compressed: dict = field(default_factory=dict)
    steps: int = 200
    loss: dict = field(default_factory=lambda: ENERGY_LOSS)

    @property
    def backend(self):
        return {"pb": "--tf", "pth": "--pt"}[self.files[0]]


ENERGY_LOSS = {
    "type": "ener",
    **{"start_pref_e": 0.1, "limit_pref_e": 1, "start_pref_f": 100, "limit_pref_f": 1},
    **{"start_pref_v": 0, "limit_pref_v": 0},
}


def angular(**changes):
    base = {"type": "se_e2_a", **CUTOFFS, "sel": [20, 20, 12], "neuron": [4, 8, 16], "axis_neuron": 4}
    return base | {"resnet_dt": False, "type_one_side": True, "seed": 11} | changes


def radial(**changes):
    base = {"type": "se_e2_r", **CUTOFFS, "sel": [20, 20, 12], "neuron": [4, 8, 16]}
    return base | {"resnet_dt": False, "type_one_side": True, "seed": 14} | changes


def three_body(**changes):
    base = {"type": "se_e3", "rcut": 3.7, "rcut_smth": 1.3, "sel": [14, 14, 9], "neuron": [3, 6, 12]}
    return base | {"resnet_dt": False, "seed": 15} | changes


def hybrid(*descriptors):
    return {"type": "hybrid", "list": list(descriptors)}


def model(descriptor=None, fitting=None, **changes):
    """The model section of a training input: a small ternary model, one-sided se_e2_a unless said otherwise.

    `descriptor` is a whole descriptor, or changes to the one-sided one; `fitting` changes the fitting net.
    """
    descriptor = descriptor or {}
    if "type" not in descriptor:
        descriptor = angular(**descriptor)
    fitting_net = {"neuron": [16, 16, 16], "resnet_dt": True, "seed": 12} | (fitting or {})
    return {"type_map": TYPE_MAP, "descriptor": descriptor, "fitting_net": fitting_net} | changes


def activation(embedding, fitting):
    return model(
        {**SMALL, "activation_function": embedding},
        {"neuron": [8, 8], "activation_function": fitting},
    )


NARROW = {"neuron": [12, 12, 12]}
ALL = ("pb", "dp", "pth")

# se_e2_a by TensorFlow
ANGULAR = {
    "one_sided": Recipe(model(), (*ALL, "yaml"), {"pb": 0.05, "pth": 0.2}, 400),
    "two_sided": Recipe(model({"type_one_side": False}), ALL, {"pb": 0.1}, 400),
    "overflow": Recipe(model({"sel": [8, 8, 4]}), ALL, steps=400),
    "zero_davg": Recipe(model({"type_one_side": False, "set_davg_zero": True}), steps=400),
    "exclude_one_sided": Recipe(model({"exclude_types": [[0, 1], [2, 2]]}), ("pb", "pth"), steps=400),
    "exclude_two_sided": Recipe(model({"type_one_side": False, "exclude_types": [[0, 2], [1, 1]]}), steps=400),
    "atom_ener": Recipe(model(fitting={"atom_ener": [-3.1, None, -5.25]}), steps=400),
    "float32": Recipe(model({"precision": "float32"}, {"precision": "float32"}), ("pb", "pth"), steps=400),
    "widths": Recipe(
        model({"neuron": [3, 6, 6, 8], "axis_neuron": 2, "resnet_dt": True}, {"neuron": [16, 32, 32, 7]}),
        ALL,
        steps=400,
    ),
    "no_timestep": Recipe(model({"neuron": [1, 2, 5]}, {"neuron": [12, 12], "resnet_dt": False}), steps=400),
    "paper_shape": Recipe(
        model({"rcut": 6.0, "rcut_smth": 0.5, "sel": [50, 50, 30], "neuron": [6, 12, 24]}, {"neuron": [24, 24, 24]}),
        steps=400,
    ),
    "gelu_silu": Recipe(activation("gelu", "silu"), steps=400),
    "gelutf_sigmoid": Recipe(activation("gelu_tf", "sigmoid"), steps=400),
    "softplus_relu": Recipe(activation("softplus", "relu"), steps=400),
    "silut_linear": Recipe(activation("silut:2.5", "linear"), steps=400),
    "relu6_tanh": Recipe(activation("relu6", "tanh"), steps=400),
    # Trained by the PyTorch backend: the energy bias is elsewhere, out_std is not 1.
    "trained_native": Recipe(
        model(
            {"type_one_side": False, "exclude_types": [[0, 2], [1, 1]]},
            {"neuron": [16, 32, 32], "activation_function": "silu"},
        ),
        ("pth", "dp"),
    ),
}

# The other descriptors of local neighbourhoods
DESCRIPTORS = {
    "radial_one_sided": Recipe(model(radial(), NARROW), ("pb", "dp", "pth"), {"pb": 0.2, "pth": 0.2}),
    # Only TensorFlow has two-sided se_e2_r: the other backends convert it to a model that answers something else.
    "radial_two_sided": Recipe(
        model(radial(type_one_side=False, resnet_dt=True, neuron=[4, 8, 8], exclude_types=[[0, 1], [2, 2]]), NARROW)
    ),
    "radial_exclude": Recipe(
        model(radial(resnet_dt=True, neuron=[4, 8, 8], exclude_types=[[0, 1], [2, 2]]), NARROW),
        ("pb", "dp", "pth"),
    ),
    "three_body": Recipe(model(three_body(), NARROW), ("pb", "dp", "pth"), {"pb": 0.2, "pth": 0.2}),
    "hybrid_ar": Recipe(
        model(
            hybrid(
                angular(**SMALL, rcut=3.7, rcut_smth=1.3, sel=[14, 12, 9], type_one_side=False),
                radial(neuron=[4, 8]),
            ),
            NARROW,
        ),
        ("pb", "dp", "pth"),
        {"pb": 0.2},
    ),
    "hybrid_a3": Recipe(
        model(hybrid(angular(**SMALL), three_body(neuron=[2, 4, 8])), NARROW),
        ("pb", "dp", "pth"),
        {"pb": 0.2},
    ),
    # Two-sided tables of two descriptors, some of which are missing
    "hybrid_exclude": Recipe(
        model(
            hybrid(
                angular(neuron=[2, 4], axis_neuron=2, type_one_side=False, exclude_types=[[0, 0], [0, 1], [0, 2]]),
                radial(neuron=[2, 4], type_one_side=False, exclude_types=[[0, 1], [2, 2]]),
            ),
            NARROW,
        ),
        compressed={"pb": 0.4},
    ),
    "hybrid_aa": Recipe(
        model(
            hybrid(
                angular(**SMALL, type_one_side=False),
                angular(neuron=[3, 6], axis_neuron=3, rcut=3.7, rcut_smth=1.3, sel=[12, 14, 8], type_one_side=False),
            ),
            NARROW,
        ),
        ("pb", "dp", "pth"),
    ),
}

# Frame and atom parameters
PARAMETERS = {
    "parameters": Recipe(model(SMALL, NARROW | {"numb_fparam": 2, "numb_aparam": 1}), ("pb", "dp", "pth")),
    "parameters_atom_ener": Recipe(model(SMALL, NARROW | {"numb_fparam": 2, "atom_ener": [-3.1, None, -5.25]})),
    "default_fparam": Recipe(
        model(SMALL, NARROW | {"numb_fparam": 2, "default_fparam": [0.45, -0.8]}), ("pth", "dp")
    ),
}

# Models that only their own backend evaluates
ATTENTION = {"rcut": 4.3, "rcut_smth": 1.7, "sel": 40, "neuron": [4, 8], "axis_neuron": 2, "tebd_dim": 4, "seed": 16}
REPINIT = {"rcut": 4.3, "rcut_smth": 1.7, "nsel": 40, "neuron": [4, 8], "axis_neuron": 2, "tebd_dim": 4}
REPFORMER = {
    **{"rcut": 3.7, "rcut_smth": 1.3, "nsel": 24, "nlayers": 2, "g1_dim": 8, "g2_dim": 4, "axis_neuron": 2},
    **{"attn1_hidden": 4, "attn1_nhead": 2, "attn2_hidden": 4, "attn2_nhead": 1},
}
REPFLOW = {
    **{"n_dim": 8, "e_dim": 6, "a_dim": 4, "nlayers": 2, "axis_neuron": 2, "a_compress_rate": 0},
    **{"e_rcut": 4.3, "e_rcut_smth": 1.7, "e_sel": 40, "a_rcut": 3.1, "a_rcut_smth": 1.3, "a_sel": 12},
}
MIXED = {"type": "se_atten_v2", **ATTENTION, "attn_layer": 0}
# A table of repulsion takes over from the model at short distances.
SHORT_RANGE = {"use_srtab": "table.txt", "smin_alpha": 0.1, "sw_rmin": 1.8, "sw_rmax": 2.6}
# The mean of two energy models
LINEAR = {
    **{"type": "linear_ener", "weights": "mean", "type_map": TYPE_MAP},
    "models": [model(MIXED | {"seed": seed}, NARROW) for seed in (1, 2)],
}
OTHERS = {
    "type_embedding": Recipe(
        model({**SMALL, "type_one_side": False}, NARROW, type_embedding={"neuron": [3, 6], "resnet_dt": True, "seed": 17})
    ),
    "type_embedding_one_sided": Recipe(model(SMALL, NARROW, type_embedding={"neuron": [2, 4], "seed": 17})),
    # All that a type embedding can have: the first layers have skip connections, types are given by their electrons.
    "type_embedding_rich": Recipe(
        model(
            {"neuron": [11, 8], "axis_neuron": 2, "resnet_dt": True, "type_one_side": False, "exclude_types": [[0, 2], [1, 1]]},
            NARROW | {"numb_fparam": 2, "atom_ener": [-3.1, None, -5.25]},
            type_embedding={
                **{"neuron": [3, 5], "use_econf_tebd": True, "use_tebd_bias": True},
                **{"activation_function": "gelu", "seed": 17},
            },
        )
    ),
    "type_embedding_strip": Recipe(
        model(
            angular(**SMALL, type_one_side=False, set_davg_zero=True, resnet_dt=True) | {"type": "se_a_ebd_v2"},
            NARROW,
            type_embedding={"neuron": [2, 4], "seed": 17},
        )
    ),
    # se_atten_v2 keeps type embeddings apart from distances ("strip"), which can be compressed.
    "dpa1": Recipe(model(MIXED, NARROW), ("pth",), {"pth": 0.2}, steps=40),
    "dpa1_concat": Recipe(
        model({"type": "se_atten", **ATTENTION, "attn": 8, "attn_layer": 2}, NARROW), ("pth",), steps=40
    ),
    "dpa2": Recipe(
        model({"type": "dpa2", "repinit": REPINIT, "repformer": REPFORMER, "seed": 16}, NARROW), ("pth",), steps=40
    ),
    "dpa3": Recipe(model({"type": "dpa3", "repflow": REPFLOW, "seed": 16}, NARROW), ("pth",)),
    "short_range": Recipe(model(MIXED, NARROW, **SHORT_RANGE), ("pth",), steps=40),
    "linear": Recipe(LINEAR, ("pth",), steps=40),
}

# Type embeddings without attention: one list of neighbours for all types, statistics by centre type only. "concat" makes the
# type embeddings inputs of the embedding net, "strip" gives them a net of their own, whose output may fade with the switch.
WITHOUT_ATTENTION = {"type": "se_atten", **ATTENTION, "attn_layer": 0}


def without_attention(fitting=None, **changes):
    return model(WITHOUT_ATTENTION | changes, NARROW | (fitting or {}))


ATTENTIONLESS = {
    "atten_concat": Recipe(without_attention(), ("pth", "dp", "yaml"), steps=40),
    "atten_one_sided": Recipe(
        without_attention(
            {"numb_fparam": 2},
            **{"type_one_side": True, "exclude_types": [[0, 1], [2, 2]], "env_protection": 0.05},
            **{"resnet_dt": True, "use_tebd_bias": True, "neuron": [5, 8]},
        ),
        ("pth", "dp"),
        steps=40,
    ),
    "atten_strip": Recipe(
        without_attention(tebd_input_mode="strip", type_one_side=True, sel=10, concat_output_tebd=False),
        ("pth", "dp"),
        {"pth": 0.2},
        steps=40,
    ),
    # types given by their electrons, which a .dp does not hold
    "atten_shells": Recipe(without_attention(use_econf_tebd=True, activation_function="gelu"), ("pth",), steps=40),
    "atten_smooth": Recipe(
        without_attention(
            {"numb_aparam": 1},
            **{"tebd_input_mode": "strip", "smooth_type_embedding": True, "set_davg_zero": False},
            **{"exclude_types": [[0, 2], [1, 1]]},
        ),
        ("pth", "dp"),
        {"pth": 0.2},
        steps=40,
    ),
}


def graph_without_attention(fitting=None, types=None, **changes):
    """The same by TensorFlow, where the type embedding is a part of the model. The axis tells it from a whole row."""
    section = {key: value for key, value in WITHOUT_ATTENTION.items() if key != "tebd_dim"} | changes
    return model(section, NARROW | (fitting or {}), type_embedding={"neuron": [4], "seed": 17} | (types or {}))


ATTENTIONLESS_GRAPHS = {
    "atten_tf_concat": Recipe(
        graph_without_attention(
            {"numb_fparam": 2, "atom_ener": [-3.1, None, -5.25]},
            {"neuron": [3, 6], "resnet_dt": True},
            **{"set_davg_zero": False, "type_one_side": True, "exclude_types": [[0, 2], [1, 1]], "resnet_dt": True},
        ),
    ),
    # Excluded neighbours have rows of means, and empty slots those of a type that is none.
    "atten_tf_faded": Recipe(
        graph_without_attention(
            **{"set_davg_zero": False, "smooth_type_embedding": True, "exclude_types": [[0, 1]], "sel": 10},
        )
    ),
    "atten_tf_strip": Recipe(
        graph_without_attention(tebd_input_mode="strip", set_davg_zero=False), compressed={"pb": 0.2}
    ),
    "atten_tf_smooth": Recipe(
        graph_without_attention(type="se_atten_v2", exclude_types=[[0, 2], [1, 1]]), compressed={"pb": 0.2}
    ),
}

RECIPES = {**ANGULAR, **DESCRIPTORS, **PARAMETERS, **OTHERS, **ATTENTIONLESS, **ATTENTIONLESS_GRAPHS}
