"""Write the weights of models of this folder as the graphs that deepmd-kit 0.12, 1.x and 2.0 froze, with references.

    python tests/models/make_old_generations.py

deepmd-kit 3.2.0 cannot train such graphs, but its TensorFlow operators still include the old ones. Each graph is built
anew, node by node as that version built it:

    generation_0.pb  0.12  two_sided   DescrptNorot, DS_layer_type_* scopes, names at the root, no sel, no type map
    generation_1.pb  1.3   one_sided   DescrptSeA, no model_version, no training script
    generation_2.pb  2.0   one_sided   compressed: TabulateFusion and its tables at the root, model_version 1.0

All of them hold the energy bias in the last layer and multiply by 1/nnei. generation_0 and 1 have biases of shape [1, N],
added by `Add`. deepmd-kit runs 0.12 and 1.3 only after `dp convert-from`, whose output is kept as
generation_*_converted.pb. The answers of the converted graph are the references; they must agree with the model that the
weights are from.
"""

import json
import sys
import tempfile
from pathlib import Path

import numpy as np
from deepmd.tf.env import op_module, tf

from make_models import HERE, dp, set_threads, training_input
from make_references import reference, write_reference
from recipes import RECIPES
from systems import TYPE_MAP, reference_configurations, write_training_data

NTYPES = len(TYPE_MAP)


def constants(path):
    """The constants of a frozen graph by name, and the inputs of its tabulated embeddings in the order of the graph."""
    graph = tf.GraphDef.FromString(path.read_bytes())
    values = {n.name: tf.make_ndarray(n.attr["value"].tensor) for n in graph.node if n.op == "Const"}
    tables = [list(n.input[:2]) for n in graph.node if n.op == "TabulateFusionSeA"]
    return values, tables


def stored(name, value):
    """A frozen variable: a constant and the node it is read through."""
    return tf.identity(tf.constant(value, name=name), name=f"{name}/read")


class Builder:
    """One old graph with the weights of a model of this folder; `version` is "0.12", "1.3" or "2.0"."""

    def __init__(self, version, weights, tables, recipe):
        self.version, self.weights, self.tables, self.recipe = version, weights, tables, recipe
        descriptor = recipe.section["descriptor"]
        self.sel, self.axis, self.one_sided = descriptor["sel"], descriptor["axis_neuron"], descriptor["type_one_side"]
        self.cutoffs = {"rcut_a": -1.0, "rcut_r": descriptor["rcut"], "rcut_r_smth": descriptor["rcut_smth"]}
        self.width = 4 * sum(self.sel)
        self.m1 = descriptor["neuron"][-1]

    def attributes(self):
        root = "t_" if self.version == "0.12" else "descrpt_attr/"
        tf.constant(self.cutoffs["rcut_r"], name=f"{root}rcut", dtype=tf.float64)
        tf.constant(NTYPES, name=f"{root}ntypes", dtype=tf.int32)
        if self.version == "0.12":
            return
        tf.constant(self.sel, name="descrpt_attr/sel", dtype=tf.int32)
        tf.constant(0, name="fitting_attr/dfparam", dtype=tf.int32)
        tf.constant(0, name="fitting_attr/daparam", dtype=tf.int32)
        tf.constant(" ".join(TYPE_MAP), name="model_attr/tmap")
        tf.constant("ener", name="model_attr/model_type")
        if self.version == "2.0":
            tf.constant("1.0", name="model_attr/model_version")
            tf.constant("compressed_model", name="model_type")
            tf.constant(json.dumps(training_input(self.recipe)), name="train_attr/training_script")

    def placeholders(self):
        self.coord = tf.placeholder(tf.float64, [None], name="t_coord")
        self.type = tf.placeholder(tf.int32, [None], name="t_type")
        self.natoms = tf.placeholder(tf.int32, [NTYPES + 2], name="t_natoms")
        self.box = tf.placeholder(tf.float64, [None, 9], name="t_box")
        self.mesh = tf.placeholder(tf.int32, [None], name="t_mesh")

    def add_bias(self, product, bias):
        # Up to 1.3 a sum, whose shape broadcasts; then BiasAdd.
        return tf.nn.bias_add(product, bias) if self.version == "2.0" else tf.raw_ops.Add(x=product, y=bias, name="add")

    def embedding(self, x, source, suffix):
        """The embedding of numbers x [n, 1], inside its name scope."""
        for layer in (1, 2, 3):
            matrix = self.weights[f"{source}/matrix_{layer}_{suffix}"]
            bias = self.weights[f"{source}/bias_{layer}_{suffix}"].reshape(1, -1)
            matrix, bias = stored(f"matrix_{layer}_{suffix}", matrix), stored(f"bias_{layer}_{suffix}", bias)
            y = tf.tanh(self.add_bias(tf.matmul(x, matrix), bias))
            if matrix.shape[1] == 2 * matrix.shape[0] and layer > 1:
                y = tf.raw_ops.Add(x=tf.concat([x, x], 1), y=y, name="add")
            x = y
        return x

    def tabulated(self, rows, b, start):
        """R^T G of neighbour type b, compressed."""
        part = tf.slice(rows, [0, 4 * start], [-1, 4 * self.sel[b]])
        natom = tf.shape(part)[0]
        x = tf.reshape(tf.slice(tf.reshape(part, [-1, 4]), [0, 0], [-1, 1]), [-1, 1])
        table, info = (self.weights[name] for name in self.tables[b])
        part = tf.reshape(part, [natom, self.sel[b], 4])
        return op_module.tabulate_fusion(table, info, x, part, last_layer_size=self.m1)

    def descriptor(self, rows, centre):
        """The descriptor [natom, M1*M2] of environment rows [natom, 4*nnei] of one centre type, or of all (None)."""
        start, parts = np.concatenate([[0], np.cumsum(self.sel)]), []
        if self.version == "2.0":
            product = self.tabulated(rows, 0, 0)
            for b in range(1, NTYPES):
                product = tf.raw_ops.Add(x=product, y=self.tabulated(rows, b, start[b]), name="add")
        else:
            source = "filter_type_all" if centre is None else f"filter_type_{centre}"
            for b in range(NTYPES):
                part = tf.reshape(tf.slice(rows, [0, 4 * start[b]], [-1, 4 * self.sel[b]]), [-1, 4])
                x = tf.reshape(tf.slice(part, [0, 0], [-1, 1]), [-1, 1])
                parts.append(tf.reshape(self.embedding(x, source, b), [-1, self.sel[b], self.m1]))
            rows = tf.reshape(rows, [-1, sum(self.sel), 4])
            product = tf.matmul(rows, tf.concat(parts, axis=1), transpose_a=True)
        product = product * (4.0 / self.width)
        few = tf.slice(product, [0, 0, 0], [-1, -1, self.axis])
        return tf.reshape(tf.matmul(product, few, transpose_a=True), [-1, self.m1 * self.axis])

    def scope(self, centre):
        if self.version == "2.0":
            return tf.name_scope(None)  # only uncompressed embeddings had a scope
        name = "all" if centre is None else centre
        return tf.name_scope(f"DS_layer_type_{name}" if self.version == "0.12" else f"filter_type_{name}")

    def layer(self, x, name, final=False):
        matrix, bias = self.weights[f"{name}/matrix"], self.weights[f"{name}/bias"]
        if final:
            bias = bias + self.weights["fitting_attr/t_bias_atom_e"][int(name[-1])]
        step = self.weights.get(f"{name}/idt")
        with tf.name_scope(name) as scope:
            y = self.add_bias(tf.matmul(x, stored("matrix", matrix)), stored("bias", bias))
            step = None if step is None else stored("idt", step)
        if final:
            return y
        # Up to 1.3 the activation was outside the scope of its layer.
        with tf.name_scope(scope if self.version == "2.0" else None):
            y = tf.tanh(y) if step is None else tf.tanh(y) * step
        return y if step is None else tf.raw_ops.Add(x=x, y=y, name="add")

    def fitting(self, descriptor, t):
        for k in (0, 1, 2):
            descriptor = self.layer(descriptor, f"layer_{k}_type_{t}")
        return self.layer(descriptor, f"final_layer_type_{t}", final=True)

    def of_type(self, values, t, first, width):
        """Those of values [1, natoms*width] that belong to atoms of type t, which begin with atom `first`."""
        part = tf.slice(values, [0, first * width], [-1, self.natoms[2 + t] * width])
        return tf.reshape(part, [-1, width])

    def atomic_energy(self, rows):
        """Energies [natoms] from environment rows [natoms, 4*nnei]; atoms are sorted by type."""
        if self.one_sided:
            with self.scope(None):
                described = self.descriptor(rows, None)
            width = int(described.shape[1])
            described = tf.reshape(described, [-1, self.natoms[0] * width])
        else:
            described, width = tf.reshape(rows, [-1, self.natoms[0] * self.width]), self.width
        first, out = 0, []
        for t in range(NTYPES):
            part = self.of_type(described, t, first, width)
            if not self.one_sided:
                with self.scope(t):
                    part = self.descriptor(part, t)
            out.append(tf.reshape(self.fitting(part, t), [1, self.natoms[2 + t]]))
            first = first + self.natoms[2 + t]
        return tf.concat(out, axis=1)

    def build(self):
        self.attributes()
        old, scope = self.version == "0.12", "" if self.version == "0.12" else "descrpt_attr/"
        average, deviation = (stored(f"{scope}t_{k}", self.weights[f"descrpt_attr/t_{k}"]) for k in ("avg", "std"))
        self.placeholders()
        natoms, sel = self.natoms, {"sel_a": self.sel, "sel_r": [0] * NTYPES}
        operator = {"0.12": op_module.descrpt_norot, "1.3": op_module.descrpt_se_a, "2.0": op_module.prod_env_mat_a}
        coord, types = tf.reshape(self.coord, [-1, natoms[1] * 3]), tf.reshape(self.type, [-1, natoms[1]])
        environment = operator[self.version](
            coord, types, natoms, self.box, self.mesh, average, deviation, **self.cutoffs, **sel
        )
        rows = tf.reshape(environment[0], [-1, self.width])
        derivative, rij, nlist = environment[1:]
        if not old:
            rows = tf.identity(rows, name="o_rmat")
            derivative = tf.identity(derivative, name="o_rmat_deriv")
            rij, nlist = tf.identity(rij, name="o_rij"), tf.identity(nlist, name="o_nlist")
        energies = tf.reshape(self.atomic_energy(rows), [-1, natoms[0]], name="atom_energy_test" if old else "o_atom_energy")
        tf.reduce_sum(energies, axis=1, name="energy_test" if old else "o_energy")
        slope = tf.reshape(tf.gradients(energies, rows)[0], [-1, natoms[0] * self.width])
        neighbours = {"n_a_sel": sum(self.sel), "n_r_sel": 0}
        force = op_module.prod_force_norot if old else op_module.prod_force_se_a
        virial = op_module.prod_virial_norot if old else op_module.prod_virial_se_a
        force = force(slope, derivative, nlist, natoms, **neighbours)
        virial, atom_virial = virial(slope, derivative, rij, nlist, natoms, **neighbours)
        tf.reshape(force, [-1, 3 * natoms[1]], name="force_test" if old else "o_force")
        tf.reshape(virial, [-1, 9], name="virial_test" if old else "o_virial")
        tf.reshape(atom_virial, [-1, 9 * natoms[1]], name="atom_virial_test" if old else "o_atom_virial")


def compressed(source, folder):
    """The model compressed with a coarse table, so that the file stays small."""
    write_training_data(Path(folder, "data"))
    Path(folder, "input.json").write_text(json.dumps(training_input(RECIPES[source])))
    out = Path(folder, "compressed.pb")
    dp("--tf", "compress", "-i", HERE / f"{source}.pb", "-o", out, "-t", "input.json", "-s", "0.2", cwd=folder)
    return out


def make(number, version, source, folder):
    """Write one generation with its references; the graph of 1.3 is kept converted as well."""
    origin = compressed(source, folder) if version == "2.0" else HERE / f"{source}.pb"
    with tf.Graph().as_default() as graph:
        Builder(version, *constants(origin), RECIPES[source]).build()
        definition = graph.as_graph_def()
        for node in definition.node:
            node.op = node.op.replace("TabulateFusionSeA", "TabulateFusion")  # the gradient goes by its new name
        old = HERE / f"generation_{number}.pb"
        old.write_bytes(definition.SerializeToString(deterministic=True))
    new = Path(HERE if version == "1.3" else folder, f"generation_{number}_converted.pb")
    dp("--tf", "convert-from", version, "-i", old, "-o", new, cwd=folder)
    systems = reference_configurations()
    numbers, expected = reference(new, folder, systems), reference(origin, folder, systems)
    for name, configuration in expected["configurations"].items():
        for key, values in configuration.items():
            difference = np.abs(np.subtract(values, numbers["configurations"][name][key])).max()
            if not difference < 1e-10:
                sys.exit(f"generation_{number}, {name}: {key} differs from {origin.name} by {difference}")
    for path in {old, new} if new.parent == HERE else {old}:
        write_reference(path.name, numbers | {"model": path.name})
        print(path.name, path.stat().st_size, flush=True)


def main():
    set_threads()
    for number, version, source in ((0, "0.12", "two_sided"), (1, "1.3", "one_sided"), (2, "2.0", "one_sided")):
        with tempfile.TemporaryDirectory() as folder:
            make(number, version, source, folder)


if __name__ == "__main__":
    main()
