"""What the referee must know of Sentry's document."""

from __future__ import annotations

from tests.referee import Habits

HABITS = Habits(forgiven={
    r"the query parameter cursor is not in the document":
        "every list is paged by its Link header; the document says so of some lists only",
    r"^GET /api/0/projects/[^/]+/[^/]+/(keys/[^/]+/)?stats/: .* is not in the document":
        "statistics of one project or key are older than the document, which leaves them out",
    r"answer(\[\d+\])?\.environments: \[\] is not of type 'object'":
        "a monitor's environments are a list of the objects that the document describes",
    r"answer(\[\d+\])?\.owner: None is not of type 'object'": "a monitor that nobody owns has null there",
    r"answer(\[\d+\])?\.config\.schedule: \[\d+, '\w+'\] is not valid":
        "the document takes both parts of an interval for numbers, and its own words say [1, 'day']",
    r"/ownership/: answer\.(raw|dateCreated|lastUpdated): None is not of type 'string'":
        "a project where nobody ever set rules has null there",
})
