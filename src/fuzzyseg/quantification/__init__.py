"""From a segmentation to what a clinic uses: lesions counted and measured."""
