"""Events and answers that are read when somebody queries them, and of that what the query needs.

``conditions`` says what a query asks of single columns, and narrows a selection by it;
``polars_predicate`` and ``arrow_predicate`` take a query's filters apart into such conditions.
``questions`` is what can be asked so: events, and the answers of ``names``. ``frames`` hands that
to Polars, ``dataset`` to DuckDB, where ``views`` gives it names, ``slices`` cuts it by time, and
``database`` puts all together.
"""

from .database import connect, query
from .frames import make_frame
from .names import ANSWERS
from .questions import AnswerQuestion, EventQuestion

__all__ = ["ANSWERS", "AnswerQuestion", "EventQuestion", "connect", "make_frame", "query"]
