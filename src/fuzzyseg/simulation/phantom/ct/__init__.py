"""The CT of a SPECT/CT: where the patient lies in it, beam, couch, noise."""
