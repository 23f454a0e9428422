"""The losses by name; no torch here, so that the command line can list them at once."""

LOSSES: dict[str, str] = {
    "rfcm": "robust fuzzy c-means of the image, eq. (11): no labels",
    "ms": "Mumford-Shah of the image, eq. (7): no labels",
    "fcm-label": "supervised fuzzy c-means, eq. (15): labels only",
    "ce": "cross-entropy, eq. (18): labels only",
    "dice": "soft Dice, eq. (17): labels only",
    "semi-rfcm": "rfcm + alpha fcm-label, eq. (16): images with and without labels",
    "semi-ms": "ms + alpha ce, eq. (10): images with and without labels",
}
