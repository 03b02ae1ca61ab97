"""YAML text → values and problems with their places; the whole truth about a file, where quick.py has only its values."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import yaml as pyyaml

from reconciler.model import Location, Problem
from reconciler.yaml.document import Place
from reconciler.yaml.words import CONTROL, FLOAT, LOADER, MAX_DEPTH, MAX_DIGITS, MAX_NODES, plain


class _TooMuch(Exception):
    """A cap was passed; the problem is already noted."""


class Builder:
    """Builds values from events, noting places and problems on the way."""

    def __init__(self, file: str, text: str) -> None:
        self.file, self.text = file, text
        self.problems: list[Problem] = []
        self.places: dict[tuple[Any, ...], Place] = {}
        self.nodes = 0

    def build(self) -> Any:
        """The value; what is wrong with it is in `problems`, where everything stands in `places`."""
        value: Any = None
        documents = 0
        try:
            events = self._events()
            for event in events:
                if isinstance(event, pyyaml.DocumentStartEvent):
                    documents += 1
                    if documents > 1:
                        self._problem("a file holds one document", event, help="put the second one in a file of its own")
                        break
                elif isinstance(event, (pyyaml.ScalarEvent, pyyaml.CollectionStartEvent, pyyaml.AliasEvent)):
                    value = self._node(event, events, (), 0)
        except _TooMuch:
            pass
        except pyyaml.YAMLError as error:
            self._syntax(error)
        except RecursionError:
            self.problems.append(Problem(f"nested deeper than {MAX_DEPTH}", Location(self.file, 1, 1)))
        return value

    def _events(self) -> Iterator[Any]:
        loader = LOADER(self.text)
        try:
            while loader.check_event():
                yield loader.get_event()
        finally:
            loader.dispose()

    def _node(self, event: Any, events: Iterator[Any], path: tuple[Any, ...], depth: int) -> Any:
        self.nodes += 1
        if self.nodes > MAX_NODES:
            self._stop(f"more than {MAX_NODES:,} values in one file", event, "split it")
        if depth > MAX_DEPTH:
            self._stop(f"nested deeper than {MAX_DEPTH}", event)
        if isinstance(event, pyyaml.AliasEvent):
            self._problem("aliases are not used here", event, help="write the value out, or use `_defaults`")
            return None
        if event.anchor is not None:
            self._problem("anchors are not used here", event, help="write the value out, or use `_defaults`")
        if event.tag is not None and event.tag != "!":
            self._problem(f"tags such as {event.tag} are not used here", event)
        if isinstance(event, pyyaml.ScalarEvent):
            return self._scalar(event)
        if isinstance(event, pyyaml.SequenceStartEvent):
            return self._sequence(events, path, depth)
        return self._mapping(events, path, depth)

    def _sequence(self, events: Iterator[Any], path: tuple[Any, ...], depth: int) -> list[Any]:
        found: list[Any] = []
        for event in events:
            if isinstance(event, pyyaml.SequenceEndEvent):
                break
            here = (*path, len(found))
            self.places[here] = self._place(event)
            found.append(self._node(event, events, here, depth + 1))
        return found

    def _mapping(self, events: Iterator[Any], path: tuple[Any, ...], depth: int) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for event in events:
            if isinstance(event, pyyaml.MappingEndEvent):
                break
            key = self._key(event, events, path, depth)
            value = next(events)
            if key in found:
                self._problem(f"{key!r} stands here twice", event, help="keep one of them")
                self._node(value, events, (*path, key, "again"), depth + 1)
                continue
            here = (*path, key)
            start, at = self._place(event), self._place(value)
            self.places[here] = Place(at.line, at.column, at.width, start.line, start.column, start.width)
            found[key] = self._node(value, events, here, depth + 1)
        return found

    def _key(self, event: Any, events: Iterator[Any], path: tuple[Any, ...], depth: int) -> str:
        value = self._node(event, events, (*path, "?"), depth + 1)
        if not isinstance(event, pyyaml.ScalarEvent):
            self._problem("a key is a plain text", event)
            return f"?{self.nodes}"
        if event.value == "<<" and not event.style:
            self._problem("merge keys are not used here", event, help="write the values out, or use `_defaults`")
        return value if isinstance(value, str) else str(event.value)

    def _scalar(self, event: Any) -> Any:
        text: str = event.value
        if CONTROL.search(text):
            self._problem("control characters can't be part of a value", event)
            return ""
        if event.style or event.tag == "!":
            return text
        if len(text) > MAX_DIGITS and FLOAT.match(text):
            self._problem(f"a number has at most {MAX_DIGITS} digits", event)
            return 0
        return plain(text)

    def _place(self, event: Any) -> Place:
        mark, end = event.start_mark, event.end_mark
        width = end.column - mark.column if end.line == mark.line else 1
        return Place(mark.line + 1, mark.column + 1, max(width, 1))

    def _problem(self, message: str, event: Any, help: str = "") -> None:
        place = self._place(event)
        self.problems.append(Problem(message, Location(self.file, place.line, place.column), help=help, width=place.width))

    def _stop(self, message: str, event: Any, help: str = "") -> None:
        self._problem(message, event, help)
        raise _TooMuch

    def _syntax(self, error: pyyaml.YAMLError) -> None:
        mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
        problem = getattr(error, "problem", None) or getattr(error, "reason", None) or str(error).split("\n", 1)[0]
        context = getattr(error, "context", None)
        message = f"{problem} {context}" if context else str(problem)
        at = Location(self.file, mark.line + 1, mark.column + 1) if mark is not None else Location(self.file, 1, 1)
        line = self.text.splitlines()[at.line - 1: at.line]
        if line and "\t" in line[0][: len(line[0]) - len(line[0].lstrip())]:
            message = "a tab can't indent it, only spaces can"
        self.problems.append(Problem(f"this is not YAML: {message}", at))
