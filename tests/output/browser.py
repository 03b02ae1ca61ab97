"""Chromium over its DevTools protocol: one page at a time, and everything that it complains of or asks for."""

from __future__ import annotations

import base64
import json
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import websocket

PROGRAM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
ASKED = "Network.requestWillBeSent"
COMPLAINED = ("Runtime.exceptionThrown", "Runtime.consoleAPICalled", "Log.entryAdded")


class Page:
    """One tab."""

    def __init__(self, socket: websocket.WebSocket) -> None:
        self.socket, self.number = socket, 0
        self.events: list[dict[str, Any]] = []
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.send(f"{domain}.enable")

    def send(self, method: str, **params: Any) -> Any:
        """One command and its answer; events that come before it are kept."""
        self.number += 1
        self.socket.send(json.dumps({"id": self.number, "method": method, "params": params}))
        while True:
            told = json.loads(self.socket.recv())
            if told.get("id") == self.number:
                assert "error" not in told, (method, told)
                return told["result"]
            self.events.append(told)

    def open(self, path: Path, *, width: int = 1400, height: int = 1000, dark: bool = False, fragment: str = "") -> None:
        """Load a file, at a width, and wait until it is there."""
        self.send("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 600)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.send("Emulation.setEmulatedMedia", features=[scheme])
        self._go("about:blank")  # another fragment of the same page would not load it again
        self._go(f"{path.as_uri()}{fragment}")

    def _go(self, url: str) -> None:
        self.events.clear()
        self.send("Page.navigate", url=url)
        while not any(event["method"] == "Page.loadEventFired" for event in self.events):
            self.events.append(json.loads(self.socket.recv()))

    def run(self, script: str) -> Any:
        """What an expression is in the page."""
        done = self.send("Runtime.evaluate", expression=script, returnByValue=True, userGesture=True)
        assert "exceptionDetails" not in done, done
        return done["result"].get("value")

    @property
    def complaints(self) -> list[dict[str, Any]]:
        """Errors, warnings, and whatever was written to the console."""
        return [event for event in self.events if event["method"] in COMPLAINED]

    @property
    def asked(self) -> list[str]:
        """The addresses that were asked for."""
        return [event["params"]["request"]["url"] for event in self.events if event["method"] == ASKED]

    def picture(self) -> bytes:
        """What is seen, as a PNG."""
        return base64.b64decode(self.send("Page.captureScreenshot", format="png")["data"])


@contextmanager
def browser(profile: Path) -> Iterator[Page]:
    """A page in a browser of its own, which knows no network."""
    assert PROGRAM is not None
    flags = ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars",
             "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync",
             "--disable-extensions", "--remote-debugging-port=0", "--remote-allow-origins=*", f"--user-data-dir={profile}",
             "about:blank"]
    process = subprocess.Popen([PROGRAM, *flags], stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True)
    try:
        assert process.stderr is not None
        found = next((line for line in process.stderr if "DevTools listening on " in line), "")
        assert found, "the browser did not start"
        port = found.split("://", 1)[1].split("/", 1)[0]
        with websocket_of(port) as socket:
            yield Page(socket)
    finally:
        process.kill()
        process.communicate()


@contextmanager
def websocket_of(host: str) -> Iterator[websocket.WebSocket]:
    """The connection to the browser's first page."""
    import http.client

    asking = http.client.HTTPConnection(host, timeout=20)
    asking.request("PUT", "/json/new?about:blank")
    page = json.loads(asking.getresponse().read())
    asking.close()
    socket = websocket.create_connection(page["webSocketDebuggerUrl"], timeout=20)
    try:
        yield socket
    finally:
        socket.close()
