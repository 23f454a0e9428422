"""The reference body: who the patient is, every bone, every organ."""
