"use strict";
// Sorts a table by the column whose heading is pressed; pressed again, the other way round.
// Empty cells stay last either way.
for (const table of document.querySelectorAll("table.sortable")) {
	const heads = [...table.tHead.rows[0].cells];
	heads.forEach((head, column) => head.querySelector("button").addEventListener("click", () => {
		const down = head.getAttribute("aria-sort") === "ascending";
		const isNumber = head.classList.contains("number");
		const body = table.tBodies[0];
		const rows = [...body.rows].map(row => ({ row, text: row.cells[column].textContent }));
		rows.sort((a, b) => {
			if (a.text === "" || b.text === "") return (a.text === "") - (b.text === "");
			const order = isNumber ? Number(a.text) - Number(b.text)
				: a.text.localeCompare(b.text, "en", { numeric: true });
			return down ? -order : order;
		});
		body.append(...rows.map(entry => entry.row));
		heads.forEach(other => other.removeAttribute("aria-sort"));
		head.setAttribute("aria-sort", down ? "descending" : "ascending");
	}));
}
