// SPDX-License-Identifier: BSD-2-Clause
// Opens the page of weir evaluate offline in headless Chromium: plots that read in light and
// dark, tables that sort, nothing fetched, nothing from a name become markup.
//   node evaluate.mjs FILE
import { chromium } from "playwright-core";
import { pathToFileURL } from "node:url";

const check = (name, good, detail = "") => {
	console.log(`${good ? "ok" : "not ok"} - page: evaluation: ${name}${good ? "" : `\n# ${detail}`}`);
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
const titles = await page.locator("h3").allInnerTexts();
check("has plots of all, train and test", ["all", "train", "test"].every(part =>
	titles.some(title => title.startsWith("Accuracy") && title.endsWith(part)) &&
	titles.some(title => title.startsWith("Names") && title.endsWith(part))), titles.join(", "));
const plots = page.locator("svg.plot");
check("each plot has points", (await plots.evaluateAll(all => all.map(plot =>
	plot.querySelectorAll("circle").length))).every(count => count > 0));
const inside = await plots.evaluateAll(all => all.every(plot => {
	const [, , width, height] = plot.getAttribute("viewBox").split(" ").map(Number);
	return [...plot.querySelectorAll("circle")].every(point => {
		const x = Number(point.getAttribute("cx")), y = Number(point.getAttribute("cy"));
		return x >= 0 && x <= width && y >= 0 && y <= height;
	});
}));
check("points lie within their plots", inside);
const rows = plots.nth(0);
const tips = await rows.locator("circle title").evaluateAll(all => all.map(tip => tip.textContent));
check("tooltips tell the interval", tips.some(tip => tip === "all: 50.0 % (23.7 to 76.3)"), tips.join("; "));
check("groups and grades have rows", tips.some(tip => tip.startsWith("west")) &&
	tips.some(tip => tip.startsWith("grade plain")), tips.join("; "));

const colours = {};
for (const scheme of ["light", "dark"]) {
	await page.emulateMedia({ colorScheme: scheme });
	colours[scheme] = await page.evaluate(() => {
		const text = document.querySelector("svg.plot text");
		const canvas = document.createElement("canvas").getContext("2d");
		const light = colour => {
			canvas.fillStyle = colour;
			canvas.fillRect(0, 0, 1, 1);
			const [r, g, b] = canvas.getImageData(0, 0, 1, 1).data;
			return (r + g + b) / 765;
		};
		return light(getComputedStyle(text).fill);
	});
}
check("text is dark on light and light on dark",
	colours.light < 0.3 && colours.dark > 0.7, JSON.stringify(colours));

const tables = page.locator("table.sortable");
check("has scores, calibration and misses", await tables.count() === 3);
const misses = tables.nth(2);
const heads = await misses.locator("th").allInnerTexts();
const said = heads.findIndex(text => text.startsWith("Said"));
const names = await misses.locator(`tbody tr td:nth-child(${said + 1})`).allInnerTexts();
check("shows a hostile name as text", names.some(name => name.includes("<img src=x")), names.join(" "));
await misses.locator("th button").nth(said).click();
check("tables sort", await misses.locator("th").nth(said).getAttribute("aria-sort") === "ascending");
check("runs without errors", errors.length === 0, errors.join(" "));
await browser.close();
