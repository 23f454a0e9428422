"""What other tools take of a cohort: TorchIO subjects, data sets of nnU-Net."""
