"""Answers that take a state, beside state machines in Python over single events.

What these know they know from the documentation: nothing of them is shared with the core.
"""
