// SPDX-License-Identifier: BSD-2-Clause
// A page of ours in headless Chromium, offline: what every test of one needs.
import { chromium } from "playwright-core";
import { pathToFileURL } from "node:url";

// Prints "ok - page: SUBJECT: name", or "not ok" with a detail, for script/test to count.
const checker = subject => (name, good, detail = "") => {
	console.log(`${good ? "ok" : "not ok"} - page: ${subject}: ${name}${good ? "" : `\n# ${detail}`}`);
};

// Within every page: the light of a colour as CSS has it, 0 to 1 (WCAG 2, relative luminance).
const measures = () => {
	window.luminance = colour => {
		const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
		canvas.fillStyle = colour;
		canvas.fillRect(0, 0, 1, 1);
		const part = v => (v /= 255) <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4;
		const [r, g, b] = canvas.getImageData(0, 0, 1, 1).data;
		return 0.2126 * part(r) + 0.7152 * part(g) + 0.0722 * part(b);
	};
};

// What holds at any width: nothing is lost to the right of the screen but within boxes that
// scroll, which keys reach; links within the page lead somewhere; headings leave out no level.
const layout = async (page, check) => {
	const before = page.viewportSize();
	for (const width of [1280, 390]) {
		await page.setViewportSize({ width, height: 900 });
		const most = await page.evaluate(() => document.documentElement.scrollWidth);
		check(`fits ${width} pixels`, most <= width, String(most));
		check(`keys reach what scrolls, at ${width} pixels`, await page.evaluate(() =>
			[...document.querySelectorAll("body *")].every(one => one.scrollWidth <= one.clientWidth + 1 ||
				getComputedStyle(one).overflowX === "visible" || one.tabIndex === 0 && one.ariaLabel)));
	}
	await page.setViewportSize(before);
	const broken = await page.evaluate(() => [...document.querySelectorAll("a[href^='#']")]
		.filter(link => document.getElementById(link.getAttribute("href").slice(1)) === null).length);
	check("links lead somewhere", broken === 0, String(broken));
	const levels = await page.locator("h1, h2, h3").evaluateAll(all => all.map(one => Number(one.tagName[1])));
	check("headings leave out no level", levels.every((level, i) => level <= (levels[i - 1] ?? 0) + 1), levels.join(" "));
	const sort = page.locator("table.sortable th button").first();
	if (await sort.isVisible()) {
		await sort.focus();
		await page.keyboard.press("Enter");
		check("a key sorts", await page.locator("table.sortable th").first().getAttribute("aria-sort") === "ascending");
	}
};

// Opens a file, lets test({page, check}) look at it, and checks what holds for every page:
// it loads only itself and runs without errors.
export const testPage = async (subject, file, test) => {
	const check = checker(subject);
	const browser = await chromium.launch({
		executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
		args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
			"--disable-background-networking", "--disable-component-update", "--disable-sync"],
	});
	const context = await browser.newContext({ offline: true });
	const page = await context.newPage();
	await page.addInitScript(measures);
	const requests = [], errors = [];
	page.on("request", request => requests.push(request.url()));
	page.on("pageerror", error => errors.push(String(error)));
	page.on("console", message => message.type() === "error" && errors.push(message.text()));
	page.on("dialog", dialog => { errors.push("dialog"); dialog.dismiss(); });
	try {
		await page.goto(pathToFileURL(file).href);
		await test({ page, check });
		await layout(page, check);
		check("loads only itself", requests.length === 1, requests.join(" "));
		check("runs without errors", errors.length === 0, errors.join(" "));
	} finally {
		await browser.close();
	}
};
