import numpy as np
import pytest

from fuzzyseg.io import read_volume

PIXELS = np.arange(24, dtype=np.uint16).reshape(2, 3, 4)


def philips(unit="CNTS", to_suv=None, to_bqml=None, creator="Philips PET Private Group"):
    def edit(_, dataset):
        dataset.Units = unit
        dataset.add_new(0x70530010, "LO", creator)
        for tag, value in ((0x70531000, to_suv), (0x70531009, to_bqml)):
            if value is not None:
                dataset.add_new(tag, "DS", value)

    return edit


@pytest.mark.parametrize("implicit", [False, True], ids=["explicit", "implicit"])
@pytest.mark.parametrize(
    ("edit", "unit", "factor", "told"),
    [
        (philips(to_suv="0.01", to_bqml="2.5"), "Bq/mL", 2.5, "(7053,1009)"),
        (philips(to_suv="0.01", to_bqml="0"), "SUV", 0.01, "(7053,1000)"),
        (philips("PROPCNTS", to_suv="0.01"), "SUV", 0.01, "PROPCNTS"),
        (philips(), "counts", 1, "no SUV can be computed"),
        (philips(to_bqml="2.5", creator="SOMEBODY ELSE"), "counts", 1, "no SUV"),
        (philips(to_bqml="-2.5"), "counts", 1, "no SUV"),
        (philips("BQML", to_bqml="2.5"), "Bq/mL", 1, None),
    ],
)
def test_counts_of_philips(tmp_path, make_series, edit, unit, factor, told, implicit):
    make_series(tmp_path, PIXELS, modality="PT", edit=edit, implicit=implicit)
    volume = read_volume(tmp_path)
    assert volume.unit == unit
    np.testing.assert_allclose(volume.array, PIXELS.transpose(2, 1, 0) * factor, rtol=1e-6)
    assert (told is None and volume.warnings == ()) or told in volume.warnings[0]
