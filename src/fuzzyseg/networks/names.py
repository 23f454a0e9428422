"""The networks there are: one list that the command line, the docs and `build` read."""

from __future__ import annotations

NETWORKS: dict[str, str] = {
    "recurrent": "the paper's: eight convolutional layers, of which five are recurrent",
    "unet": "a U-Net, for comparison",
}
