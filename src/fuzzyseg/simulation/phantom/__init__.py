"""Phantoms: a parametric human body, or any labelled volume in its place."""
