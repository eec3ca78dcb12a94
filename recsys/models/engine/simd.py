"""Sixteen floats at a time inside numba functions: a vector type with the few operations that training needs.

LLVM splits the vectors for machines whose registers are narrower. Addresses are plain integers, in bytes; the caller
answers for their being inside an array and aligned to 64.
"""

import operator
from collections.abc import Callable
from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic, lower_builtin, models, register_model, type_callable

LANES = 16
BYTES = 4 * LANES
FLOAT = ir.FloatType()
VECTOR = ir.VectorType(FLOAT, LANES)
FAST = ("fast",)


class Lanes(types.Type):
    """The numba type of sixteen float32."""

    def __init__(self) -> None:
        super().__init__(name="Lanes")


lanes = Lanes()


@register_model(Lanes)
class _LanesModel(models.PrimitiveModel):
    def __init__(self, manager: Any, of: Any) -> None:
        super().__init__(manager, of, VECTOR)


def _pointer(builder: Any, address: Any, of: Any) -> Any:
    return builder.inttoptr(address, of.as_pointer())


@intrinsic
def load(_: Any, address: Any) -> Any:
    """The vector at an address."""

    def code(__: Any, builder: Any, ___: Any, args: Any) -> Any:
        return builder.load(_pointer(builder, args[0], VECTOR), align=BYTES)

    return lanes(types.int64), code


@intrinsic
def whole(_: Any, address: Any) -> Any:
    """The int32 at an address, as int64."""

    def code(__: Any, builder: Any, ___: Any, args: Any) -> Any:
        return builder.sext(builder.load(_pointer(builder, args[0], ir.IntType(32))), ir.IntType(64))

    return types.int64(types.int64), code


@intrinsic
def real(_: Any, address: Any) -> Any:
    """The float32 at an address."""

    def code(__: Any, builder: Any, ___: Any, args: Any) -> Any:
        return builder.load(_pointer(builder, args[0], FLOAT))

    return types.float32(types.int64), code


@intrinsic
def store(_: Any, address: Any, value: Any) -> Any:
    """Puts a vector at an address."""

    def code(context: Any, builder: Any, ___: Any, args: Any) -> Any:
        builder.store(args[1], _pointer(builder, args[0], VECTOR), align=BYTES)
        return context.get_dummy_value()

    return types.void(types.int64, lanes), code


@intrinsic
def put(_: Any, address: Any, value: Any) -> Any:
    """Puts a float32 at an address."""

    def code(context: Any, builder: Any, ___: Any, args: Any) -> Any:
        builder.store(args[1], _pointer(builder, args[0], FLOAT))
        return context.get_dummy_value()

    return types.void(types.int64, types.float32), code


@intrinsic
def splat(_: Any, value: Any) -> Any:
    """The same float32 in all lanes."""

    def code(__: Any, builder: Any, ___: Any, args: Any) -> Any:
        one = builder.insert_element(ir.Constant(VECTOR, ir.Undefined), args[0], ir.Constant(ir.IntType(32), 0))
        first = ir.Constant(ir.VectorType(ir.IntType(32), LANES), [0] * LANES)
        return builder.shuffle_vector(one, ir.Constant(VECTOR, ir.Undefined), first)

    return lanes(types.float32), code


@intrinsic
def total(_: Any, value: Any) -> Any:
    """The sum of the lanes."""

    def code(__: Any, builder: Any, ___: Any, args: Any) -> Any:
        width, rest = LANES, args[0]
        while width > 1:
            width //= 2
            kind = ir.VectorType(ir.IntType(32), width)
            low = builder.shuffle_vector(rest, rest, ir.Constant(kind, list(range(width))))
            high = builder.shuffle_vector(rest, rest, ir.Constant(kind, list(range(width, 2 * width))))
            rest = builder.fadd(low, high, flags=FAST)
        return builder.extract_element(rest, ir.Constant(ir.IntType(32), 0))

    return types.float32(lanes), code


@intrinsic
def root(_: Any, value: Any) -> Any:
    """Square roots."""

    def code(__: Any, builder: Any, ___: Any, args: Any) -> Any:
        kind = ir.FunctionType(VECTOR, [VECTOR])
        sqrt = cgutils.get_or_insert_function(builder.module, kind, f"llvm.sqrt.v{LANES}f32")
        return builder.call(sqrt, [args[0]], fastmath=FAST)

    return lanes(lanes), code


@intrinsic
def over_root(_: Any, value: Any, square: Any) -> Any:
    """value / sqrt(square) of two float32."""

    def code(__: Any, builder: Any, ___: Any, args: Any) -> Any:
        sqrt = cgutils.get_or_insert_function(builder.module, ir.FunctionType(FLOAT, [FLOAT]), "llvm.sqrt.f32")
        return builder.fdiv(args[0], builder.call(sqrt, [args[1]], fastmath=FAST), flags=FAST)

    return types.float32(types.float32, types.float32), code


@intrinsic
def prefetch(_: Any, address: Any) -> Any:
    """Asks for the cache line at an address, which will be read and written soon."""

    def code(context: Any, builder: Any, ___: Any, args: Any) -> Any:
        byte, number = ir.IntType(8).as_pointer(), ir.IntType(32)
        kind = ir.FunctionType(ir.VoidType(), [byte, number, number, number])
        function = cgutils.get_or_insert_function(builder.module, kind, "llvm.prefetch.p0")
        hints = [ir.Constant(number, value) for value in (0, 3, 1)]
        builder.call(function, [builder.inttoptr(args[0], byte), *hints])
        return context.get_dummy_value()

    return types.void(types.int64), code


def _operation(operation: Callable[..., Any], instruction: str) -> None:
    @type_callable(operation)
    def typed(_: Any) -> Any:
        return lambda a, b: lanes if a is lanes and b is lanes else None

    @lower_builtin(operation, Lanes, Lanes)
    def lowered(_: Any, builder: Any, __: Any, args: Any) -> Any:
        return getattr(builder, instruction)(args[0], args[1], flags=FAST)


_operation(operator.add, "fadd")
_operation(operator.sub, "fsub")
_operation(operator.mul, "fmul")
_operation(operator.truediv, "fdiv")
