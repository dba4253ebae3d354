"""What a finished page promises, checked on its bytes: self-contained, silent, pictures described, small enough."""

import re
from html.parser import HTMLParser

MOST_BYTES = 400_000
MOST_STYLE = 6_000
MOST_PICTURES = 200_000
ADVICE = "pictures of"
VOID_ATTRIBUTES = ("src", "srcset", "poster", "background", "data", "formaction", "action")
FORBIDDEN_TAGS = {"script", "iframe", "object", "embed", "link", "base", "form", "audio", "video", "svg", "canvas"}


class PageError(ValueError):
    """A page that breaks a promise, or a notebook that cannot become a page."""


class _Reader(HTMLParser):
    """Collects faults of a page, and the heading outline."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.faults: list[str] = []
        self.headings: list[int] = []
        self.ids: list[str] = []
        self.landmarks: list[str] = []
        self.lang = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        if tag in FORBIDDEN_TAGS:
            self.faults.append(f"<{tag}> is not allowed")
        if tag == "html":
            self.lang = values.get("lang", "")
        if tag in ("header", "main", "footer"):
            self.landmarks.append(tag)
        if re.fullmatch("h[1-6]", tag):
            self.headings.append(int(tag[1]))
        if "id" in values:
            self.ids.append(values["id"])
        if tag == "img":
            self._picture(values)
        for name, value in values.items():
            if name.startswith("on"):
                self.faults.append(f"attribute {name} runs code")
            if name in VOID_ATTRIBUTES and not value.startswith("data:image/png;base64,"):
                self.faults.append(f"{name} loads {value[:60]!r}")
            if name == "href" and re.match(r"\s*(javascript|data|vbscript):", value, re.IGNORECASE):
                self.faults.append(f"link to {value[:40]!r}")

    def _picture(self, values: dict[str, str]) -> None:
        alt = values.get("alt", "").strip()
        if not alt:
            self.faults.append("a picture has no alternative text")
        for name in ("width", "height"):
            if not values.get(name, "").isdigit() or int(values[name]) == 0:
                self.faults.append(f"a picture has no {name}: {alt[:60]!r}")


def faults(page: str) -> list[str]:
    """Every broken promise of a page, in words; empty for a good page."""
    reader = _Reader()
    reader.feed(page)
    found = list(reader.faults)
    if reader.lang not in ("ru", "en"):
        found.append(f"lang of the page is {reader.lang!r}")
    if reader.headings.count(1) != 1 or reader.headings[0] != 1:
        found.append("a page has one h1, before all other headings")
    steps = zip(reader.headings, reader.headings[1:], strict=False)
    if any(after > before + 1 for before, after in steps):
        found.append("a level of headings is skipped")
    if reader.landmarks != ["header", "main", "footer"]:
        found.append(f"landmarks are {reader.landmarks} instead of header, main, footer")
    double = {name for name in reader.ids if reader.ids.count(name) > 1}
    found += [f"id {name!r} is used twice" for name in sorted(double)]
    found += [f"id {name!r} is not ASCII" for name in reader.ids if not re.fullmatch(r"[A-Za-z][\w-]*", name, re.ASCII)]
    return found + _sizes(page)


def _sizes(page: str) -> list[str]:
    found = []
    size = len(page.encode("utf-8"))
    style = sum(len(text.encode("utf-8")) for text in re.findall(r"<style>(.*?)</style>", page, re.DOTALL))
    pictures = sum(len(text) * 3 // 4 for text in re.findall(r"data:image/png;base64,([^\"']+)", page))
    for name, value, most in (
        ("page", size, MOST_BYTES),
        ("style", style, MOST_STYLE),
        ("pictures", pictures, MOST_PICTURES),
    ):
        if value > most:
            found.append(f"{name} of {value} bytes, at most {most} are allowed")
    styles = re.findall(r"<style>.*?</style>|\sstyle=\"[^\"]*\"", page, re.DOTALL)
    if any(re.search(r"url\(|@import|expression\(", text) for text in styles):
        found.append("style loads something")
    return found


def check(page: str) -> None:
    """Raise PageError naming every broken promise of the page; heavy pictures alone do not stop a report."""
    found = [fault for fault in faults(page) if not fault.startswith(ADVICE)]
    if found:
        raise PageError("; ".join(dict.fromkeys(found)))
