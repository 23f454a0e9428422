"""Functions of the jobs: what is computed once, in a process of its own."""
