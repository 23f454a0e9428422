from fuzzyseg.old_names import renamed, renamed_weights


def test_old_names_become_those_of_today():
    old = {"views": ["coronal"], "flips": True, "centres": "held", "q": 2.0}
    today = {"planes": ["coronal"], "mirror": True, "centres": "fixed", "q": 2.0}
    known = {"planes", "mirror", "centres", "q"}
    assert renamed(old, known) == today
    assert renamed(today, known) == today


def test_a_scanner_keeps_its_views():
    assert renamed({"views": 60}, {"views", "seed"}) == {"views": 60}


def test_what_is_unknown_stays_for_others_to_refuse():
    assert renamed({"views": 60, "colour": "held"}, {"seed"}) == {"views": 60, "colour": "held"}


def test_weights_of_upsampling_layers():
    old = {"enlarge.0.weight": 1, "up.0.enlarge": 2}
    assert renamed_weights(old) == {"upsample.0.weight": 1, "up.0.enlarge": 2}
