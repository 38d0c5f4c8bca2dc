// SPDX-License-Identifier: BSD-2-Clause
// Reads a Parquet file with DuckDB, parquet-wasm (with apache-arrow) and hyparquet, sums up
// each column (count, nulls, sum, least, greatest) and compares with what write.c printed.
//
//	node check.mjs FILE EXPECTED.json LABEL
//
// Prints "ok - ..." or "not ok - ..." lines, one per reader and column.
import { readFileSync } from 'node:fs'
import { DuckDBInstance } from '@duckdb/node-api'
import { tableFromIPC } from 'apache-arrow'
import { asyncBufferFromFile, parquetMetadataAsync, parquetReadObjects } from 'hyparquet'
import { compressors } from 'hyparquet-compressors'
import * as wasm from 'parquet-wasm/esm'

const [file, expectedFile, label] = process.argv.slice(2)
const expected = JSON.parse(readFileSync(expectedFile, 'utf8'))
const keys = ['count', 'nulls', 'sum', 'min', 'max']
let failed = 0

function verdict(name, isOk, detail) {
	console.log(`${isOk ? 'ok' : 'not ok'} - ${label}: ${name}`)
	if (!isOk) {
		failed++
		console.log(`#   ${detail}`)
	}
}

function compare(reader, want, got) {
	const shown = (x) => keys.filter((k) => x[k] !== undefined).map((k) => `${k}=${x[k]}`).join(' ')
	const isReal = want.kind === 'real'
	const isOk = keys.every((k) => want[k] === undefined || String(want[k]) === String(got[k]) ||
		(isReal && Number(want[k]) === Number(got[k])))
	verdict(`${reader}: ${want.name}`, isOk, `wanted ${shown(want)}\n#   got    ${shown(got)}`)
}

const hex = (bytes) => Buffer.from(bytes).toString('hex')

// A value as the expected file has it: bigint, number for reals, string for the rest.
function plain(kind, value) {
	if (kind === 'real') return value
	if (kind === 'binary') return hex(value)
	if (kind === 'text') return value
	if (value instanceof Date) return BigInt(value.getTime()) * 1000n
	return BigInt(value)
}

// values: one per row, null or undefined where null, arrays for lists.
function summary(column, values) {
	const out = { count: 0, nulls: 0, sum: column.kind === 'real' ? 0 : 0n }
	const add = (raw) => {
		const v = plain(column.kind, raw)
		out.count++
		if (column.kind !== 'text' && column.kind !== 'binary') out.sum += v
		const before = (a, b) => column.kind === 'text'
			? Buffer.compare(Buffer.from(a), Buffer.from(b)) < 0 : a < b
		if (out.min === undefined || before(v, out.min)) out.min = v
		if (out.max === undefined || before(out.max, v)) out.max = v
	}
	for (const value of values) {
		if (value === null || value === undefined) out.nulls++
		else if (column.list) for (const element of value) add(element)
		else add(value)
	}
	return out
}

async function duckdb() {
	const connection = await (await DuckDBInstance.create(':memory:')).connect()
	const path = file.replaceAll("'", "''")
	const rows = async (sql) =>
		(await connection.runAndReadAll(sql.replace('FILE', `read_parquet('${path}')`))).getRowObjects()
	const [{ n }] = await rows('SELECT count(*) AS n FROM FILE')

	verdict('duckdb: rows', n === BigInt(expected.rows), `${n} rows, not ${expected.rows}`)
	for (const column of expected.columns) {
		const { name, kind, list } = column
		const quoted = `"${name}"`
		const source = list ? `(SELECT unnest(${quoted}) AS v FROM FILE)` : `(SELECT ${quoted} AS v FROM FILE)`
		const v = name === 'start' ? 'epoch_us(v)' : kind === 'binary' ? 'lower(hex(v))'
			: name === 'truth' ? 'v::INT' : 'v'
		const sum = kind === 'text' || kind === 'binary' ? "''" : kind === 'real' ? `sum(${v})`
			: `sum(${v}::HUGEINT)`
		const [got] = await rows(`SELECT count(v) AS count, ${sum}::VARCHAR AS sum,
			min(${v})::VARCHAR AS min, max(${v})::VARCHAR AS max FROM ${source}`)
		const [{ nulls }] = await rows(`SELECT count(*) FILTER (${quoted} IS NULL) AS nulls FROM FILE`)
		compare('duckdb', column, { ...got, nulls })
	}
	// Filters use the statistics: these must be in unsigned order.
	const [some] = await rows('SELECT count(*) AS n FROM FILE WHERE src_ipv4 = 2147483648')
	const [high] = await rows('SELECT count(*) AS n FROM FILE WHERE bytes >= 9223372036854775808')
	const [all] = await rows('SELECT count(*) FILTER (bytes >= 9223372036854775808) AS n FROM FILE')
	const [zero] = await rows('SELECT count(*) FILTER (src_ipv4 = 2147483648) AS n FROM FILE')
	verdict('duckdb: filter src_ipv4 = 128.0.0.0', some.n === zero.n && zero.n > 9000n,
		`${some.n}, not ${zero.n}`)
	verdict('duckdb: filter bytes >= 2^63', high.n === all.n && all.n > 0n, `${high.n}, not ${all.n}`)
	const types = await rows('DESCRIBE SELECT * FROM FILE')
	const type = (name) => types.find((t) => t.column_name === name)?.column_type
	for (const [name, wanted] of [['src_ipv4', 'UINTEGER'], ['proto', 'UTINYINT'],
		['src_port', 'USMALLINT'], ['bytes', 'UBIGINT'], ['i8', 'TINYINT'], ['truth', 'BOOLEAN'],
		['start', 'TIMESTAMP WITH TIME ZONE'], ['coded', 'VARCHAR'], ['src_ipv6', 'BLOB'],
		['marks', 'UBIGINT[]']])
		verdict(`duckdb: type of ${name}`, type(name) === wanted, `${type(name)}, not ${wanted}`)
}

async function parquetWasm() {
	await wasm.default({ module_or_path: readFileSync(
		new URL(import.meta.resolve('parquet-wasm/esm/parquet_wasm_bg.wasm'))) })
	const table = tableFromIPC(wasm.readParquet(readFileSync(file)).intoIPCStream())

	verdict('parquet-wasm: rows', table.numRows === expected.rows, `${table.numRows}`)
	for (const column of expected.columns) {
		let values = table.getChild(column.name)
		if (column.name === 'start') // arrow's getter gives milliseconds and loses the rest
			values = values.data.flatMap((d) => [...d.values])
		compare('parquet-wasm', column, summary(column, values))
	}
}

async function hyparquet() {
	const buffer = await asyncBufferFromFile(file)
	const metadata = await parquetMetadataAsync(buffer)

	verdict('hyparquet: rows', metadata.num_rows === BigInt(expected.rows), `${metadata.num_rows}`)
	verdict('hyparquet: key-value metadata',
		metadata.key_value_metadata?.[0]?.value === 'interop', 'not found')
	for (const column of expected.columns) {
		// Dates have milliseconds only: microseconds come from a parser of our own.
		const parsers = { timestampFromMicroseconds: (v) => v }
		const rows = await parquetReadObjects({ file: buffer, metadata, compressors, parsers,
			columns: [column.name], utf8: false })
		compare('hyparquet', column, summary(column, rows.map((r) => r[column.name])))
	}
}

for (const [name, reader] of Object.entries({ duckdb, 'parquet-wasm': parquetWasm, hyparquet })) {
	try {
		await reader()
	} catch (error) {
		verdict(`${name}: reads the file`, false, error.stack)
	}
}
process.exit(failed === 0 ? 0 : 1)
