"""How far `compare` repeats, and how often it is right: `__main__.py` says how to run it."""
