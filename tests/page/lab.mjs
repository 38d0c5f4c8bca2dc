// SPDX-License-Identifier: BSD-2-Clause
// Opens the page of weir lab table offline in headless Chromium: its plots have the points that
// the data set of tests/lab-data.sh gives them, tables sort, nothing is fetched, no errors.
//   node lab.mjs FILE yes|no     whether scikit-learn is there
import { testPage } from "./open.mjs";

await testPage("lab", process.argv[2], async ({ page, check }) => {
	const hasSklearn = process.argv[3] === "yes";

	const titles = await page.locator("h3").allTextContents();
	for (const start of ["Named right by scenario, at", "Named right by scenario and place",
		"Named right by number of names", "Named right by segments", "Said against right: wire",
		"Said against right: spans"])
		check(`plots '${start}'`, titles.some(title => title.startsWith(start)), titles.join("; "));

	const tips = async locator => locator.locator("path title").evaluateAll(all =>
		all.map(tip => tip.textContent));
	const first = page.locator("svg.plot").nth(0);
	const said = await tips(first);
	const has = (all, words) => all.some(tip => tip.startsWith(words));
	check("has the article's figures", ["one-hop, subnet, 0 downloads: 98.0 %", "six-hops, subnet, 0 downloads: 88.0 %",
		"vpn, subnet, 0 downloads: 61.0 %"].every(words => has(said, `article, ${words}`)), said.join("; "));
	check("has ours", ["one-hop", "six-hops", "vpn", "reuse"].every(name =>
		said.some(tip => tip.startsWith(`spans, ${name}, subnet`) && tip.includes("100.0 %"))), said.join("; "));
	if (hasSklearn)
		check("has scikit-learn's", has(said, "sklearn-tree, six-hops, subnet, 24 downloads: 41.7 % (24.5 to 61.2)"),
			said.join("; "));
	const everything = await page.locator("svg.plot path title").evaluateAll(all => all.map(tip => tip.textContent));
	check("has more names", ["8", "1000", "2008"].every(n =>
		everything.some(tip => tip.startsWith(`spans, one-hop, ${n} names, 24 downloads: 100.0 %`))), everything.join("; "));
	check("has what was sent again", everything.some(tip => /^wire, 1 to 2, \d+ downloads: 100\.0 %/.test(tip)),
		everything.join("; "));

	await page.locator("details").evaluateAll(all => all.forEach(one => { one.open = true; }));
	const legend = await page.locator(".legend").first().locator("li").allInnerTexts();
	check("a legend names what is drawn", ["article", "wire", "wire-fitted", "spans"].every(name => legend.includes(name)) &&
		legend.includes("sklearn-tree") === hasSklearn, legend.join(" "));
	// a legend stays in sight beside its own plot, and not beside what comes after
	await page.locator("h2", { hasText: "Scenarios" }).scrollIntoViewIfNeeded();
	await page.evaluate(() => document.querySelector("#scenarios").scrollIntoView());
	check("legends end with their plots", await page.locator(".legend").evaluateAll(all =>
		all.every(one => one.getBoundingClientRect().bottom <= document.querySelector("#scenarios").getBoundingClientRect().top + 1)));
	const rows = await page.locator("table.sortable").first().locator("tbody tr").allInnerTexts();
	check("the first table has a line a place", rows.length === 4 &&
		/^one-hop\s+subnet\s+24\s+98\s.*\s100\.0$/.test(rows[0]) && /^reuse\s+subnet\s+30\s+fails\s/.test(rows[3]),
		rows.join("; "));
	const inside = await page.locator("svg.plot").evaluateAll(all => all.every(one => {
		const box = one.getBoundingClientRect();
		return [...one.querySelectorAll("path, circle")].every(point => {
			const at = point.getBoundingClientRect(), x = at.x + at.width / 2, y = at.y + at.height / 2;
			return x >= box.x && x <= box.right && y >= box.y && y <= box.bottom;
		});
	}));
	check("points lie within their plots", inside);
	const overlap = await first.evaluate(one => {
		const rows = new Map();
		for (const point of one.querySelectorAll("path title")) {
			const at = point.parentNode.getAttribute("transform");
			rows.set(at, (rows.get(at) ?? 0) + 1);
		}
		return [...rows.values()].filter(n => n > 1).length;
	});
	check("no point hides another", overlap === 0, String(overlap));

	for (const scheme of ["light", "dark"]) {
		await page.emulateMedia({ colorScheme: scheme });
		const contrast = await page.evaluate(() => {
			const back = matchMedia("(prefers-color-scheme: dark)").matches ? luminance("#121212") : 1;
			return [0, 1, 2, 3, 4, 5, 6].map(i => {
				const mark = document.querySelector(`svg.plot path.series-${i}`);
				if (mark === null)
					return 99;
				const own = luminance(getComputedStyle(mark).fill);
				return (Math.max(own, back) + 0.05) / (Math.min(own, back) + 0.05);
			});
		});
		check(`marks stand out, ${scheme}`, contrast.every(c => c >= 3), contrast.map(c => c.toFixed(1)).join(" "));
	}

	const tables = page.locator("table.sortable");
	check("has the six tables", await tables.count() === 6, String(await tables.count()));
	const scores = tables.nth(2);
	const heads = await scores.locator("th").allInnerTexts();
	const percent = heads.findIndex(text => text.startsWith("Percent"));
	await scores.locator("th button").nth(percent).click();
	const values = (await scores.locator(`tbody tr td:nth-child(${percent + 1})`).allInnerTexts())
		.filter(text => text !== "").map(Number);
	check("scores sort", values.length > 20 && values.every((v, i) => i === 0 || values[i - 1] <= v), values.join(" "));
	const names = await tables.nth(5).locator("tbody td").allInnerTexts();
	check("a hostile name stays text", names.some(text => text.includes("<img src=x")), names.slice(0, 40).join(" "));
});
