"""Lesions, and uptake that is no lesion."""
