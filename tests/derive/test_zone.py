"""DNS records as a zone file: whole names, texts in strings of 255 bytes, and nothing that gets out of its line."""

from __future__ import annotations

from typing import Any, ClassVar

from reconciler.contract import Output
from reconciler.contract.kind import Kind
from reconciler.derive.zone import zone
from reconciler.model import Address
from tests.cloud import Project

MAIL = Address("cloud.project", "mail")


class Zoned(Project):
    outputs: ClassVar[dict[str, Output]] = {"id": Output(), "records": Output(zone=True), "notes": Output()}


def written(*records: dict[str, Any], **more: Any) -> list[str]:
    """The lines of a zone file but for its head."""
    def kind(bound: str) -> Kind[Any] | None:
        return Zoned(None) if bound == "cloud.project" else None

    outputs = {MAIL: {"id": "d1", "records": list(records), **more}, Address("other.thing", "x"): {"id": "1"}}
    return zone(outputs, kind).splitlines()[2:]


def record(type: str, value: str, host: str = "send.mail.sql2.ai", **more: Any) -> dict[str, Any]:
    """One record as a vendor lists it."""
    return {"type": type, "host": host, "value": value, "ttl": "Auto", **more}


def test_each_record_is_a_line_under_its_whole_name() -> None:
    """So the file fits below any origin; a vendor's `Auto` is the zone's own time to live."""
    made = written(record("MX", "feedback-smtp.eu-west-1.amazonses.com", priority=20), record("TXT", "v=spf1 ~all", ttl="60"),
                   record("CNAME", "links.resend-dns.com", "links.mail.sql2.ai"), record("CAA", '0 issue "amazon.com"'),
                   notes=[record("TXT", "no record")])
    assert made == ["; cloud.project/mail",
                    "send.mail.sql2.ai. IN MX 20 feedback-smtp.eu-west-1.amazonses.com.",
                    'send.mail.sql2.ai. 60 IN TXT "v=spf1 ~all"',
                    "links.mail.sql2.ai. IN CNAME links.resend-dns.com.",
                    'send.mail.sql2.ai. IN CAA 0 issue "amazon.com"']
    assert zone({}, lambda bound: None).splitlines()[1:] == ["$TTL 3600"]


def test_a_long_text_is_several_strings() -> None:
    """A string in a zone file holds 255 bytes; a resolver joins them again."""
    key = "p=" + "A" * 400
    line = written(record("TXT", key))[1]
    strings = line.partition("IN TXT ")[2].split(" ")
    assert [len(one) - 2 for one in strings] == [255, 147]
    assert "".join(one[1:-1] for one in strings) == key


def test_nothing_gets_out_of_its_line() -> None:
    """Quotes, line ends and other bytes of a text are written so that they stay in it; what is no record is counted."""
    made = written(record("TXT", 'a"b\\c\nd ü'), record("TXT", "x", "evil\n$INCLUDE /etc/passwd"), record("MX", "a b"),
                   record("CAA", '0 issue "a\nb"'), record("SOA", "x"))
    assert made == ["; cloud.project/mail", 'send.mail.sql2.ai. IN TXT "a\\"b\\\\c\\010d \\195\\188"',
                    "; left out, as no zone file can hold them: 4"]
