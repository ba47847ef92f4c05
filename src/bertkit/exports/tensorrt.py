"""Which operators of an ONNX file NVIDIA's TensorRT does not say that it has."""

from __future__ import annotations

from pathlib import Path

from bertkit.config.extras import load_extra

# The published list of its ONNX parser (onnx-tensorrt, docs/operators.md), those that a network of text may have.
OPERATORS = frozenset(
    """
    Abs Add And ArgMax ArgMin Cast Ceil Celu Clip Concat Constant ConstantOfShape Cos Cosh CumSum DequantizeLinear Div
    Dropout Einsum Elu Equal Erf Exp Expand EyeLike Flatten Floor Gather GatherElements GatherND Gelu Gemm Greater
    GreaterOrEqual HardSigmoid HardSwish Identity IsNaN LayerNormalization LeakyRelu Less LessOrEqual Log LogSoftmax
    MatMul Max Mean Min Mod Mul Neg Not OneHot Or Pad Pow PRelu QuantizeLinear Range Reciprocal ReduceL1 ReduceL2
    ReduceLogSum ReduceLogSumExp ReduceMax ReduceMean ReduceMin ReduceProd ReduceSum ReduceSumSquare Relu Reshape Round
    ScatterElements ScatterND Selu Shape Sigmoid Sign Sin Sinh Size Slice Softmax Softplus Softsign Split Sqrt Squeeze
    Sub Sum Tanh ThresholdedRelu Tile TopK Transpose Trilu Unsqueeze Where Xor
    """.split()
)


def unknown_operators(path: Path) -> list[str]:
    """The operators of a file that are not in the list.

    Raises:
        UserError: the library that reads the file is not installed.
    """
    model = load_extra("onnx", "onnx").load(path, load_external_data=False)
    kinds = {f"{node.domain}.{node.op_type}".removeprefix("ai.onnx").removeprefix(".") for node in model.graph.node}
    return sorted(kinds - OPERATORS)
