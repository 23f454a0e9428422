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


def test_odds_take_the_place_of_those_of_the_card(manifest, tmp_path, capsys):
    write_tiny(tmp_path, "ct", odds=(1.0, 7.0))
    main([str(manifest), "--methods", str(tmp_path / "ct"), "--odds", "1e-3", "7", "1e3"])
    main([str(manifest), "--methods", str(tmp_path / "ct")])
    printed = capsys.readouterr().out.splitlines()
    rows = [line.split("|")[1:-1] for line in printed if line.startswith("| `")]
    assert [row[0].split("odds ")[1].strip(" `") for row in rows[:3]] == ["0.001", "7", "1000"]
    assert rows[1][1:] == rows[3][1:]
    recall = [float(row[3].split()[0]) for row in rows]
    assert recall[0] < recall[1] <= recall[2]


def test_pieces_without_cortex_can_be_left_out(manifest, tmp_path, capsys, monkeypatch):
    from fuzzyseg.segmentation import learned

    asked = []
    monkeypatch.setattr(learned, "without_cortex", lambda *given: asked.append(given) or [])
    write_tiny(tmp_path, "ct")
    main([str(manifest), "--methods", str(tmp_path / "ct")])
    assert not asked
    main([str(manifest), "--methods", str(tmp_path / "ct"), "--cortex"])
    assert len(asked) == 2
    assert "ct, cortex`" in capsys.readouterr().out


@pytest.mark.parametrize(
    "wrong",
    [["--odds", "0"], ["--cortex", "--into-cards", "x"], ["--odds", "2", "--into-cards", "x"]],
)
def test_options_that_do_not_go_together_are_refused(manifest, tmp_path, capsys, wrong):
    write_tiny(tmp_path, "ct")
    with pytest.raises(SystemExit):
        main([str(manifest), "--methods", str(tmp_path / "ct"), *wrong])
    assert "expected --" in capsys.readouterr().err


def test_clustering_has_no_card_to_vary(manifest, capsys):
    with pytest.raises(SystemExit):
        main([str(manifest), "--methods", "threshold", "--cortex"])
    assert "expected models for --odds and --cortex" in capsys.readouterr().err
