"""Phantoms from files in place of the parametric body."""
