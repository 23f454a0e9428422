"""Trainers for nnU-Net v2, which finds them by the variable nnUNet_extTrainer: this folder."""
