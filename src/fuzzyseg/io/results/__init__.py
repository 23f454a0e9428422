"""Segmentations out, in the formats of archives, planning systems and viewers."""
