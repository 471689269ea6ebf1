"""How a model becomes INT8, as data: the grammar of `convert/recipes/*.json`, and the one place that checks it.

    {"name": "careful_gates", "weights": "int8 per channel", "activations": "int8", "quantizer": "auto",
     "higher_precision": [{"match": "re:/gate_\\\\d+/", "precision": "float32"}]}

Whatever a recipe says, the file's input and output stay INT8: the device writes `pixel XOR 0x80` (docs/adr/0002).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from importlib import resources
from pathlib import Path
from typing import Literal, TypeAlias

import msgspec

from convert.errors import RecipeError

QuantizerName: TypeAlias = Literal["tflite-converter", "litert-quantizer"]
Precision: TypeAlias = Literal["float32", "int16"]

REGEX = "re:"  # a rule's match that begins so is a regular expression, searched for in the name of the tensor


class Rule(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Operators that compute in more than INT8, told by the name of the tensor that they give.

    `match` is that name whole, or a layer's (a part between two "/" of it), or "re:" and a regular expression.
    """

    match: str
    precision: Precision

    def __post_init__(self) -> None:
        if not self.match.removeprefix(REGEX).strip():
            raise ValueError("match names nothing: give a layer, a tensor or re:EXPRESSION")
        if self.match.startswith(REGEX):
            try:
                re.compile(self.match.removeprefix(REGEX))
            except re.error as error:
                raise ValueError(f"{self.match} is no regular expression: {error}") from error

    def covers(self, tensor: str) -> bool:
        """Whether the operator that gives `tensor` is meant."""
        if self.match.startswith(REGEX):
            return re.search(self.match.removeprefix(REGEX), tensor) is not None
        return self.match == tensor or self.match in layers(tensor)


class Recipe(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One way to INT8. The last rule that covers an operator counts; what no rule covers is as `activations` says."""

    name: str
    weights: Literal["int8 per channel"]
    activations: Literal["int8", "int16"]
    quantizer: Literal["auto", "tflite-converter", "litert-quantizer"]  # auto: whichever comes nearer to float
    higher_precision: tuple[Rule, ...] = ()

    def __post_init__(self) -> None:
        if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", self.name):
            raise ValueError(f"{self.name!r} is no name for a recipe: letters, digits, . _ -")
        int16 = any(rule.precision == "int16" for rule in self.higher_precision)
        if int16 and self.activations == "int16":
            raise ValueError("a rule says int16 where all activations are int16 already: leave it out")
        if self.quantizer == "tflite-converter" and not self.quantizers:
            raise ValueError("tflite-converter makes no INT16 with INT8 ends: choose litert-quantizer or auto")

    @property
    def quantizers(self) -> tuple[QuantizerName, ...]:
        """Those that the recipe allows and that can do what it says, the preferred one first."""
        int16 = self.activations == "int16" or any(rule.precision == "int16" for rule in self.higher_precision)
        able: tuple[QuantizerName, ...] = ("litert-quantizer",) if int16 else ("tflite-converter", "litert-quantizer")
        return able if self.quantizer == "auto" else tuple(name for name in able if name == self.quantizer)

    def raised(self, tensors: Iterable[str]) -> dict[str, Precision]:
        """Of operators, named by the tensors that they give: which compute in more than INT8, and in what."""
        return {
            tensor: rule.precision for tensor in tensors for rule in self.higher_precision if rule.covers(tensor)
        }  # a later rule overwrites an earlier one


def layers(tensor: str) -> set[str]:
    """The layers whose work a tensor holds: "net/conv_1/Relu;net/norm_1/add" -> {"conv_1", "norm_1"}."""
    return {part for path in tensor.split(";") for part in path.split("/")[1:-1]}


def load_recipe(name_or_path: str | Path = "full_integer") -> Recipe:
    """The packaged recipe of that name, or the one in a `.json` file.

    Raises:
        RecipeError: there is none, or it says what cannot be.
    """
    packaged = {entry.name: entry for entry in (resources.files("convert") / "recipes").iterdir()}
    packaged = {name.removesuffix(".json"): entry for name, entry in packaged.items() if name.endswith(".json")}
    if (found := packaged.get(str(name_or_path))) is not None:
        return _decode(found.read_bytes(), f"recipe {name_or_path}")
    if Path(name_or_path).suffix != ".json":
        raise RecipeError(
            f"no recipe is called {str(name_or_path)!r}: choose one of {', '.join(sorted(packaged))}, or a .json file"
        )
    try:
        return _decode(Path(name_or_path).read_bytes(), str(name_or_path))
    except OSError as error:
        raise RecipeError(f"{name_or_path}: cannot be read ({error.strerror}): give a recipe's .json file") from error


def _decode(text: bytes, where: str) -> Recipe:
    try:
        return msgspec.json.decode(text, type=Recipe)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise RecipeError(f"{where}: {' '.join(str(error).split())}: see convert/quantizing/recipe.py") from error
