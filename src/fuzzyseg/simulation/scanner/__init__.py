"""The scanner: from activity and attenuation to counts, and from counts to an image."""
