import numpy as np
import pytest

from fuzzyseg.errors import InputError
from fuzzyseg.simulation.phantom.anatomy.habitus import draw_body
from fuzzyseg.simulation.phantom.anatomy.reference import bones
from fuzzyseg.simulation.phantom.disease.lesion_sites import KINDS_OF_BONE, kind_of_bone
from fuzzyseg.simulation.phantom.files.label_table import LabelTable, read_table, shipped_tables
from fuzzyseg.simulation.phantom.model import SKELETON
from fuzzyseg.simulation.population import POPULATIONS, get_population


def write(tmp_path, text):
    path = tmp_path / "map.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_table_is_read(tmp_path):
    table = read_table(
        write(
            tmp_path,
            """
            orientation = "LPS"
            keep = { z = [10, 20] }
            cortex_mm = 2
            [tissues]
            0 = "air"
            3 = { tissue = "bone", region = "L3" }
            7 = "bone"
            9 = "soft tissue"
            """,
        )
    )
    assert table == LabelTable(
        tissues={0: "air", 3: "bone", 7: "bone", 9: "soft tissue"},
        regions={3: "L3", 7: "skeleton"},
        orientation="LPS",
        keep={"z": (10, 20)},
        cortex_mm=2.0,
    )


def test_the_xcat_derived_table_ships_with_the_package():
    assert "xcat-derived" in shipped_tables()
    table = read_table("xcat-derived")
    assert set(table.tissues) == set(range(8))
    assert table.tissues[7] == "bone"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("[tissues\n", "mistake"),
        ("orientation = 'RAS'\n", "no .tissues. in it"),
        ("[tissues]\n", "no .tissues. in it"),
        ("colour = 1\n[tissues]\n1 = 'air'\n", "unknown colour"),
        ("[tissues]\n1 = 'cheese'\n", "1 = 'cheese'"),
        ("[tissues]\none = 'air'\n", "one = 'air'"),
        ("[tissues]\n1 = 5\n", "1 = 5"),
        ("[tissues]\n1 = { tissue = 'bone', region = 'thigh' }\n", "'thigh' for label 1"),
        ("[tissues]\n1 = { region = 'L3' }\n", "1 ="),
        ("orientation = 'RAR'\n[tissues]\n1 = 'air'\n", "'RAR'"),
        ("orientation = 3\n[tissues]\n1 = 'air'\n", " 3"),
        ("cortex_mm = -1\n[tissues]\n1 = 'air'\n", " -1"),
        ("cortex_mm = 'thin'\n[tissues]\n1 = 'air'\n", "'thin'"),
        ("keep = { z = [20, 10] }\n[tissues]\n1 = 'air'\n", "z = .20, 10."),
        ("keep = { w = [0, 10] }\n[tissues]\n1 = 'air'\n", "w = "),
        ("keep = 5\n[tissues]\n1 = 'air'\n", "keep = 5"),
    ],
)
def test_mistakes_are_one_line(tmp_path, text, found):
    with pytest.raises(InputError, match=f"expected .*found.*{found}.*;") as error:
        read_table(write(tmp_path, text))
    assert "\n" not in str(error.value)


def test_a_missing_table_names_the_shipped_ones(tmp_path):
    with pytest.raises(InputError, match="xcat-derived"):
        read_table(tmp_path / "none.toml")
    binary = tmp_path / "binary.toml"
    binary.write_bytes(b"\xff\xfe\x00\x80")
    with pytest.raises(InputError, match="no readable"):
        read_table(binary)


def test_regions_of_tables_are_those_that_populations_know():
    known = {SKELETON, *KINDS_OF_BONE}
    for name in POPULATIONS:
        population = get_population(name)
        for table in (population.lesions.many, population.lesions.few, population.uptake.by_region):
            assert set(table) <= known
    for bone in bones(draw_body(np.random.default_rng(0))):
        assert kind_of_bone(bone.name) in known
