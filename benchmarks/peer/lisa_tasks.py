# SPDX-License-Identifier: MIT
"""lisa_tasks FILE: how long LISA says that each task ran; run by a Python that has lisa-linux.

Prints the time from the path to all states of all tasks, in ns, and the sums as JSON.
"""

import json
import sys
from time import perf_counter_ns

from lisa.trace import Trace

ACTIVE = 0x2000  # TaskState.TASK_ACTIVE
EVENTS = ["sched_switch", "sched_waking", "sched_wakeup", "sched_wakeup_new"]

start = perf_counter_ns()
states = Trace(sys.argv[1], events=EVENTS).ana.tasks.df_tasks_states()
print("ns", perf_counter_ns() - start)
ran = states[states.curr_state == ACTIVE].groupby("pid").delta.sum()
print("sums", json.dumps({int(pid): round(seconds * 1e9) for pid, seconds in ran.items()}))
