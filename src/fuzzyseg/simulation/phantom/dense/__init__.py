"""How dense a patient's bone is, and dense things that are no lesion."""
