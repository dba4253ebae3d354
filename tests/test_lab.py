"""The explore notebook in a real browser: run all cells, choose another region, see other numbers."""

import http.client
import os
import re
import secrets
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import conftest
import pytest

from helpers.intake import sources
from helpers.intake.collection import clean_collection
from helpers.tables import store

pytestmark = [pytest.mark.browser, pytest.mark.slow]

CHROMIUM = Path("/usr/bin/chromium")
FLAGS = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
)  # fmt: skip
SECONDS = 120
SECTIONS = (
    "Значение и его границы", "Место и его границы", "Динамика", "Сравнение за этот период", "Эффект оптимизации",
    "Отклонённые значения региона", "Путь числа до исходной ячейки",
)  # fmt: skip
RUN, RUN_ALL, IDLE = (
    "Выполнить",
    "Запустить все ячейки",
    "| Простаивает",
)  # the interface is Russian by the settings of the repository


def absent(reason):
    """A skip on a machine without the browser, a failure where everything was installed."""
    if conftest.on_ci():
        pytest.fail(reason)
    pytest.skip(reason)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture
def published_world(world):
    """A small world with the published figures, cleaned."""
    raw = conftest.REPOSITORY / "data" / "raw"
    shutil.copytree(raw / "published", world / "data" / "raw" / "published")
    rows = [s for s in sources.read_catalog(raw / "catalog.csv") if s.path.startswith("published/")]
    sources.write_catalog(world / "data" / "raw" / "catalog.csv", rows)
    shutil.copy(conftest.REPOSITORY / "params.toml", world / "params.toml")
    for name, table in clean_collection(sources.of_collection("real")).items():
        store.save(name, table, "real")
    return world


@pytest.fixture
def lab(published_world):
    """Address of a JupyterLab on this machine only, with settings of its own; stopped afterwards."""
    if not CHROMIUM.exists():
        absent(f"{CHROMIUM} is not installed: run tools/install_system.sh as root")
    pytest.importorskip("playwright")
    port, token, state = free_port(), secrets.token_hex(16), published_world / "jupyter"
    environment = os.environ | {
        name: str(state / name.lower()) for name in ("JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR")
    }
    environment |= {"IPYTHONDIR": str(state / "ipython"), "JUPYTERLAB_SETTINGS_DIR": str(state / "settings")}
    environment |= {"JUPYTERLAB_WORKSPACES_DIR": str(state / "workspaces")}
    command = [
        sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", "--ServerApp.ip=127.0.0.1",
        f"--ServerApp.port={port}", "--ServerApp.port_retries=0", f"--IdentityProvider.token={token}",
        f"--ServerApp.root_dir={published_world}",
    ]  # fmt: skip
    overrides = state / "jupyter_config_dir" / "labconfig" / "default_setting_overrides.json"
    overrides.parent.mkdir(parents=True)
    shutil.copy(conftest.REPOSITORY / "lab" / "overrides.json", overrides)
    log = (published_world / "lab.log").open("w", encoding="utf-8")
    server = subprocess.Popen(command, env=environment, stdout=log, stderr=log, start_new_session=True)
    try:
        address = f"http://127.0.0.1:{port}"
        wait_for(f"{address}/api/status?token={token}", server, published_world / "lab.log")
        yield address, token
    finally:
        server.terminate()
        try:
            server.wait(20)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait(10)
        log.close()


def wait_for(address, server, log):
    end = time.monotonic() + SECONDS / 2
    while time.monotonic() < end:
        try:
            with urllib.request.urlopen(address, timeout=5):
                return
        except (urllib.error.URLError, http.client.HTTPException, TimeoutError, ConnectionError):
            assert server.poll() is None, log.read_text(encoding="utf-8")[-2000:]
            time.sleep(0.3)
    pytest.fail(f"JupyterLab did not answer in {SECONDS / 2:.0f} s: {log.read_text(encoding='utf-8')[-2000:]}")


def accept(dialog):
    """Answer a question that the interface asks on a slow machine (which kernel, keep waiting) with its default."""
    dialog.locator(".jp-mod-accept").last.click()


def test_run_all_then_another_region_shows_other_numbers(lab):
    from playwright.sync_api import sync_playwright

    address, token = lab
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=list(FLAGS))
        try:
            page = browser.new_page(viewport={"width": 1400, "height": 1000})
            page.set_default_timeout(SECONDS / 2 * 1000)
            outside = []
            page.on(
                "request", lambda request: outside.append(request.url) if not is_local(request.url, address) else None
            )
            page.add_locator_handler(page.locator("dialog.jp-Dialog"), accept)
            page.goto(f"{address}/lab/tree/notebooks/explore.ipynb?reset&token={token}")
            page.locator(".jp-Notebook-cell").first.wait_for()
            page.locator("#jp-main-statusbar").get_by_text(IDLE).first.wait_for()
            run_all(page)
            region = page.locator(".widget-dropdown select").first
            wait_in_view(page, region)
            answer = page.locator(".jp-OutputArea .widget-html-content", has_text="Значение и его границы").first

            region.select_option(label="Челябинская область")
            answer.filter(has_text="64,54").wait_for()
            shown = answer.inner_text()
            assert "2024-H1" in shown and "published_facts.csv" in shown and "row 32" in shown
            assert [name for name in SECTIONS if name not in shown] == []
            assert answer.locator("img").count() == 1

            region.select_option(label="Ямало-Ненецкий автономный округ")
            answer.filter(has_text="56,5").wait_for()
            other = answer.inner_text()
            assert "64,54" not in other.partition(SECTIONS[3])[0] and "56,5" in other
            assert region.bounding_box()["y"] < 300, "the pickers stay where they were"
            assert not page.locator('.jp-OutputArea-output[data-mime-type="application/vnd.jupyter.stderr"]').count()
            assert not outside
        finally:
            browser.close()


def run_all(page):
    """By the menu, as a person does; again if the notebook was not ready to listen."""
    begun = page.locator(".jp-InputPrompt").filter(has_text=re.compile(r"\[(\*|\d+)\]"))
    end = time.monotonic() + SECONDS / 4
    while not begun.count():
        assert time.monotonic() < end, "no cell began to run"
        dialogs = [dialog.inner_text() for dialog in page.locator("dialog.jp-Dialog").all()]
        assert not dialogs, f"JupyterLab asks: {dialogs}"
        page.locator(".lm-MenuBar-itemLabel").get_by_text(RUN, exact=True).click()
        page.wait_for_timeout(500)
        page.locator(".lm-Menu-itemLabel").get_by_text(RUN_ALL, exact=True).click()
        page.wait_for_timeout(2000)


def wait_in_view(page, element):
    """After "Run all" the pickers must come to the upper part of the window by themselves: nobody scrolls."""
    element.wait_for()
    end = time.monotonic() + SECONDS / 4
    while not 0 < element.bounding_box()["y"] < 300:
        assert time.monotonic() < end, f"the pickers are out of sight: {element.bounding_box()}"
        page.wait_for_timeout(200)


def is_local(url, address):
    return url.startswith((address, address.replace("http", "ws", 1), "data:", "blob:", "about:"))
