"""Small ONNX networks with seeded weights, written node by node: what exporters give, without a framework."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from onnx import ModelProto, NodeProto, TensorProto, helper, numpy_helper, save

HEIGHT, WIDTH = 16, 24  # not square: a transposed picture must not go unnoticed


def weights(seed: int = 0, **shapes: tuple[int, ...]) -> list[TensorProto]:
    """Normally distributed float32 weights, by name."""
    rng = np.random.default_rng(seed)
    return [
        numpy_helper.from_array((rng.normal(size=shape) * 0.4).astype(np.float32), name)
        for name, shape in shapes.items()
    ]


def model(
    nodes: list[NodeProto],
    takes: tuple[Any, ...],
    gives: tuple[Any, ...],
    constants: list[TensorProto] | None = None,
    opset: int = 17,
    **changed: Any,
) -> ModelProto:
    """A model from "x" to "y"; a size that is a string is dynamic."""
    graph = helper.make_graph(
        nodes,
        "network",
        changed.pop("inputs", [helper.make_tensor_value_info("x", TensorProto.FLOAT, takes)]),
        changed.pop("outputs", [helper.make_tensor_value_info("y", TensorProto.FLOAT, gives)]),
        constants or [],
    )
    domains = changed.pop("domains", ())
    imports = [helper.make_opsetid("", opset), *(helper.make_opsetid(domain, 1) for domain in domains)]
    return helper.make_model(graph, opset_imports=imports, ir_version=8 if opset < 19 else 10)


def classifier(
    opset: int = 17,
    *,
    channels: int = 3,
    classes: int = 5,
    batch: int | str = 1,
    activation: str | None = "Softmax",
    flat: bool = True,
    channels_last: bool = False,
) -> ModelProto:
    """Convolutions, an asymmetric pad, pools, then a dense layer, or (not `flat`) a convolution to (1, K, 1, 1)."""
    constants = weights(K1=(4, channels, 3, 3), B1=(4,), K2=(6, 4, 3, 3), B2=(6,))
    nodes = [
        helper.make_node("Conv", ["p", "K1", "B1"], ["c1"], strides=[2, 2], pads=[0, 0, 1, 1]),
        helper.make_node("Relu", ["c1"], ["r1"]),
        helper.make_node("MaxPool", ["r1"], ["m"], kernel_shape=[2, 2], strides=[2, 2], ceil_mode=1),
        helper.make_node("Conv", ["m", "K2", "B2"], ["c2"], pads=[1, 1, 1, 1]),
        helper.make_node("Relu", ["c2"], ["r2"]),
    ]
    before = helper.make_node("Transpose", ["x"], ["p"], perm=[0, 3, 1, 2]) if channels_last else None
    nodes.insert(0, before or helper.make_node("Identity", ["x"], ["p"]))
    if flat:
        constants += weights(1, D=(6, classes), E=(classes,))
        nodes += [
            helper.make_node("GlobalAveragePool", ["r2"], ["g"]),
            helper.make_node("Flatten", ["g"], ["f"]),
            helper.make_node("Gemm", ["f", "D", "E"], ["l"]),
        ]
    else:
        constants += weights(1, K3=(classes, 6, 1, 1), B3=(classes,))
        nodes += [
            helper.make_node("Conv", ["r2", "K3", "B3"], ["c3"]),
            helper.make_node("GlobalAveragePool", ["c3"], ["l"]),
        ]
    ends = {"axis": 1} if activation == "Softmax" else {}
    nodes.append(helper.make_node(activation or "Identity", ["l"], ["y"], **ends))
    picture = (batch, HEIGHT, WIDTH, channels) if channels_last else (batch, channels, HEIGHT, WIDTH)
    return model(nodes, picture, (batch, classes) if flat else (batch, classes, 1, 1), constants, opset)


def segmenter(
    opset: int = 17,
    *,
    up: str = "transposed",
    masks: int = 1,
    batch: int | str = "N",
    activation: str | None = "Sigmoid",
) -> ModelProto:
    """A U of two levels; `up` is "transposed" or a mode of Resize: "nearest", "linear"."""
    constants = weights(
        K1=(4, 1, 3, 3), B1=(4,), K2=(4, 4, 3, 3), B2=(4,), K3=(masks, 8, 1, 1), B3=(masks,), KT=(4, 4, 2, 2)
    )
    constants.append(numpy_helper.from_array(np.float32([1, 1, 2, 2]), "scales"))
    ways = {
        "transposed": helper.make_node("ConvTranspose", ["r2", "KT"], ["u"], strides=[2, 2]),
        "linear": helper.make_node(
            "Resize", ["r2", "", "scales"], ["u"], mode="linear", coordinate_transformation_mode="half_pixel"
        ),
        "nearest": helper.make_node(
            "Resize",
            ["r2", "", "scales"],
            ["u"],
            mode="nearest",
            coordinate_transformation_mode="asymmetric",
            nearest_mode="floor",
        ),
    }
    if opset < 13:  # there, no region of interest is an empty one
        constants.append(numpy_helper.from_array(np.float32([]), "roi"))
        for way in ways.values():
            way.input[:] = ["roi" if name == "" else name for name in way.input]
    nodes = [
        helper.make_node("Conv", ["x", "K1", "B1"], ["c1"], pads=[1] * 4),
        helper.make_node("Relu", ["c1"], ["r1"]),
        helper.make_node("MaxPool", ["r1"], ["m"], kernel_shape=[2, 2], strides=[2, 2]),
        helper.make_node("Conv", ["m", "K2", "B2"], ["c2"], pads=[1] * 4),
        helper.make_node("Relu", ["c2"], ["r2"]),
        ways[up],
        helper.make_node("Concat", ["u", "r1"], ["j"], axis=1),
        helper.make_node("Conv", ["j", "K3", "B3"], ["l"]),
        helper.make_node(activation or "Identity", ["l"], ["y"]),
    ]
    used = {name for node in nodes for name in node.input}
    constants = [tensor for tensor in constants if tensor.name in used]
    return model(nodes, (batch, 1, HEIGHT, WIDTH), (batch, masks, HEIGHT, WIDTH), constants, opset)


def without_last_activation(proto: ModelProto) -> ModelProto:
    """The same network up to its logits."""
    logits = type(proto)()
    logits.CopyFrom(proto)
    last = logits.graph.node[-1]
    last.op_type = "Identity"
    del last.attribute[:]
    return logits


def written(proto: ModelProto, path: Path, **options: Any) -> Path:
    """Saved as `path`."""
    save(proto, path, **options)
    return path


def external(folder: Path) -> Path:
    """A classifier whose weights lie in weights.bin beside it."""
    return written(
        classifier(), folder / "m.onnx", save_as_external_data=True, location="weights.bin", size_threshold=0
    )


def one(operator: str, *, domain: str = "", **attributes: Any) -> ModelProto:
    """A network of one operator that keeps the shape."""
    node = helper.make_node(operator, ["x"], ["y"], domain=domain, **attributes)
    shape = (1, 3, HEIGHT, WIDTH)
    return model([node], shape, shape, domains=(domain,) if domain else ())


def of_type(elem_type: int) -> ModelProto:
    """Its input and output are of this type."""
    shape = (1, 3, HEIGHT, WIDTH)
    ends = {
        "inputs": [helper.make_tensor_value_info("x", elem_type, shape)],
        "outputs": [helper.make_tensor_value_info("y", elem_type, shape)],
    }
    return model([helper.make_node("Identity", ["x"], ["y"])], shape, shape, **ends)


def float16() -> ModelProto:
    """A classifier with weights of half precision."""
    proto = classifier()
    for tensor in list(proto.graph.initializer):
        half = numpy_helper.from_array(numpy_helper.to_array(tensor).astype(np.float16), tensor.name)
        tensor.CopyFrom(half)
    return proto


def two_inputs() -> ModelProto:
    shape = (1, 1, HEIGHT, WIDTH)
    inputs = [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name in ("x", "second")]
    return model([helper.make_node("Add", ["x", "second"], ["y"])], shape, shape, inputs=inputs)


def two_outputs() -> ModelProto:
    shape = (1, 1, HEIGHT, WIDTH)
    outputs = [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name in ("y", "second")]
    nodes = [helper.make_node("Relu", ["x"], ["y"]), helper.make_node("Neg", ["x"], ["second"])]
    return model(nodes, shape, shape, outputs=outputs)


def quantized() -> ModelProto:
    """As quantizers of ONNX leave it: QuantizeLinear and back."""
    scale, zero = numpy_helper.from_array(np.float32(0.1), "s"), numpy_helper.from_array(np.uint8(0), "z")
    nodes = [
        helper.make_node("QuantizeLinear", ["x", "s", "z"], ["q"]),
        helper.make_node("DequantizeLinear", ["q", "s", "z"], ["y"]),
    ]
    shape = (1, 1, HEIGHT, WIDTH)
    return model(nodes, shape, shape, [scale, zero])


def taking(*shape: Any) -> ModelProto:
    """A network of one operator, of any input shape."""
    return model([helper.make_node("Relu", ["x"], ["y"])], shape, shape)


def empty_weights() -> ModelProto:
    node = helper.make_node("Conv", ["x", "K"], ["y"])
    return model([node], (1, 1, HEIGHT, WIDTH), (1, 0, HEIGHT, WIDTH), weights(K=(0, 1, 1, 1)))
