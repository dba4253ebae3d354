"""A notebook run as asked for and as it came back: small, frozen, picklable; no Jupyter import needed to plan."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Job:
    """Everything one notebook run needs; small and picklable.

    ``timeout`` is seconds per cell, ``memory_mb`` bounds the address space of the kernel (0: no bound).
    """

    report_id: str
    template: Path
    parameters: dict[str, Any]
    lang: str = "ru"
    region_iso: str = ""
    content_key: str = ""
    engine: str = "warm"
    timeout: int = 300
    memory_mb: int = 6144
    export: bool = True
    pdf: bool = False
    other_href: str = ""  # the same report in the other language
    root: str = ""
    commit: str = ""  # of the code, for the colophon of the page


@dataclass(frozen=True)
class Product:
    """What a job made. ``error`` is empty when all of it is whole; then the notebook may take its final name.

    ``cpu_seconds`` are those of the driving thread and of the kernel, ``kernel_seconds`` of the kernel alone.
    """

    report_id: str
    notebook: bytes = b""
    page: bytes = b""
    result: bytes = b""
    pdf: bytes = b""
    tables: dict[str, bytes] = field(default_factory=dict)
    seconds: float = 0.0
    cpu_seconds: float = 0.0
    kernel_seconds: float = 0.0
    error: str = ""
    details: str = ""
