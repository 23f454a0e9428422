"""DICOM in and out: CT and PT as slices, reconstructed SPECT as NM."""
