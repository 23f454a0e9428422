"""Pictures of images and segmentations: figures, and how they show themselves in notebooks."""
