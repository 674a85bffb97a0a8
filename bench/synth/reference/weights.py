"""The published weights: TensorFlow Lite flatbuffers, read into the two networks without TensorFlow.

Format: the schema of TensorFlow Lite 3 (package `tflite`). Large weights are int8 with one float scale a tensor and zero point 0;
dense weights are stored [out, in], convolutions [out, 1, k, in], transposed ones [out, k, 1, in]. Where the converter merged equal
constants, a convolution's own name may stand on its zero bias, and its weights have a `1` behind the name.
"""

import struct
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np
import tflite
import torch
from torch import Tensor

from indextts_hub.errors import IntegrityError
from reference.model import FastSpeech2
from reference.vocoder import DILATIONS, UPSAMPLING, Vocoder

__all__ = ["Constant", "load_acoustic_model", "load_vocoder", "read_constants"]

Network = TypeVar("Network", bound=torch.nn.Module)

BIAS = "BiasAdd/ReadVariableOp/resource"


def load_acoustic_model(path: Path) -> FastSpeech2:
    """Read FastSpeech 2 from a `.tflite` file.

    Raises:
        IntegrityError: E_WEIGHTS, if a tensor is missing or has another shape.
    """
    found = Constants(path)
    state = {
        "symbols.weight": found["embeddings/Gather/resource"].real,
        "positions.weight": found["embeddings/position_embeddings/Gather/resource"].real,
    }
    for coder in ("encoder", "decoder"):
        for number in range(3):
            state |= _layer(found, f"{coder}/layer_._{number}", f"{coder}.{number}")
    for name, sequence, dense in (("f0", 6, 5), ("energy", 7, 6), ("duration", 8, 7)):
        state |= _predictor(found, f"{name}_predictor", f"sequential_{sequence}", f"dense_{dense}", name)
    for name in ("f0", "energy"):
        state |= _conv(found, f"{name}_embeddings", f"{name}_embedding")
    state |= _dense(found, "mel_before", "mel")
    for number in range(5):
        state |= _folded_conv(found, number)
    return _filled(FastSpeech2(), state, path)


def load_vocoder(path: Path) -> Vocoder:
    """Read the multi-band MelGAN and its synthesis filters from a `.tflite` file.

    Raises:
        IntegrityError: E_WEIGHTS, if a tensor is missing or has another shape.
    """
    found = Constants(path)
    top = "sequential_4"
    state = _real_conv(found, f"{top}/conv1d", "first") | _real_conv(found, f"{top}/conv1d_25", "last")
    state["synthesis.weight"] = found.conv("conv1d;PartitionedCall").real
    number = 1
    for stage in range(len(UPSAMPLING)):
        at = f"{top}/conv_transpose_._{stage}/conv2d_transpose{f'_{stage}' if stage else ''}"
        state[f"stages.{stage}.up.weight"] = found[f"{at}/conv2d_transpose"].real[:, :, 0].permute(2, 0, 1)
        state[f"stages.{stage}.up.bias"] = found[f"{at}/{BIAS}"].real
        for depth in range(len(DILATIONS)):
            at, to = f"{top}/residual_stack_._{stage}._._{depth}", f"stages.{stage}.stacks.{depth}"
            state |= _real_conv(found, f"{at}/conv1d_{number}", f"{to}.dilated")
            state |= _real_conv(found, f"{at}/shortcut", f"{to}.shortcut")
            state[f"{to}.pointwise.weight"] = found.conv(f"{at}/conv1d_{number + 1}").real
            # Both biases are added to one sum, so training moved them alike; where they came out equal, the file keeps one.
            own, shared = f"{at}/conv1d_{number + 1}/{BIAS}", f"{at}/shortcut/{BIAS}"
            state[f"{to}.pointwise.bias"] = found[own if own in found else shared].real
            number += 2
    return _filled(Vocoder(), state, path)


@dataclass(frozen=True, slots=True)
class Constant:
    """A tensor as it stands in the file: float32 values, whole numbers where it was int8, and what one step of them is worth."""

    values: Tensor
    scale: float = 1.0

    @property
    def real(self) -> Tensor:
        """The values as the network means them."""
        return self.values * self.scale


def read_constants(path: Path) -> Mapping[str, Constant]:
    """Read every float and int8 constant of a `.tflite` file, by each of its names.

    Raises:
        IntegrityError: E_WEIGHTS, if the file is no TensorFlow Lite model.
    """
    body = path.read_bytes()
    if body[4:8] != b"TFL3":
        raise _refused(path, "it is no TensorFlow Lite model")
    try:
        model = tflite.Model.GetRootAsModel(body, 0)
        graph = model.Subgraphs(0)
        found: dict[str, Constant] = {}
        for tensor in (graph.Tensors(i) for i in range(graph.TensorsLength())):
            constant = _constant(model, tensor)
            if constant is not None:
                name = tensor.Name().decode()
                found |= dict.fromkeys((name, *name.split(";")), constant)
    # What the flatbuffer's accessors raise on offsets that lead nowhere.
    except (AttributeError, IndexError, OverflowError, TypeError, ValueError, struct.error) as error:
        raise _refused(path, f"it can't be read: {error}") from None
    return found


class Constants:
    """The constants of a file by name, and a missing one as an error that names it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.by_name = read_constants(path)

    def __contains__(self, name: str) -> bool:
        return name in self.by_name

    def __getitem__(self, name: str) -> Constant:
        try:
            return self.by_name[name]
        except KeyError:
            raise _refused(self.path, f"it has no tensor {name}") from None

    def conv(self, name: str) -> Constant:
        """A convolution's weights as torch wants them, [out, in, k]."""
        weight = self[f"{name}/conv1d1" if f"{name}/conv1d1" in self else f"{name}/conv1d"]
        if weight.values.dim() != 4:
            raise _refused(self.path, f"{name} is no convolution")
        return Constant(weight.values[:, 0].transpose(1, 2), weight.scale)


def _constant(model: "tflite.Model", tensor: "tflite.Tensor") -> Constant | None:
    buffer = model.Buffers(tensor.Buffer())
    kinds = {tflite.TensorType.FLOAT32: np.float32, tflite.TensorType.INT8: np.int8}
    if buffer.DataLength() == 0 or tensor.Type() not in kinds:
        return None
    shape = [tensor.Shape(i) for i in range(tensor.ShapeLength())]
    raw = np.frombuffer(buffer.DataAsNumpy().tobytes(), kinds[tensor.Type()]).reshape(shape)
    values = torch.from_numpy(raw.astype(np.float32))
    if raw.dtype == np.float32:
        return Constant(values)
    quantization = tensor.Quantization()
    if quantization.ScaleLength() != 1:
        raise ValueError(f"{tensor.Name().decode()} has {quantization.ScaleLength()} scales")
    return Constant(values, float(quantization.Scale(0)))


def _layer(found: Constants, at: str, to: str) -> dict[str, Tensor]:
    qkv = [_dense(found, f"{at}/attention/self/{name}", "part") for name in ("query", "key", "value")]
    return {
        **{f"{to}.qkv.{kind}": torch.cat([part[f"part.{kind}"] for part in qkv]) for kind in ("weight", "scale", "bias")},
        **_dense(found, f"{at}/attention/output/dense", f"{to}.out"),
        **_norm(found, f"{at}/attention/output/LayerNorm", f"{to}.norm1"),
        **_conv(found, f"{at}/intermediate/conv1d_1", f"{to}.conv1"),
        **_conv(found, f"{at}/intermediate/conv1d_2", f"{to}.conv2"),
        **_norm(found, f"{at}/output/LayerNorm", f"{to}.norm2"),
    }


def _predictor(found: Constants, at: str, sequence: str, dense: str, to: str) -> dict[str, Tensor]:
    return {
        **_conv(found, f"{at}/{sequence}/conv_._0", f"{to}.conv1"),
        **_norm(found, f"{at}/{sequence}/LayerNorm_._0", f"{to}.norm1"),
        **_conv(found, f"{at}/{sequence}/conv_._1", f"{to}.conv2"),
        **_norm(found, f"{at}/{sequence}/LayerNorm_._1", f"{to}.norm2"),
        f"{to}.out.weight": found[f"{at}/{dense}/Tensordot/MatMul"].real,
        f"{to}.out.bias": found[f"{at}/{dense}/{BIAS}"].real,
    }


def _dense(found: Constants, at: str, to: str) -> dict[str, Tensor]:
    return _integers(found[f"{at}/Tensordot/MatMul"], found[f"{at}/{BIAS}"].real, to)


def _conv(found: Constants, at: str, to: str) -> dict[str, Tensor]:
    return _integers(found.conv(at), found[f"{at}/{BIAS}"].real, to)


def _integers(weight: Constant, bias: Tensor, to: str) -> dict[str, Tensor]:
    return {f"{to}.weight": weight.values, f"{to}.scale": torch.full_like(bias, weight.scale), f"{to}.bias": bias}


def _folded_conv(found: Constants, number: int) -> dict[str, Tensor]:
    """A convolution of the postnet with the batch normalisation behind it: gain and shift of each channel."""
    to = f"postnet.convs.{number}"
    conv = _conv(found, f"postnet/conv_._{number}", to)
    gain, shift = (found[f"postnet/batch_norm_._{number}/batchnorm/{name}"].real.flatten() for name in ("mul", "sub"))
    return {
        f"{to}.weight": conv[f"{to}.weight"],
        f"{to}.scale": conv[f"{to}.scale"] * gain,
        f"{to}.bias": conv[f"{to}.bias"] * gain + shift,
    }


def _real_conv(found: Constants, at: str, to: str) -> dict[str, Tensor]:
    return {f"{to}.weight": found.conv(at).real, f"{to}.bias": found[f"{at}/{BIAS}"].real}


def _norm(found: Constants, at: str, to: str) -> dict[str, Tensor]:
    return {
        f"{to}.weight": found[f"{at}/batchnorm/mul/ReadVariableOp/resource"].real,
        f"{to}.bias": found[f"{at}/batchnorm/ReadVariableOp/resource"].real,
    }


def _filled(network: Network, state: dict[str, Tensor], path: Path) -> Network:
    try:
        network.load_state_dict({name: value.contiguous() for name, value in state.items()})
    except RuntimeError as error:
        raise _refused(path, " ".join(str(error).split())[:300]) from None
    network.eval().requires_grad_(requires_grad=False)
    return network


def _refused(path: Path, why: str) -> IntegrityError:
    return IntegrityError(
        f"{path.name} does not hold the weights this engine knows: {why}",
        remedy="run `indextts-hub verify --repair` on the version, or choose its right engine",
        code="E_WEIGHTS",
    )
