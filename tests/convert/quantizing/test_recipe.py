"""Recipes: the packaged ones, those of a file, and what may not be one."""

from __future__ import annotations

import json
import re
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from convert.errors import RecipeError
from convert.quantizing.recipe import Recipe, Rule, layers, load_recipe

FUSED = "net_1/gate_4/Relu6;net_1/norm_3/batchnorm/add_1;net_1/conv_7/convolution"
PLAIN = {"name": "mine", "weights": "int8 per channel", "activations": "int8", "quantizer": "auto"}

rules = st.builds(Rule, st.from_regex(r"[a-z_/0-9]{1,12}", fullmatch=True), st.sampled_from(["float32", "int16"]))
recipes = st.builds(
    Recipe,
    name=st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._-]{0,20}", fullmatch=True),
    weights=st.just("int8 per channel"),
    activations=st.just("int8"),
    quantizer=st.sampled_from(["auto", "litert-quantizer"]),
    higher_precision=st.lists(rules, max_size=4).map(tuple),
)


def written(folder: Path, **changes: object) -> Path:
    path = folder / "mine.json"
    path.write_text(json.dumps(PLAIN | changes))
    return path


@pytest.mark.parametrize("name", ["full_integer", "int16_activations"])
def test_a_packaged_recipe_is_found_by_the_name_it_carries(name: str) -> None:
    assert load_recipe(name).name == name


def test_the_default_recipe_weighs_both_quantizers_and_leaves_nothing_above_int8() -> None:
    recipe = load_recipe()
    assert (recipe.quantizers, recipe.higher_precision) == (("tflite-converter", "litert-quantizer"), ())


@given(recipe=recipes)
def test_a_recipe_survives_its_file(tmp_path_factory: pytest.TempPathFactory, recipe: Recipe) -> None:
    path = tmp_path_factory.mktemp("recipe") / "any.json"
    path.write_bytes(msgspec.json.encode(recipe))
    assert load_recipe(path) == recipe


@given(junk=st.binary(max_size=200))
def test_a_file_that_is_no_recipe_is_refused_in_one_line(tmp_path_factory: pytest.TempPathFactory, junk: bytes) -> None:
    path = tmp_path_factory.mktemp("recipe") / "any.json"
    path.write_bytes(junk)
    with pytest.raises(RecipeError) as refused:
        load_recipe(path)
    assert "\n" not in str(refused.value) and str(path) in str(refused.value)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"activations": "int4"}, "int4"),
        ({"quantiser": "auto"}, "quantiser"),
        ({"name": "two words"}, "no name for a recipe"),
        ({"higher_precision": [{"match": "re:(", "precision": "float32"}]}, "no regular expression"),
        ({"higher_precision": [{"match": "re:", "precision": "float32"}]}, "names nothing"),
        ({"higher_precision": [{"match": "gate", "precision": "float16"}]}, "float16"),
        (
            {"activations": "int16", "higher_precision": [{"match": "gate", "precision": "int16"}]},
            "all activations are int16 already",
        ),
        ({"activations": "int16", "quantizer": "tflite-converter"}, "choose litert-quantizer"),
        (
            {"quantizer": "tflite-converter", "higher_precision": [{"match": "gate", "precision": "int16"}]},
            "choose litert-quantizer",
        ),
    ],
)
def test_what_cannot_be_is_refused_with_the_files_name(tmp_path: Path, changes: dict[str, object], told: str) -> None:
    path = written(tmp_path, **changes)
    with pytest.raises(RecipeError, match=re.escape(told)) as refused:
        load_recipe(path)
    assert str(path) in str(refused.value)


def test_an_unknown_name_is_refused_with_the_known_ones() -> None:
    with pytest.raises(RecipeError, match=r"full_integer, int16_activations, or a \.json file"):
        load_recipe("half_integer")


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match=r"gone\.json: cannot be read"):
        load_recipe(tmp_path / "gone.json")


@pytest.mark.parametrize("match", [FUSED, "conv_7", "gate_4", "re:norm_3/", "re:^net_1.*convolution$"])
def test_a_rule_covers_a_tensor_by_its_name_its_layer_or_an_expression(match: str) -> None:
    assert Rule(match, "float32").covers(FUSED)


@pytest.mark.parametrize("match", ["conv", "net_1", "convolution", "re:conv_8"])
def test_a_rule_does_not_cover_a_part_of_a_name_nor_the_network(match: str) -> None:
    assert not Rule(match, "float32").covers(FUSED)


def test_the_last_rule_that_covers_an_operator_counts() -> None:
    recipe = Recipe(
        "mixed", "int8 per channel", "int8", "auto", (Rule("re:conv", "float32"), Rule("net/conv_2/out", "int16"))
    )
    given_tensors = ["net/conv_1/out", "net/conv_2/out", "net/add/out"]
    assert recipe.raised(given_tensors) == {"net/conv_1/out": "float32", "net/conv_2/out": "int16"}
    assert recipe.quantizers == ("litert-quantizer",)  # alone mixes INT8 and INT16


def test_the_layers_of_a_fused_tensor_are_told() -> None:
    assert layers(FUSED) == {"gate_4", "norm_3", "batchnorm", "conv_7"}
