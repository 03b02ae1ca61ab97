"""A plan as one page: nothing in it is active but its own script, and it reads well from five entries to hundreds."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterator
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest

from reconciler.model import Address, Change, Impact, Op
from reconciler.output import html, json
from reconciler.output.side import Pair, differing, lines, pairs
from tests.output.browser import PROGRAM, Page, browser
from tests.output.many import five_hundred
from tests.output.payloads import WORD, everywhere, payloads
from tests.output.plans import act, every_operation, plan

needs_chromium = pytest.mark.skipif(PROGRAM is None, reason="there is no chromium here")


class Shape(HTMLParser):
    """The tags of a page, the names of their attributes, and where they lead."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, tuple[str, ...]]] = []
        self.links: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, tuple(name for name, _ in attrs)))
        self.links += [value or "" for name, value in attrs if name in ("href", "src", "action", "srcset", "data")]


def test_no_value_becomes_a_tag() -> None:
    """100 payloads in every place of a plan: the tags and attributes stay the same, and links lead into the page only."""
    shape = Shape(html.page([everywhere(WORD)])).tags
    for evil in payloads(100):
        found = Shape(html.page([everywhere(evil)]))
        assert [tag for tag in found.tags if tag not in shape] == [], repr(evil)
        assert all(re.fullmatch(r"#a\d+-\d+", link) for link in found.links), repr(evil)


def test_the_policy_knows_exactly_this_script_and_this_style() -> None:
    """Whatever else gets into the page does not run: both are named by their hash, everything else is forbidden."""
    text = html.page([every_operation()])
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', text)
    assert policy is not None
    assert policy[1].startswith("default-src 'none'; ")
    for word, tag in (("script-src", "script"), ("style-src", "style")):
        inside = re.search(rf"<{tag}>(.*?)</{tag}>", text, re.DOTALL)
        assert inside is not None
        made = base64.b64encode(hashlib.sha256(inside[1].encode()).digest()).decode()
        assert f"{word} 'sha256-{made}'" in policy[1]
    assert not re.search(r"(https?:)?//[a-z]", text)
    assert ' style="' not in text


def test_a_saved_plan_gives_the_same_page_as_the_live_one() -> None:
    """The file is enough."""
    live = every_operation()
    saved = json.load(json.dump(live, "0.1.0", show_unchanged=True)).plan
    assert html.page([saved]) == html.page([live])


def test_several_plans_share_a_page() -> None:
    """Each has its head, its picture and its list; the ids don't meet."""
    text = html.page([every_operation(), replace(every_operation(), stack="production")])
    assert "<h1>sql2ai / staging</h1>" in text
    assert "<h1>sql2ai / production</h1>" in text
    ids = re.findall(r'id="(a\d+-\d+)"', text)
    assert len(ids) == len(set(ids)) == 2 * 15


def test_a_small_plan_is_drawn_whole_and_a_big_one_by_what_is_alike() -> None:
    """A needed entry that is unchanged is drawn beside what needs it; of 500 changes, those alike are one node."""
    small, big = html.page([every_operation()]), html.page([five_hundred()])
    assert small.count('class="edge"') == 2
    assert '<text class="name" x="11" y="17">team</text>' in small
    assert big.count('<g class="node') == 14
    assert "180 of posthog.feature_flag" in big
    assert '<text class="name" x="11" y="17">backend</text>' in big


def test_three_hundred_entries_are_drawn_without_overlap() -> None:
    """A net of 300 entries with dependencies of their own: every node has its place, and loops do no harm."""
    names = [Address("stripe.price", f"p{n}") for n in range(300)]
    made = [act(Op.UPDATE, str(one), Change("a", 1, n), line=n + 1, impact=(Impact.COSMETIC,),
                needs=tuple(names[k] for k in (n // 3, (n * 7) % 300) if k != n)) for n, one in enumerate(names)]
    text = html.page([plan(*made)])
    spots = [(float(x), float(y)) for x, y in re.findall(r"translate\(([\d.]+),([\d.]+)\)", text)]
    widths = [float(width) for width in re.findall(r'<rect width="([\d.]+)"', text)]
    assert len(spots) == len(widths) == 300
    by_row: dict[float, list[tuple[float, float]]] = {}
    for (x, y), width in zip(spots, widths, strict=True):
        by_row.setdefault(y, []).append((x, x + width))
    assert all(a[1] <= b[0] for row in by_row.values() for a, b in zip(sorted(row), sorted(row)[1:], strict=False))


def test_texts_stand_side_by_side() -> None:
    """Lines that belong together are one row, what is far from a change is counted, and what differs in two lines is known."""
    before = [f"line {n}" for n in range(30)]
    after = [*before[:15], "another", *before[16:]]
    found = list(pairs(before, after))
    assert found[0] == Pair(None, None, skipped=12)
    assert found[4] == Pair("line 15", "another")
    assert found[-1] == Pair(None, None, skipped=11)
    assert differing("caps: [read]", "caps: [read, list]") == (("caps: [read", "", "]"), ("caps: [read", ", list", "]"))
    assert lines({"tiers": [{"up_to": n, "amount": "0.00025", "flat": 1000} for n in (1, 2)]}) == [
        "tiers:", '  - {up_to: 1, amount: "0.00025", flat: 1000}', '  - {up_to: 2, amount: "0.00025", flat: 1000}']


@pytest.fixture(scope="module")
def tab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    with browser(tmp_path_factory.mktemp("profile")) as page:
        yield page


def shown(tab: Page) -> list[str]:
    """The addresses that are seen."""
    seen = "document.querySelectorAll('details.action:not([hidden]) .address')"
    found: list[str] = tab.run(f"[...{seen}].map((one) => one.textContent)")
    return found


@needs_chromium
@pytest.mark.parametrize(("width", "dark"), [(1400, False), (390, True)])
def test_a_browser_has_nothing_to_complain_of(tab: Page, tmp_path: Path, width: int, *, dark: bool) -> None:
    """No error, no request but the page itself, no need to scroll sideways; dark where the reader's system is."""
    file = tmp_path / "plan.html"
    for made in (every_operation(), five_hundred(), plan(), everywhere("<img src=http://evil.example onerror=alert(1)>")):
        file.write_text(html.page([made]), "utf-8")
        tab.open(file, width=width, dark=dark)
        assert tab.complaints == []
        assert tab.asked == [file.as_uri()]
        assert tab.run("document.documentElement.scrollWidth") <= width
        paper = tab.run("getComputedStyle(document.body).backgroundColor")
        assert sum(map(int, re.findall(r"\d+", paper))) < 200 if dark else sum(map(int, re.findall(r"\d+", paper))) > 600


@needs_chromium
def test_filters_choose_what_is_seen(tab: Page, tmp_path: Path) -> None:
    """Values of one row are either-or, rows are and; the picture dims with them, words find addresses, Clear ends it."""
    file = tmp_path / "plan.html"
    file.write_text(html.page([every_operation()]), "utf-8")
    tab.open(file)
    every = shown(tab)
    assert len(every) == 15
    press = "document.querySelector('button[data-facet={0}][data-value={1}]').click()"
    tab.run(press.format("vendor", "stripe"))
    assert {one.split(".")[0] for one in shown(tab)} == {"stripe"}
    tab.run(press.format("vendor", "vault"))
    tab.run(press.format("impact", "money"))
    tab.run(press.format("impact", "access"))
    assert sorted(shown(tab)) == ["stripe.price/pro_monthly", "stripe.price/team_yearly", "vault.kv_secret/smtp",
                                  "vault.policy/api"]
    tab.run(press.format("op", "update"))
    assert sorted(shown(tab)) == ["vault.kv_secret/smtp", "vault.policy/api"]
    assert tab.run("document.querySelectorAll('.graph .node:not(.off)').length") == 2
    assert tab.run("document.querySelectorAll('section.group:not([hidden])').length") == 1
    assert tab.run("document.querySelector('.count').textContent") == "2 of 15 shown"
    tab.run("document.querySelector('#clear').click()")
    assert shown(tab) == every
    tab.run("const find = document.querySelector('input'); find.value = 'price manifests/stripe.yaml:12'; "
            "find.dispatchEvent(new Event('input'))")
    assert shown(tab) == ["stripe.price/pro_monthly"]
    assert tab.complaints == []


@needs_chromium
def test_a_node_leads_to_its_entry(tab: Page, tmp_path: Path) -> None:
    """A click on a node opens its entry, also one that was closed and filtered away."""
    file = tmp_path / "plan.html"
    file.write_text(html.page([five_hundred()]), "utf-8")
    tab.open(file)
    tab.run("document.querySelector('button[data-value=stripe]').click()")
    link = tab.run("[...document.querySelectorAll('a')].find((one) => one.textContent.includes('posthog.event'))"
                   ".getAttribute('href')")
    closed = tab.run(f"document.querySelector('{link}').open || !document.querySelector('{link}').hidden")
    assert closed is False
    tab.run(f"location.hash = '{link}'; new Promise((done) => setTimeout(done, 0))")
    assert tab.run(f"document.querySelector('{link}').open && !document.querySelector('{link}').hidden") is True
