"""What other tools take: cohorts for TorchIO and nnU-Net, losses for trainers, MONAI bundles."""
