// SPDX-License-Identifier: BSD-2-Clause
// Opens an inventory report offline in headless Chromium: chart, tables, sorting, and that
// nothing is fetched and nothing from a file name becomes markup.  node report.mjs FILE
import { testPage } from "./open.mjs";

await testPage("report", process.argv[2], async ({ page, check }) => {
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
});
