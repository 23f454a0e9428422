"""Many studies: found, segmented one after the other or at once, and told in one table."""
