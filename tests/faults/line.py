"""Lines from forked processes to their vendor in the parent: pipes, because a trial asks more often than sockets are cheap."""

from __future__ import annotations

import json
import os
import sys
import threading
import traceback
import warnings
from collections.abc import Callable, Mapping
from contextlib import suppress
from multiprocessing import Pipe
from multiprocessing.connection import wait
from typing import Any

import httpx

from reconciler.errors import Failure
from reconciler.sandbox import Request, Sandbox

CRASHED = 99
"""The exit code of a process that ended in no failure of ours."""


class Line(httpx.BaseTransport):
    """A process's end of its line: one request at a time, and things that it tells without being asked."""

    def __init__(self, end: Any) -> None:
        self.end, self.turn = end, threading.Lock()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """One request, answered by the parent; status 0 is a line that was cut."""
        asked = request.method, request.url.raw_path.decode(), dict(request.headers), request.read()
        with self.turn:
            self.end.send(asked)
            status, headers, content = self.end.recv()
        if status == 0:
            raise httpx.ReadError("reset", request=request)
        return httpx.Response(status, headers=headers, content=content, request=request)

    def tell(self, *words: Any) -> None:
        """Something that the parent remembers; it is there before any later request."""
        with self.turn:
            self.end.send(words)


class Exchange:
    """The parent's end of all lines of one vendor: it forks the processes, answers them, and hears how they ended."""

    def __init__(self, box: Sandbox) -> None:
        self.box = box
        self.ends: dict[Any, int] = {}
        self.codes: dict[int, int] = {}
        self.told: list[tuple[Any, ...]] = []
        self.speaker = 0

    def fork(self, work: Callable[[Line], int]) -> int:
        """The pid of a process that does this work; it gets no answer before `serve`."""
        mine, its = Pipe()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # of a fork beside threads: none of them holds what we need
            pid = os.fork()
        if pid == 0:
            mine.close()
            _work(work, Line(its))
        its.close()
        self.ends[mine] = pid
        return pid

    def serve(self, until: Callable[[], bool] = lambda: False) -> None:
        """Answer until every process has ended, or until something has happened."""
        while self.ends and not until():
            for end in wait(list(self.ends)):
                self.speaker = self.ends[end]
                try:
                    said = end.recv()
                except (EOFError, OSError):
                    self._ended(end)
                    continue
                if isinstance(said[1], str) and isinstance(said[-1], bytes):
                    self._answer(end, *said)
                else:
                    self.told.append(said)
                if until():
                    return

    def _answer(self, end: Any, method: str, target: str, headers: Mapping[str, str], body: bytes) -> None:
        try:
            response = self.box.handle(Request.of(method, target, headers, body))
        except ConnectionAbortedError:
            return
        except (OSError, httpx.TransportError):
            answer = 0, {}, b""
        else:
            content = b"" if response.body is None else json.dumps(response.body).encode()
            answer = response.status, {"content-type": "application/json", **response.headers}, content
        with suppress(BrokenPipeError):  # it died meanwhile, by its own hand or somebody else's
            end.send(answer)

    def _ended(self, end: Any) -> None:
        pid = self.ends.pop(end)
        end.close()
        self.codes[pid] = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def _work(work: Callable[[Line], int], line: Line) -> None:
    code = CRASHED
    try:
        code = work(line)
    except Failure as error:
        line.tell("said", error.message)
        code = error.exit_code
    except BaseException:  # noqa: BLE001 - told by the exit code: nothing may go on in the parent's place
        traceback.print_exc()
    finally:
        for stream in (sys.stdout, sys.stderr):
            with suppress(OSError, ValueError):
                stream.flush()
        os._exit(code)
