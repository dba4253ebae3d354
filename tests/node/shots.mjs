// usage: node shots.mjs jobs.json   →  pictures of pages. A job: {file, out, width, scheme, media, scale, height, forced,
// grey, contrast}. `forced` inverts the colours as a phone's forced dark mode does; `height` cuts the picture.
import { readFileSync } from "node:fs";
import { launch, open } from "./browser.mjs";

const jobs = JSON.parse(readFileSync(process.argv[2], "utf8"));
for (const forced of [false, true]) {
  const mine = jobs.filter((job) => Boolean(job.forced) === forced);
  if (mine.length === 0) continue;
  const browser = await launch(forced ? ["--enable-features=WebContentsForceDark", "--force-dark-mode"] : []);
  try {
    for (const job of mine) {
      const { page } = await open(browser, job.file, { scheme: "light", ...job });
      if (job.grey) await page.emulateVisionDeficiency("achromatopsia");
      if (job.height) {
        await page.screenshot({ path: job.out, clip: { x: 0, y: job.top ?? 0, width: job.width, height: job.height }, captureBeyondViewport: true });
      } else {
        await page.screenshot({ path: job.out, fullPage: true });
      }
      await page.close();
    }
  } finally {
    await browser.close();
  }
}
