// usage: node check_pages.mjs page.html …   →  JSON: per page, width and colour scheme the faults found by axe-core,
// addresses requested, console messages, and by how many pixels the page is wider than its window.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { launch, open } from "./browser.mjs";

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];
const browser = await launch();
const report = [];
try {
  for (const file of process.argv.slice(2)) {
    for (const scheme of ["light", "dark"]) {
      for (const width of [360, 1280]) {
        const { page, asked, said } = await open(browser, file, { width, scheme });
        const overflow = await page.evaluate(
          () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
        );
        await page.evaluate(axe);
        const found = await page.evaluate(async (tags) => axe.run(document, { runOnly: tags }), TAGS);
        const violations = found.violations.map((v) => `${v.id}: ${v.help} at ${v.nodes.map((n) => n.target).slice(0, 3)}`);
        report.push({ file, scheme, width, violations, asked, said, overflow, passes: found.passes.length });
        await page.close();
      }
    }
  }
} finally {
  await browser.close();
}
console.log(JSON.stringify(report));
