"""Seeded, messy request logs of known truth, for the benchmark and the tests of request logs.

`write` makes a log with the parameters of `Truth`, so that panel and effects can be held
against what the log was generated from.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv

REGIONS = np.array(
    ["Челябинская область", "г. Москва", "Республика Адыгея", "Камчатский край", "Московской обл.", "Псковская область",
     "Томская область", "Тульская обл.", "ЯНАО", "Кировская область", "Уральский федеральный округ", "Алтай"]
)  # fmt: skip
SHARES = np.array([0.16, 0.16, 0.08, 0.08, 0.1, 0.08, 0.08, 0.08, 0.08, 0.09, 0.005, 0.005])
CHANNELS = np.array(["Портал Госуслуг", "МФЦ", "лично в ведомстве"])
LABELS = (
    "Номер заявления", "Субъект РФ", "Код услуги", "Канал подачи", "Дата подачи", "Дата завершения",
    "Затребовано документов", "Кол-во визитов", "Отказ", "Оценка",
)  # fmt: skip


@dataclass(frozen=True)
class Truth:
    """Parameters that a log is generated from."""

    services: int = 60
    mean_days: float = 9.0
    effect: float = -0.3  # log points, from the month in `optimised`
    online_share: float = 0.5
    refusal_share: float = 0.05
    first: str = "2024-01-01"
    days: int = 366
    as_of: str = "2024-12-31"


def optimised_month(service: int) -> str:
    """Every third service is optimised in July, every third in September, the rest never."""
    return ("2024-07", "2024-09", "")[service % 3]


def write(path: Path, rows: int, seed: int, truth: Truth = Truth(), chunk: int = 1_000_000) -> None:
    """Write a cp1251 log with ``;``, in pieces so that any size fits into memory."""
    rng = np.random.default_rng(seed)
    names = [name.encode("cp1251") for name in LABELS]
    with path.open("wb") as handle:
        handle.write(b";".join(names) + b"\r\n")
        for start in range(0, rows, chunk):
            _write_piece(handle, start, min(chunk, rows - start), rng, truth)


def _write_piece(handle, start: int, rows: int, rng: np.random.Generator, truth: Truth) -> None:
    received = np.datetime64(truth.first) + rng.integers(0, truth.days, rows)
    service = rng.integers(0, truth.services, rows)
    starts = np.array([optimised_month(s) or "9999-12" for s in range(truth.services)], dtype="datetime64[D]")
    treated = received >= starts[service]
    level = np.log(truth.mean_days) + 0.02 * (service % 7) + truth.effect * treated
    days = np.floor(np.exp(level + rng.normal(0, 0.5, rows))).astype(int)
    completed = received + days
    is_open = completed > np.datetime64(truth.as_of)
    text_in, text_out = _day_text(received), _day_text(completed)
    text_out = np.where(is_open, "", text_out)
    bad = rng.random(rows)
    text_in = np.where(bad < 0.0005, "31.02.2024", text_in)
    text_out = np.where((bad > 0.9995) & ~is_open, "01.01.2020", text_out)
    numbers = start + np.where((bad > 0.5) & (bad < 0.5002), 0, np.arange(rows))
    ids = pc.binary_join_element_wise("З", pc.utf8_lpad(pa.array(numbers).cast(pa.string()), 9, "0"), "-")
    frame = pd.DataFrame(
        {
            LABELS[0]: ids.to_numpy(zero_copy_only=False), LABELS[1]: REGIONS[rng.choice(len(REGIONS), rows, p=SHARES)],
            LABELS[2]: np.array([f"У-{one}" for one in range(truth.services)])[service],
            LABELS[3]: CHANNELS[np.where(rng.random(rows) < truth.online_share, 0, rng.integers(1, 3, rows))],
            LABELS[4]: text_in, LABELS[5]: text_out, LABELS[6]: rng.poisson(3, rows), LABELS[7]: rng.poisson(1, rows),
            LABELS[8]: np.where(~is_open & (rng.random(rows) < truth.refusal_share), "да", "нет"),
            LABELS[9]: np.where(is_open, "", rng.integers(1, 6, rows).astype(str)),
        }
    )  # fmt: skip
    again = np.flatnonzero((bad > 0.6) & (bad < 0.6001) & (np.arange(rows) > 0))
    frame.iloc[again] = frame.iloc[again - 1].to_numpy()  # sent twice, word for word
    sink = pa.BufferOutputStream()
    options = pyarrow.csv.WriteOptions(include_header=False, delimiter=";", quoting_style="none")
    pyarrow.csv.write_csv(pa.Table.from_pandas(frame, preserve_index=False), sink, options)
    handle.write(sink.getvalue().to_pybytes().decode("utf-8").encode("cp1251"))


def _day_text(days: np.ndarray) -> np.ndarray:
    """dd.mm.yyyy of each day, by way of the days between the first and the last."""
    first = days.min()
    span = np.arange(first, days.max() + 1)
    return pd.to_datetime(span).strftime("%d.%m.%Y").to_numpy(dtype=object)[(days - first).astype(int)]


def services(truth: Truth = Truth()) -> pd.DataFrame:
    """What is known of the services of the log."""
    numbers = np.arange(truth.services)
    return pd.DataFrame(
        {
            "service_id": [f"У-{n}" for n in numbers], "statutory_days": 10, "day_unit": "calendar_day",
            "optimised_month": [optimised_month(n) for n in range(truth.services)], "grade": "", "pre_grade": "В",
            "level": "regional",
        }
    )  # fmt: skip
