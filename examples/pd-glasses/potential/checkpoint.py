#!/usr/bin/env python3
"""Weights of one checkpoint of deepmd-kit's TensorFlow backend moved into another: checkpoint.py SOURCE TARGET.

Run it with the Python of deepmd-kit's environment. SOURCE and TARGET are prefixes (model.ckpt-1000); TARGET is a training of
the same network that may have more slots for neighbours (`sel`) and another precision. The network that it holds
afterwards is the same function, for atoms whose neighbours fit into both: sums over neighbours are divided by the number of
slots, so the first layer of the fitting networks, whose inputs are products of two such sums, is multiplied by the square of
the ratio. This needs `set_davg_zero`, with which empty slots add nothing. The state of the optimizer stays TARGET's.
"""

import sys

import numpy as np
import tensorflow as tf

STATISTICS = ("descrpt_attr/t_avg", "descrpt_attr/t_std")


def widened(name, values, shape):
    """Mean or standard deviation [n_types, 4 * slots] for another number of slots; it does not depend on the slot."""
    rows = values.reshape(len(values), -1, 4)
    if not (rows == rows[:, :1]).all():
        raise SystemExit(f"checkpoint.py: {name} differs from slot to slot; was this a training with set_davg_zero?")
    return np.tile(rows[:, 0], (1, shape[1] // 4))


def main():
    source, target = (tf.train.load_checkpoint(prefix) for prefix in sys.argv[1:3])
    if source.get_tensor(STATISTICS[0]).any():
        raise SystemExit("checkpoint.py: SOURCE was trained without set_davg_zero, so its slots cannot be changed")
    shapes, kinds = target.get_variable_to_shape_map(), target.get_variable_to_dtype_map()
    slots = [reader.get_variable_to_shape_map()[STATISTICS[0]][1] for reader in (source, target)]
    names, values = sorted(shapes), []
    for name in names:
        value = target.get_tensor(name)
        if "Adam" not in name and name != "global_step" and "beta" not in name:
            value = source.get_tensor(name)
            if name in STATISTICS:
                value = widened(name, value, shapes[name])
            elif name.startswith("layer_0_type_") and name.endswith("/matrix"):
                value = value * (slots[1] / slots[0]) ** 2
            if list(value.shape) != list(shapes[name]):
                raise SystemExit(f"checkpoint.py: {name} has shape {value.shape} in SOURCE and {shapes[name]} in TARGET")
        values.append(tf.cast(value, kinds[name]))
    del target
    tf.raw_ops.SaveV2(prefix=sys.argv[2], tensor_names=names, shape_and_slices=[""] * len(names), tensors=values)


if __name__ == "__main__":
    main()
