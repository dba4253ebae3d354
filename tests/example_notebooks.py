"""Executed report notebooks made from result objects without a kernel: what papermill would leave behind."""

import base64
import html

import nbformat
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from helpers.presentation import figures, formats
from helpers.presentation.results import MIME, to_dict

ESCAPE = html.escape


def words(result, ru, en):
    return ru if result.lang == "ru" else en


def display(data, metadata=None):
    return new_output("display_data", data=data, metadata=metadata or {})


def html_output(text):
    return display({"text/html": text, "text/plain": "<IPython.core.display.HTML object>"})


def cell(name, *outputs, tags=()):
    return new_code_cell("blocks.show(result)", metadata={"tags": [f"block-{name}", *tags]}, outputs=list(outputs), id=f"c-{name}")


def picture(result, name):
    figure = figures.draw(result, name)
    if figure is None:
        return []
    data, width, height = figures.encode(figure)
    alt = figures.alt(result, name)
    return [
        display(
            {"image/png": base64.b64encode(data).decode(), "text/plain": alt},
            {"image/png": {"alt": alt, "width": width, "height": height}},
        )
    ]


def table(caption, headers, rows, closed="", own=(), long=False):
    """Headers ending in a unit are numeric; the first column is the header of the row."""
    numeric = [i for i, head in enumerate(headers) if "," in head]
    heads = "".join(
        f'<th scope="col"{" class=num" if False else ""}{" class=" + chr(34) + "num" + chr(34) if i in numeric else ""}>{ESCAPE(h)}</th>'
        for i, h in enumerate(headers)
    )
    body = ""
    for k, row in enumerate(rows):
        cells = "".join(
            f'<th scope="row">{ESCAPE(v)}</th>' if i == 0 else f'<td{" class=" + chr(34) + "num" + chr(34) if i in numeric else ""}>{ESCAPE(v)}</td>'
            for i, v in enumerate(row)
        )
        body += f'<tr{" class=" + chr(34) + "own" + chr(34) if k in own else ""}>{cells}</tr>'
    inner = (
        f'<div class="scroll" role="group" aria-label="{ESCAPE(caption)}" tabindex="0"><table><caption>{ESCAPE(caption)}</caption>'
        f"<thead><tr>{heads}</tr></thead><tbody>{body}</tbody></table></div>"
    )
    if closed:
        kind = ' class="long"' if long else ""
        return f"<details{kind}><summary>{ESCAPE(closed)}</summary>{inner}</details>"
    return inner


def paragraph(text, kind=""):
    return f'<p class="{kind}">{ESCAPE(text)}</p>' if kind else f"<p>{ESCAPE(text)}</p>"


def span(estimate, lang):
    return formats.span(estimate.low, estimate.high, lang) if estimate.has_interval else formats.missing(lang)


def _front(result):
    items = "".join(f"<li>{ESCAPE(point)}</li>" for point in result.main_points)
    kpis = "".join(
        f"<div><dt>{ESCAPE(k.label)}</dt><dd><b>{ESCAPE(k.value)}</b> <span>{ESCAPE(k.note)}</span></dd></div>" for k in result.kpis
    )
    cells = [cell("headline", html_output(paragraph(result.headline.sentence, "headline")))]
    if result.lead:
        cells.append(cell("lead", html_output("".join(paragraph(s, "lead") for s in result.lead))))
    cells.append(cell("kpis", html_output(f'<dl class="kpi">{kpis}</dl>')))
    cells.append(cell("main_points", html_output(f'<ul class="points">{items}</ul>' if items else paragraph("—", "absent"))))
    return cells


def _rows(result, name):
    lang = result.lang
    head = words(result, "Участник", "Participant"), words(result, "Значение, %", "Value, %"), words(result, "Интервал, %", "Interval, %")
    if name == "comparison":
        return head, [(r.label, formats.number(r.estimate.value, lang), span(r.estimate, lang)) for r in result.comparison.rows]
    if name == "trend":
        return head, [(f"{p.label}, {p.period_label}", formats.number(p.estimate.value, lang), span(p.estimate, lang)) for p in result.trend.points]
    if name == "rank":
        return head, [(r.label, formats.number(r.estimate.value, lang), span(r.estimate, lang)) for r in result.rank.rows[:12]]
    if name == "tiles":
        return head[:2], [(f"{t.name}", t.value_text) for t in result.tiles.tiles]
    if name == "agencies":
        return head, [(a.name, formats.number(a.estimate.value, lang) if a.estimate else a.note, span(a.estimate, lang) if a.estimate else a.note) for a in result.agencies.rows]
    return head, [(t.period_label, formats.number(t.high, lang, 0), f"{t.base}") for t in result.groups.totals]


def _block(result, name):
    held = getattr(result, name, None)
    if held is None:
        sentence = result.absence(name)
        return [cell(name, html_output(paragraph(sentence, "absent")))] if sentence else []
    heads, rows = _rows(result, name)
    data = words(result, "Данные таблицей", "Data as a table")
    return [cell(name, *(picture(result, name) if name != "agencies" else []), html_output(table(held.text.caption, heads, rows, data, long=len(rows) > 30)))]


def _effect(result):
    if result.effect is None:
        return [cell("effect", html_output(paragraph(result.absence("effect"), "absent")))] if result.absence("effect") else []
    block, lang = result.effect, result.lang
    first = block.results[0]
    callout = f'<div class="callout"><p>{ESCAPE(first.naive_sentence)}</p>{"".join(paragraph(n) for n in block.notes)}</div>'
    heads = words(result, "Величина", "Quantity"), words(result, "Дней, значение", "Days, value"), words(result, "Дней, интервал", "Days, interval")
    rows = [
        (label, formats.number(e.value, lang), formats.change_span(e.low, e.high, lang))
        for label, e in ((words(result, "Оценка", "Estimate"), first.estimate), (words(result, "До и после: не эффект", "Before and after: not the effect"), first.naive))
    ]
    return [cell("effect", html_output(paragraph(first.sentence)), *picture(result, "effect"), html_output(table(block.text.caption, heads, rows) + callout))]


def _services(result):
    if result.next_services is None:
        return []
    lang = result.lang
    heads = (
        words(result, "Услуга", "Service"), words(result, "Орган", "Body"), words(result, "Оценка", "Grade"),
        words(result, "Срок, рабочих дней", "Time, working days"), words(result, "Заявлений, в год", "Applications, a year"),
        words(result, "Ожидаемое сокращение, рабочих дней", "Expected gain, working days"),
    )  # fmt: skip
    rows = [
        (r.name, r.agency, r.grade, formats.number(r.days.value, lang) if r.days else formats.missing(lang),
         formats.number(r.applications_year, lang, 0), f"{formats.number(r.gain.value, lang)} ({formats.change_span(r.gain.low, r.gain.high, lang)})")
        for r in result.next_services.rows
    ]  # fmt: skip
    return [cell("next_services", html_output(table(result.next_services.text.caption, heads, rows) + paragraph(result.next_services.rule, "note")))]


def _published(result):
    cells = []
    for section in result.published:
        rows = [(f.label, f.period_label, f.value) for f in section.facts]
        heads = words(result, "Показатель", "Indicator"), words(result, "Период", "Period"), words(result, "Значение, с единицей", "Value, with unit")
        cells.append(html_output("".join(paragraph(s) for s in section.sentences) + table(section.caption, heads, rows)))
    return [cell("published", *cells)] if cells else []


def _back(result):
    quality = "".join(paragraph(s) for s in result.quality.sentences)
    quality += "".join(f'<p class="warn">{ESCAPE(words(result, "Противоречие", "Contradiction"))}: {ESCAPE(c.text)}</p>' for c in result.quality.contradictions)
    heads = words(result, "Издатель", "Publisher"), words(result, "Документ", "Document"), words(result, "Дата", "Date"), words(result, "Контрольная сумма", "Checksum")
    rows = [(s.publisher, s.title, s.date, s.checksum) for s in result.sources]
    c = result.colophon
    return [
        cell("quality", html_output(quality)),
        cell("method", html_output("".join(paragraph(m) for m in result.method))),
        cell("sources", html_output(table(words(result, "Источники", "Sources"), heads, rows))),
        cell("colophon", html_output(paragraph(f"{c.notebook} · {c.data_version} · {c.contact}"))),
    ]


def notebook(result, with_description=False):
    """Executed notebook of a regional or national result."""
    cells = [
        new_markdown_cell("# Для аналитика: этот текст на страницу не попадает", id="c-intro"),
        new_code_cell("region = 'RU-CHE'  # code", metadata={"tags": ["parameters"]}, outputs=[html_output("<p>parameters</p>")], id="c-params"),
        new_code_cell("region = 'RU-CHE'", metadata={"tags": ["injected-parameters"]}, outputs=[html_output("<p>injected</p>")], id="c-injected"),
        new_code_cell("results.show(result)", outputs=[display({MIME: to_dict(result)})], id="c-result"),
        *_front(result),
    ]
    for name in ("comparison", "trend"):
        cells += _block(result, name)
    cells += [*_effect(result), *_services(result)]
    for name in ("rank", "tiles", "agencies", "groups"):
        cells += _block(result, name)
    cells += [*_published(result), *_back(result)]
    node = new_notebook(cells=cells, metadata={"kernelspec": {"name": "python3", "display_name": "Python 3"}})
    nbformat.validate(node)
    if with_description:
        from helpers.presentation import pages

        node.metadata["report"] = pages.metadata(result, "other.html")
    return node
