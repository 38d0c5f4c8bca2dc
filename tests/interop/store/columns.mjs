// SPDX-License-Identifier: BSD-2-Clause
// columns.mjs FILE COLUMN...: the rows of these columns as JSON, read by hyparquet.
import { asyncBufferFromFile, parquetReadObjects } from "hyparquet";
import { compressors } from "hyparquet-compressors";

const [path, ...columns] = process.argv.slice(2);
const file = await asyncBufferFromFile(path);
const rows = await parquetReadObjects({ file, columns, compressors });
console.log(JSON.stringify(rows.map((row) => columns.map((c) => row[c] ?? null)),
	(key, value) => (typeof value === "bigint" ? value.toString() : value)));
