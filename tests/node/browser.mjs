// Starts Debian's chromium without a network of its own, and opens a page file while counting what it asks for.
import { existsSync } from "node:fs";
import { pathToFileURL } from "node:url";
import puppeteer from "puppeteer-core";

export const CHROMIUM = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"].find(existsSync);

export async function launch(extra = []) {
  return puppeteer.launch({
    executablePath: CHROMIUM,
    headless: true,
    args: [
      "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
      "--disable-background-networking", "--disable-component-update", "--disable-sync", "--hide-scrollbars",
      ...extra,
    ],
  });
}

// Opens the file; returns the page with `asked` (addresses it requested besides itself) and `said` (console and errors).
export async function open(browser, file, { width, scheme, media = "screen", scale = 1 }) {
  const page = await browser.newPage();
  const asked = [];
  const said = [];
  await page.setViewport({ width, height: 800, deviceScaleFactor: scale });
  await page.emulateMediaType(media);
  await page.emulateMediaFeatures([{ name: "prefers-color-scheme", value: scheme }]);
  await page.setRequestInterception(true);
  page.on("request", (request) => {
    const url = request.url();
    if (url.startsWith("file:") || url.startsWith("data:")) request.continue();
    else {
      asked.push(url);
      request.abort();
    }
  });
  page.on("console", (message) => said.push(message.text()));
  page.on("pageerror", (error) => said.push(String(error)));
  await page.goto(pathToFileURL(file).href, { waitUntil: "load" });
  return { page, asked, said };
}
