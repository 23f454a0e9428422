import numpy as np
import pytest
from tiny_models import write_tiny
from toy_training import HU, toy_image, toy_labels, write

from fuzzyseg.experiments.ct_bone import main
from fuzzyseg.models.locate import card_of


@pytest.fixture(scope="module")
def manifest(tmp_path_factory):
    """Two CTs whose voxels above 400 HU are bone; in the labels 7 is a rib, 3 a spleen."""
    folder = tmp_path_factory.mktemp("cts")
    rows = ["name,ct,labels"]
    for seed in range(2):
        bone = toy_labels(seed) > 0
        write(folder / f"ct-{seed}.nii.gz", toy_image(bone.astype(np.int8), levels=HU))
        labels = np.where(bone, 7, 0)
        labels[:4, :4] = 3
        write(folder / f"labels-{seed}.nii.gz", labels.astype(np.int16))
        rows.append(f"p{seed},ct-{seed}.nii.gz,labels-{seed}.nii.gz")
    (folder / "structures.csv").write_text("id,structure\n3,spleen\n7,rib_left_1\n")
    path = folder / "cts.csv"
    path.write_text("\n".join(rows))
    return path


def last_row(capsys):
    """Means in the last row of the table that was printed."""
    text = capsys.readouterr().out
    assert text.startswith("2 CTs\n")
    return [float(cell.split()[0]) for cell in text.splitlines()[-1].split("|")[2:-1]]


def test_a_threshold_that_is_right_has_full_scores(manifest, capsys):
    structures = str(manifest.parent / "structures.csv")
    main([str(manifest), "--methods", "threshold", "--structures", structures])
    assert last_row(capsys) == [1.0] * 4


def test_without_names_every_label_is_bone(manifest, capsys):
    main([str(manifest), "--methods", "threshold"])
    shares = []
    for seed in range(2):
        bone = toy_labels(seed) > 0
        truth = bone.copy()
        truth[:4, :4] = True
        shares.append((2 * (bone & truth).sum() / (bone.sum() + truth.sum()), truth.sum()))
    expected = sum(d * n for d, n in shares) / sum(n for _, n in shares)
    assert last_row(capsys)[0] == pytest.approx(expected, abs=0.006)


def test_scores_of_a_model_go_into_its_card(manifest, tmp_path, capsys):
    write_tiny(tmp_path, "ct")
    model = str(tmp_path / "ct")
    main([str(manifest), "--methods", model, "threshold", "--into-cards", "toy"])
    told = card_of(model).metrics["toy"]["bone"]
    assert told["cts"] == 2
    assert f"{told['dsc'][0]:.2f}" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("text", "found"),
    [("id,structure\n3,spleen\n", "found none"), ("id,name\n7,rib\n", "structure")],
)
def test_structures_that_name_no_bone_are_refused(manifest, tmp_path, capsys, text, found):
    (tmp_path / "s.csv").write_text(text)
    with pytest.raises(SystemExit):
        main([str(manifest), "--methods", "threshold", "--structures", str(tmp_path / "s.csv")])
    assert found in capsys.readouterr().err


def test_a_ct_without_labels_is_refused(manifest, tmp_path, capsys):
    path = tmp_path / "cts.csv"
    path.write_text(f"name,ct\np0,{manifest.parent / 'ct-0.nii.gz'}\n")
    with pytest.raises(SystemExit):
        main([str(path), "--methods", "threshold"])
    assert "expected labels of p0" in capsys.readouterr().err


def test_odds_weigh_the_membership_in_bone(manifest, tmp_path, capsys):
    write_tiny(tmp_path, "ct")
    main([str(manifest), "--methods", str(tmp_path / "ct"), "--odds", "1e-9", "1", "1e9"])
    rows = [line.split("|")[1:-1] for line in capsys.readouterr().out.splitlines()[-3:]]
    assert [row[0].split("odds ")[1].strip(" `") for row in rows] == ["1e-09", "1", "1e+09"]
    recall = [float(row[3].split()[0]) for row in rows]
    assert recall[0] == 0.0
    assert recall[2] > 0.8  # all but what lies far from everything dense
