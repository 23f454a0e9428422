"""Work that is cut into tasks: one scheduler, engines that compute, a store of what is done.

`run(tasks, engine)` yields an `Outcome` a task as they end; `get_engine("local", jobs=4)` is the
pool of this machine, `Here()` this process. `Store` keeps each result in a folder named by all that
it depends on.
"""

from fuzzyseg.jobs.here import Here
from fuzzyseg.jobs.registry import ENGINES, Engine, get_engine
from fuzzyseg.jobs.schedule import run
from fuzzyseg.jobs.store import Job, Store, Work, sources_digest
from fuzzyseg.jobs.task import Failure, Later, Outcome, Task

__all__ = [
    "ENGINES",
    "Engine",
    "Failure",
    "Here",
    "Job",
    "Later",
    "Outcome",
    "Store",
    "Task",
    "Work",
    "get_engine",
    "run",
    "sources_digest",
]
