# SPDX-License-Identifier: MIT
"""perfetto_tasks DIR TRACE: how long Perfetto's trace processor, in DIR, says that each task ran.

Prints the time that it takes to load the trace and to answer, in ns, and the sums as JSON.
"""

import json
import sys
from pathlib import Path
from time import perf_counter_ns

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.trace_processor.engine import Engine

QUERY = (
    "select tid, sum(dur) from thread_state join thread using (utid) "
    "where state = 'Running' and dur >= 0 group by tid"
)

engine = Engine(Path(sys.argv[1]))
engine.query(Path(sys.argv[2]), "select 1")  # Node compiles what it runs
start = perf_counter_ns()
(rows,) = engine.query(Path(sys.argv[2]), QUERY)
print("ns", perf_counter_ns() - start)
print("sums", json.dumps(dict(rows)))
engine.close()
