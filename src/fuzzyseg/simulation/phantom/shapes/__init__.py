"""Shapes, known by their signed distance, and what bends them."""
