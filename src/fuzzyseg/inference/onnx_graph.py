"""A network as an ONNX graph, written node by node: in milliseconds, for any size of image.

torch's own exporter takes seconds, more than a volume takes to segment.
"""

from __future__ import annotations

import operator
from typing import TYPE_CHECKING, Any

import torch
from torch import fx, nn

from fuzzyseg.networks.layers import cropped
from fuzzyseg.networks.shuffle_unet import space_to_depth
from fuzzyseg.networks.two_stage import (
    LEAST,
    first_channel,
    other_channels,
    raise_first,
    scaled_memberships,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    import onnx
    from torch import Tensor

    from fuzzyseg.networks.architecture import Architecture

# 17 has all that is needed, and readers of 2022 know it.
_OPSET, _IR_VERSION = 17, 8
_SPACE = "xyz"


def onnx_graph(
    network: nn.Module, architecture: Architecture, metadata: Mapping[str, str] | None = None
) -> onnx.ModelProto:
    """Write a network and the softmax after it, in evaluation mode.

    Parameters
    ----------
    network : nn.Module
        Of convolutions, batch normalisations, (leaky) ReLUs, pooling, sums and concatenations.
    architecture : Architecture
    metadata : mapping of str to str, optional
        Goes into the graph's metadata.

    Returns
    -------
    onnx.ModelProto
        Input "image" (batch, channels, x, y[, z]), output "memberships" (batch, classes, ...);
        sizes other than channels and classes are free.

    Raises
    ------
    NotImplementedError
        If the network has a layer that this file does not know.
    """
    from onnx import TensorProto, helper

    writer = _Writer(network, architecture)
    traced = fx.Tracer().trace(network)
    for node in traced.nodes:
        writer.write(node)
    space = list(_SPACE[: architecture.dims])

    def described(name: str, channels: int) -> Any:
        return helper.make_tensor_value_info(name, TensorProto.FLOAT, ["batch", channels, *space])

    graph = helper.make_graph(
        writer.nodes,
        architecture.network,
        [described("image", architecture.in_channels)],
        [described("memberships", len(architecture.classes))],
        list(writer.constants.values()),
    )
    made: onnx.ModelProto = helper.make_model(
        graph,
        opset_imports=[helper.make_opsetid("", _OPSET)],
        ir_version=_IR_VERSION,
        producer_name="fuzzyseg",
    )
    if metadata:
        helper.set_model_props(made, dict(metadata))
    return made


class _Writer:
    """Turns the steps of a traced network into nodes and constants."""

    def __init__(self, network: nn.Module, architecture: Architecture) -> None:
        self.network, self.dims = network, architecture.dims
        self.channels = {"image": architecture.in_channels}
        self.classes = len(architecture.classes)
        self.nodes: list[Any] = []
        self.constants: dict[str, Any] = {}

    def write(self, node: fx.Node) -> None:
        name, inputs = node.name, [self._name(a) for a in _flat(node.args)]
        if node.op == "placeholder":
            return
        if node.op == "output":
            self._add("Softmax", inputs, "memberships", axis=1)
        elif node.op == "call_module":
            prefix = str(node.target)
            self._module(self.network.get_submodule(prefix), prefix, inputs, name)
        elif node.target is torch.relu:
            self._add("Relu", inputs, name)
        elif node.target is operator.add:
            self._add("Add", inputs, name)
        elif node.target is torch.cat and node.kwargs.get("dim") == 1:
            self._add("Concat", inputs, name, axis=1)
        elif node.target is cropped:
            self._crop(inputs[0], inputs[1], name)
        elif node.target is space_to_depth and inputs[0] in self.channels:
            self._space_to_depth(inputs[0], name)
        elif node.target is first_channel:
            self.channels[name] = 1
            self._channels(inputs[0], (0, 1), name)
        elif node.target is other_channels:
            self._channels(inputs[0], (1, self.channels[inputs[0]]), name)
        elif node.target is scaled_memberships:
            self._scale_memberships(inputs[0], name)
        elif node.target is raise_first:
            self._raise_first(inputs[0], inputs[1], name)
        else:
            raise NotImplementedError(f"no ONNX node is written for {node.format_node()}")

    def _module(self, module: nn.Module, prefix: str, inputs: list[str], name: str) -> None:
        match module:
            case nn.Conv2d() | nn.Conv3d() if module.padding_mode == "zeros":
                self._convolution("Conv", module, prefix, inputs, name)
            case nn.ConvTranspose2d() | nn.ConvTranspose3d():
                self._convolution("ConvTranspose", module, prefix, inputs, name)
            case nn.BatchNorm2d() | nn.BatchNorm3d():
                parts = ("weight", "bias", "running_mean", "running_var")
                inputs += [self._constant(f"{prefix}.{p}", getattr(module, p)) for p in parts]
                self._add("BatchNormalization", inputs, name, epsilon=module.eps)
            case nn.ReLU():
                self._add("Relu", inputs, name)
            case nn.LeakyReLU():
                self._add("LeakyRelu", inputs, name, alpha=module.negative_slope)
            case nn.MaxPool2d() | nn.MaxPool3d():
                self._add(
                    "MaxPool",
                    inputs,
                    name,
                    kernel_shape=self._sides(module.kernel_size),
                    strides=self._sides(module.stride),
                    ceil_mode=int(module.ceil_mode),
                )
            case _:
                raise NotImplementedError(f"no ONNX node is written for {module}")

    def _convolution(
        self, kind: str, module: Any, prefix: str, inputs: list[str], name: str
    ) -> None:
        inputs.append(self._constant(f"{prefix}.weight", module.weight))
        if module.bias is not None:
            inputs.append(self._constant(f"{prefix}.bias", module.bias))
        self._add(
            kind,
            inputs,
            name,
            kernel_shape=list(module.kernel_size),
            strides=list(module.stride),
            pads=2 * list(module.padding),
            dilations=list(module.dilation),
            group=module.groups,
        )

    def _crop(self, x: str, like: str, name: str) -> None:
        axes = torch.arange(2, 2 + self.dims)
        self._add("Shape", [like], f"{name}.size", start=2)
        first = self._constant(f"{name}.first", torch.zeros_like(axes))
        last = self._constant(f"{name}.axes", axes)
        self._add("Slice", [x, first, f"{name}.size", last], name)

    def _channels(self, x: str, these: tuple[int, int], name: str) -> None:
        ends = {"first": these[0], "last": these[1], "axis": 1}
        ones = [self._constant(f"{name}.{k}", torch.tensor([n])) for k, n in ends.items()]
        self._add("Slice", [x, *ones], name)

    def _scale_memberships(self, x: str, name: str) -> None:
        least = self._constant(f"{name}.least", torch.tensor(LEAST))
        minus, one = (self._constant(f"{name}.{k}", torch.tensor(k)) for k in (-LEAST, 1.0))
        self._add("LogSoftmax", [x], f"{name}.log", axis=1)
        self._add("Clip", [f"{name}.log", least], f"{name}.clipped")
        self._add("Div", [f"{name}.clipped", minus], f"{name}.relative")
        self._add("Add", [f"{name}.relative", one], name)

    def _raise_first(self, x: str, by: str, name: str) -> None:
        pads = torch.zeros(2, 2 + self.dims, dtype=torch.int64)
        pads[1, 1] = self.classes - 1
        self._add("Pad", [by, self._constant(f"{name}.pads", pads.flatten())], f"{name}.padded")
        self._add("Add", [x, f"{name}.padded"], name)

    def _space_to_depth(self, x: str, name: str) -> None:
        """Write a convolution whose kernels are 1 at one voxel: ONNX's own node is for 2-D only."""
        cell, channels = 2**self.dims, self.channels[x]
        kernels = torch.zeros(channels, cell, channels, cell)
        for channel in range(channels):
            kernels[channel, :, channel] = torch.eye(cell)
        sides = [2] * self.dims
        kernels = kernels.reshape(channels * cell, channels, *sides)
        self._add(
            "Conv",
            [x, self._constant(f"{name}.kernels", kernels)],
            name,
            kernel_shape=sides,
            strides=sides,
            pads=[0] * self.dims + [1] * self.dims,  # an odd size gets a zero at its far end
        )

    def _sides(self, size: int | tuple[int, ...]) -> list[int]:
        return [size] * self.dims if isinstance(size, int) else list(size)

    def _constant(self, name: str, tensor: Tensor | None) -> str:
        from onnx import numpy_helper

        if tensor is None:
            raise NotImplementedError(f"no ONNX node is written without {name}")
        if name not in self.constants:
            self.constants[name] = numpy_helper.from_array(tensor.detach().cpu().numpy(), name)
        return name

    def _add(self, kind: str, inputs: list[str], output: str, **attributes: Any) -> None:
        from onnx import helper

        self.nodes.append(helper.make_node(kind, inputs, [output], name=output, **attributes))

    def _name(self, argument: Any) -> str:
        return "image" if argument.op == "placeholder" else argument.name


def _flat(arguments: tuple[Any, ...]) -> list[fx.Node]:
    """Nodes among the arguments of a step, those in lists too."""
    found: list[fx.Node] = []
    for a in arguments:
        found += _flat(tuple(a)) if isinstance(a, list | tuple) else [a] * isinstance(a, fx.Node)
    return found
