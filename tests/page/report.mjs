// SPDX-License-Identifier: BSD-2-Clause
// Opens an inventory report offline in headless Chromium: chart, tables, sorting, and that
// nothing is fetched and nothing from a file name becomes markup.  node report.mjs FILE
import { chromium } from "playwright-core";
import { pathToFileURL } from "node:url";

const check = (name, good, detail = "") => {
	console.log(`${good ? "ok" : "not ok"} - page: ${name}${good ? "" : `\n# ${detail}`}`);
};
const browser = await chromium.launch({
	executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
	args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
		"--disable-background-networking", "--disable-component-update", "--disable-sync"],
});
const context = await browser.newContext({ offline: true });
const page = await context.newPage();
const requests = [], errors = [];
page.on("request", request => requests.push(request.url()));
page.on("pageerror", error => errors.push(String(error)));
page.on("dialog", dialog => { errors.push("dialog"); dialog.dismiss(); });
await page.goto(pathToFileURL(process.argv[2]).href);

check("loads only itself", requests.length === 1, requests.join(" "));
const bars = await page.locator("svg.chart rect").count();
check("has a chart with bars", bars > 10, `${bars} bars`);
const heights = await page.locator("svg.chart rect").evaluateAll(all =>
	all.map(bar => Number(bar.getAttribute("height"))));
check("some bar is high", Math.max(...heights) > 50, heights.join(" "));
const tables = page.locator("table.sortable");
check("has the hosts and their downloads", await tables.count() >= 2);

const downloads = tables.nth(1);
const heads = await downloads.locator("th").allInnerTexts();
const sizeColumn = heads.findIndex(text => text.startsWith("Size"));
const nameColumn = heads.findIndex(text => text.startsWith("Name"));
check("has size and name columns", sizeColumn >= 0 && nameColumn >= 0, heads.join(" "));
const column = index => downloads.locator(`tbody tr td:nth-child(${index + 1})`).allInnerTexts();
const press = index => downloads.locator("th button").nth(index).click();

await press(sizeColumn);
let sizes = (await column(sizeColumn)).filter(text => text !== "").map(Number);
check("sorts numbers as numbers", sizes.length > 3 &&
	sizes.every((size, i) => i === 0 || sizes[i - 1] <= size), sizes.join(" "));
check("says so to readers", await downloads.locator("th").nth(sizeColumn)
	.getAttribute("aria-sort") === "ascending");
await press(sizeColumn);
sizes = (await column(sizeColumn)).filter(text => text !== "").map(Number);
check("sorts the other way when pressed again",
	sizes.every((size, i) => i === 0 || sizes[i - 1] >= size), sizes.join(" "));
await press(nameColumn);
const names = (await column(nameColumn)).filter(text => text !== "");
const sorted = [...names].sort((a, b) => a.localeCompare(b, "en", { numeric: true }));
check("sorts words", names.join() === sorted.join(), names.join(" "));
check("shows a hostile name as text", names.some(name => name.includes("<img")), names.join(" "));
check("runs without errors", errors.length === 0, errors.join(" "));
await browser.close();
