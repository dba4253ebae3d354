"""A finished little release on disk, an independent header decoder, and mail servers that behave or misbehave."""

import base64
import csv
import email
import hashlib
import json
import quopri
import re
from dataclasses import replace
from pathlib import Path

import example_results

from helpers.delivery import mime
from helpers.delivery.recipients import Recipient, Scope
from helpers.presentation import results

SENDER = mime.Sender(
    "Клиентоцентричность: отчёты", "reports@ministry.example", "Аналитики", "analyst@ministry.example",
    "Клиентоцентричность", "reports.ministry.example", "analyst@ministry.example",
)  # fmt: skip


def recipient(address="official@region.example", regions=("RU-CHE",), demonstration=False, **more):
    values = {"name": "Иванова Анна", "lang": "ru", "format": "html"} | more
    scope = values.get("scope") or Scope(regions[0], tuple(regions))
    return Recipient(address, values["name"], scope, values["lang"], values["format"], demonstration)


def real(result):
    """The same invented result, dressed as a real one so that delivery rules for real data can be tested."""
    return replace(result, collection="real", is_synthetic=False, banner="")


def with_region(result, row):
    region = replace(
        result.region, code=row["iso_3166_2"], number=row["code"], name=row["name_ru"], genitive=row["genitive_ru"],
        prepositional=row["prepositional_ru"], label=row["label_ru"], name_en=row["name_en"],
    )  # fmt: skip
    return replace(result, region=region, masthead=f"Клиентоцентричность · {row['name_ru']}")


def release(folder: Path, made: list, collection="real", period="2024-H1", page=b"", **change) -> Path:
    """Write ``reports/<collection>/<period>`` with one report per result."""
    made = [replace(result, collection=collection, period=period) for result in made]
    home = folder / "reports" / collection / period
    (home / "results").mkdir(parents=True)
    rows = []
    for result in made:
        report_id = result.report_id
        files = {
            "html": page or f"<!DOCTYPE html><html lang='ru'><title>{report_id}</title></html>".encode(),
            "ipynb": b"{}", "pdf": b"%PDF-1.7 " + report_id.encode(),
        }  # fmt: skip
        for suffix, content in files.items():
            (home / f"{report_id}.{suffix}").write_bytes(content)
        text = results.to_json(result).encode()
        (home / "results" / f"{report_id}.json").write_bytes(text)
        sums = {suffix: hashlib.sha256(content).hexdigest() for suffix, content in files.items()}
        rows.append({
            "report_id": report_id, "status": "built", "checked": "passed", "html_sha256": sums["html"],
            "notebook_sha256": sums["ipynb"], "pdf_sha256": sums["pdf"],
            "result_sha256": hashlib.sha256(text).hexdigest(), "is_synthetic": str(result.is_synthetic),
            "collection": collection, "period": period, "lang": result.lang, "error": "",
        } | change)  # fmt: skip
    with (home / "status.csv").open("w", encoding="utf-8", newline="") as handle:
        writer = csv.DictWriter(handle, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    (home / "run.json").write_text(json.dumps({"started": "2026-01-15T02:00:00+03:00"}), encoding="utf-8")
    return home


def rich():
    return example_results.rich()


# ---- an independent decoder of RFC 2047 ----------------------------------------------------------------------

WORD = re.compile(r"=\?([^?]+)\?([bBqQ])\?([^?]*)\?=")


def decode_header(raw: str) -> str:
    """Unfold, join adjacent encoded words, decode: written from RFC 2047, not with Python's own parser."""
    text = re.sub(r"\r\n(?=[ \t])", "", raw)
    text = re.sub(r"(\?=)[ \t]+(?==\?)", r"\1", text)

    def one(match):
        charset, kind, payload = match.groups()
        if kind.lower() == "b":
            data = base64.b64decode(payload)
        else:
            data = quopri.decodestring(payload.replace("_", " ").encode(), header=False)
        return data.decode(charset)

    return WORD.sub(one, text).strip()


def headers_of(data: bytes) -> dict[str, list[str]]:
    head = data.split(b"\r\n\r\n", 1)[0].decode("ascii")
    found: dict[str, list[str]] = {}
    for line in re.split(r"\r\n(?![ \t])", head):
        name, _, value = line.partition(":")
        found.setdefault(name.lower(), []).append(value[1:] if value.startswith(" ") else value)
    return found


def wire_faults(data: bytes) -> list[str]:
    """What RFC 5322, 2045 and 2047 forbid in the bytes of a message."""
    faults = []
    if any(byte > 127 for byte in data):
        faults.append("not 7-bit")
    if re.search(rb"(?<!\r)\n|\r(?!\n)", data):
        faults.append("bare CR or LF")
    lines = data.split(b"\r\n")
    faults += [f"line of {len(line)}" for line in lines if len(line) > 998]
    head = data.split(b"\r\n\r\n", 1)[0]
    faults += [f"header line of {len(line)}" for line in head.split(b"\r\n") if len(line) > 78]
    words = re.findall(rb"=\?[^?]+\?[bBqQ]\?[^?]*\?=", head)
    faults += [f"encoded word of {len(word)}" for word in words if len(word) > 75]
    marked = re.sub(rb"=\?[^?]+\?[bBqQ]\?[^?]*\?=", b"\x00", head)
    glued = re.findall(rb"[^ \t\r\n\x00]\x00|\x00[^ \t\r\n]", marked)
    faults += [f"glued word {piece!r}" for piece in glued]
    headers = headers_of(data)
    for name in ("from", "to", "date", "message-id", "subject"):
        if len(headers.get(name, [])) != 1:
            faults.append(f"{name}: {len(headers.get(name, []))} times")
    if "bcc" in headers or "cc" in headers:
        faults.append("Cc or Bcc")
    return faults


def bodies(data: bytes) -> tuple[str, str]:
    """Plain text and HTML of a message."""
    parts = [part for part in email.message_from_bytes(data).walk() if part.get_filename() is None]
    found = {
        part.get_content_type(): part.get_payload(decode=True).decode("utf-8")
        for part in parts
        if not part.is_multipart()
    }
    return found["text/plain"].replace("\r\n", "\n"), found["text/html"]


def attachments(data: bytes) -> list[str]:
    """Names of the attached files."""
    parts = email.message_from_bytes(data).walk()
    return [part.get_filename() for part in parts if part.get_content_disposition() == "attachment"]
