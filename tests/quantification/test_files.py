"""lesions.csv and summary.json."""

import csv
import io
import json
from dataclasses import replace

import numpy as np
import pytest

from fuzzyseg.administration import Administration
from fuzzyseg.quantification import document, lesions_csv, quantify, schema
from fuzzyseg.volume import Provenance, Segmentation, Volume

_TYPES = {
    "object": dict,
    "array": list,
    "string": str,
    "number": (int, float),
    "integer": int,
    "boolean": bool,
    "null": type(None),
}


def problems(value, rule, root, where="$"):
    """What of a value breaks the part of JSON schema that ours uses; unknown words raise."""
    rule = dict(rule)
    if "$ref" in rule:
        target = root
        for step in rule["$ref"].removeprefix("#/").split("/"):
            target = target[step]
        return problems(value, target, root, where)
    if "anyOf" in rule:
        found = [problems(value, option, root, where) for option in rule["anyOf"]]
        return [] if not all(found) else found[-1]
    wrong = []
    types = rule.pop("type", list(_TYPES))
    types = [types] if isinstance(types, str) else types
    fits = [t for t in types if isinstance(value, _TYPES[t])]
    if isinstance(value, bool):
        fits = [t for t in fits if t == "boolean"]
    if not fits:
        return [f"{where}: {value!r} is no {types}"]
    properties, extra = rule.pop("properties", {}), rule.pop("additionalProperties", True)
    required = rule.pop("required", [])
    wrong += [f"{where}: {name} is missing" for name in required if name not in value]
    if isinstance(value, dict):
        for name, part in value.items():
            known = properties.get(name, extra)
            if known is False:
                wrong.append(f"{where}: {name} is not known")
            elif known is not True:
                wrong += problems(part, known, root, f"{where}.{name}")
    items = rule.pop("items", {})
    if isinstance(value, list):
        for i, part in enumerate(value):
            wrong += problems(part, items, root, f"{where}[{i}]")
    number = isinstance(value, int | float) and not isinstance(value, bool)
    tests = {
        "enum": lambda v, limit: v in limit,
        "const": lambda v, limit: v == limit,
        "minimum": lambda v, limit: not number or v >= limit,
        "maximum": lambda v, limit: not number or v <= limit,
        "exclusiveMinimum": lambda v, limit: not number or v > limit,
        "minItems": lambda v, limit: len(v) >= limit,
        "maxItems": lambda v, limit: len(v) <= limit,
        "minLength": lambda v, limit: len(v) >= limit,
    }
    for word, limit in rule.items():
        if word not in ("$schema", "$defs", "title", "description") and not tests[word](
            value, limit
        ):
            wrong.append(f"{where}: {value!r} breaks {word} {limit}")
    return wrong


def studies(make):
    ct = Volume(np.zeros((9, 9, 9)), np.eye(4), "CT", "HU")
    nothing = np.zeros(ct.shape, np.uint8)
    u = np.stack([nothing == 0, nothing == 1]).astype(np.float32)
    yield make((((14, 12, 12), 3.2), ((30, 12, 12), 2.1)), administration=Administration(80.0))
    yield make(administration=Administration(0.0, 1.7, "female", 740.0, 9e3, 9e3, "series"))
    yield make(balls=(), unit="counts", file_frame="LPS")
    law = (0.0, 0.0, 0.0, -1.0, 1.0)
    known = {"patients": 2, "lesions": 30, "volume": law, "uptake": law}
    by_model = Provenance("model", {"card": {"name": "mine", "intervals": known}})
    yield replace(make(), provenance=by_model)
    yield Segmentation(u, nothing, ("background", "bone"), ct, Provenance("drawn"))


def test_every_document_is_as_the_schema_says(make):
    root = schema()
    for segmentation in studies(make):
        found = document(quantify(segmentation), segmentation)
        found = json.loads(json.dumps(found, allow_nan=False))
        assert problems(found, root, root) == []


def test_the_schema_refuses_what_is_wrong(make):
    root, segmentation = schema(), make()
    whole = document(quantify(segmentation), segmentation)
    for path, value in (
        (("patient", "lesion_count"), 1.5),
        (("patient", "spect_skeletal_burden_percent"), 101),
        (("lesions", 0, "frame"), "XYZ"),
        (("lesions", 0, "name"), "somebody"),
        (("image", "spacing_mm"), [1, 2]),
        (("suv", "unit"), "kg"),
        (("fuzzy",), 3),
    ):
        broken = json.loads(json.dumps(whole))
        place = broken
        for step in path[:-1]:
            place = place[step]
        place[path[-1]] = value
        assert problems(broken, root, root), path


def test_the_document_names_what_made_it(make):
    by = document(quantify(make()), make())["made_by"]
    assert by == {"method": make().provenance.method, "model": None, "model_sha256": None}
    told = {"model": "/home/somebody/mine", "card": {"sha256": "0e25"}}
    segmentation = replace(make(), provenance=Provenance("model", told))
    by = document(quantify(segmentation), segmentation)["made_by"]
    assert by == {"method": "model", "model": "mine", "model_sha256": "0e25"}


def test_nulls_have_reasons(make):
    for segmentation in studies(make):
        found = document(quantify(segmentation), segmentation)
        for record in (found["patient"], *found["lesions"]):
            unknown = {name for name, value in record.items() if value is None}
            assert unknown == set(record["reasons"])


def test_the_table_says_what_the_document_says(make):
    segmentation = next(iter(studies(make)))
    found = quantify(segmentation)
    rows = list(csv.DictReader(io.StringIO(lesions_csv(found))))
    lesions = document(found, segmentation)["lesions"]
    assert len(rows) == len(lesions) == 2
    for row, lesion in zip(rows, lesions, strict=True):
        assert float(row["volume_ml"]) == pytest.approx(lesion["volume_ml"], rel=1e-5)
        assert float(row["centroid_y_mm"]) == pytest.approx(lesion["centroid_mm"][1], rel=1e-5)
        assert row["suv_max"] == ""
        assert "suv_max: activity given is not known" in row["reasons"]
        assert (row["at_border"], row["image_unit"]) == ("false", "Bq/mL")


def test_the_table_has_a_header_without_any_lesion(make):
    text = lesions_csv(quantify(make(balls=())))
    assert text.count("\n") == 1
    assert text.startswith("number,volume_ml,")
