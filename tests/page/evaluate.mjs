// SPDX-License-Identifier: BSD-2-Clause
// Opens the page of weir evaluate offline in headless Chromium: plots that read in light and
// dark, tables that sort, nothing fetched, nothing from a name become markup.
//   node evaluate.mjs FILE
import { testPage } from "./open.mjs";

await testPage("evaluation", process.argv[2], async ({ page, check }) => {
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
		colours[scheme] = await page.evaluate(() =>
			luminance(getComputedStyle(document.querySelector("svg.plot text")).fill));
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
});
