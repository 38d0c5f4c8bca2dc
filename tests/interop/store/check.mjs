// SPDX-License-Identifier: BSD-2-Clause
// Compares a store, read by DuckDB, hyparquet and parquet-wasm, with what weir print shows.
//
//	node check.mjs STORE PRINTED.tsv LABEL
//
// Prints "ok - ..." or "not ok - ..." lines.
import { readFileSync, readdirSync } from 'node:fs'
import { DuckDBInstance } from '@duckdb/node-api'
import { tableFromIPC } from 'apache-arrow'
import { asyncBufferFromFile, parquetReadObjects } from 'hyparquet'
import { compressors } from 'hyparquet-compressors'
import * as wasm from 'parquet-wasm/esm'

const [store, printed, label] = process.argv.slice(2)
const counters = ['bytes', 'reverse_bytes', 'packets', 'reverse_packets', 'src_port', 'dst_port',
	'span', 'reverse_span', 'connection', 'exchange', 'sampling', 'domain', 'src_as', 'dst_as',
	'tos', 'vlan', 'ttl_min', 'initial_sequence', 'reverse_initial_sequence']
const texts = ['src', 'dst', 'exporter', 'next_hop', 'nat_src', 'proto', 'biflow_direction',
	'end_reason', 'span_kind', 'reverse_span_kind', 'fingerprint', 'extra']

function is(name, got, wanted) {
	console.log(`${got === wanted ? 'ok' : 'not ok'} - ${label}: ${name}`)
	if (got !== wanted) console.log(`#   got    ${got}\n#   wanted ${wanted}`.slice(0, 2000))
}

// What weir printed: an object of texts a row, undefined where null.
const unescape = (s) => s.replace(/\\(.)/g, (_, c) => ({ t: '\t', n: '\n', r: '\r' })[c] ?? c)
const lines = readFileSync(printed, 'utf8').trimEnd().split('\n').map((l) => l.split('\t'))
const rows = lines.slice(1).map((cells) => Object.fromEntries(cells
	.map((cell, i) => [lines[0][i], unescape(cell)]).filter(([, cell]) => cell !== '')))

// "rows, values, sum, least, greatest" of a column of bigints or nulls.
function summary(values) {
	const known = values.filter((v) => v !== null && v !== undefined).map(BigInt)
	const least = known.reduce((a, b) => (a === null || b < a ? b : a), null)
	const greatest = known.reduce((a, b) => (a === null || b > a ? b : a), null)
	return [values.length, known.length, known.reduce((a, b) => a + b, 0n), least, greatest].join(' ')
}
const wanted = Object.fromEntries(counters.map((c) => [c, summary(rows.map((r) => r[c]))]))
const summaries = (list) => counters.map((c) => `${c} ${summary(list.map((r) => r[c]))}`).join('\n')
const wantedSums = counters.map((c) => `${c} ${wanted[c]}`).join('\n')
// IPv4 addresses as numbers, to compare leaves that hold numbers.
const number = (text) => text?.match(/^[\d.]+$/)
	? text.split('.').reduce((n, part) => n * 256n + BigInt(part), 0n) : null
const wantedV4 = summary(rows.map((r) => number(r.src)))

const files = readdirSync(store).filter((d) => d.startsWith('date=')).flatMap((d) =>
	readdirSync(`${store}/${d}`).map((f) => `${store}/${d}/${f}`))
is('there are segments', files.length > 0 && files.every((f) => f.endsWith('.parquet')), true)

// hyparquet
const read = []
for (const path of files)
	read.push(...await parquetReadObjects({ file: await asyncBufferFromFile(path), compressors }))
is('hyparquet: counts, sums, extremes', summaries(read), wantedSums)
is('hyparquet: IPv4 addresses', summary(read.map((r) => r.src_ipv4)), wantedV4)
is('hyparquet: exactly one leaf of an address is set',
	read.filter((r) => (r.src_ipv4 == null) === (r.src_ipv6 == null)).length, 0)
is('hyparquet: marks', read.map((r) => (r.marks ?? []).join(' ')).sort().join('/'),
	rows.map((r) => r.marks ?? '').sort().join('/'))
is('hyparquet: texts', read.map((r) => r.extra ?? '').sort().join('/'),
	rows.map((r) => r.extra ?? '').sort().join('/'))

// parquet-wasm
wasm.initSync({ module: readFileSync(new URL('../node_modules/parquet-wasm/esm/parquet_wasm_bg.wasm', import.meta.url)) })
const arrow = []
for (const path of files) {
	const table = tableFromIPC(wasm.readParquet(readFileSync(path)).intoIPCStream())
	const columns = [...counters, 'src_ipv4'].map((c) => [c, table.getChild(c)])
	for (let i = 0; i < table.numRows; i++)
		arrow.push(Object.fromEntries(columns.map(([c, column]) => [c, column.get(i)])))
}
is('parquet-wasm: counts, sums, extremes', summaries(arrow), wantedSums)
is('parquet-wasm: IPv4 addresses', summary(arrow.map((r) => r.src_ipv4)), wantedV4)

// DuckDB, through views.sql, in the folder of the store
const duck = await (await DuckDBInstance.create(':memory:')).connect()
process.chdir(store)
await duck.run(readFileSync('views.sql', 'utf8'))
const ask = async (sql) => (await (await duck.runAndReadAll(sql)).getRowsJS())
const quote = (c) => `"${c}"`
const sums = (await ask('SELECT ' + counters.map((c) =>
	`count(*), count("${c}"), coalesce(sum("${c}"::HUGEINT), 0)::VARCHAR, min("${c}")::VARCHAR, max("${c}")::VARCHAR`)
	.join(', ') + ' FROM flows'))[0]
is('DuckDB: counts, sums, extremes',
	counters.map((c, i) => `${c} ${sums.slice(i * 5, i * 5 + 5).map((v) => v ?? '').join(' ')}`).join('\n'),
	wantedSums)
const shown = await ask(`SELECT epoch_us(start)::VARCHAR, epoch_us("end")::VARCHAR, ${texts.map(quote).join(', ')} FROM flows`)
const micros = (t) => `${BigInt(Date.parse(t.slice(0, 19) + 'Z')) * 1000n + BigInt(t.slice(20, 26))}`
const key = (cells) => cells.map((c) => c ?? '').join('\t')
is('views.sql: times, addresses and names as weir print shows them', shown.map(key).sort().join('\n'),
	rows.map((r) => key([micros(r.start), micros(r.end), ...texts.map((c) => r[c])])).sort().join('\n'))

// Rows must be found by their values: statistics of row groups must not hide any.
const big = (c, n) => rows.filter((r) => r[c] !== undefined && BigInt(r[c]) >= n).length
for (const [column, bound] of [['bytes', 2n ** 31n], ['bytes', 2n ** 63n], ['reverse_bytes', 2n ** 63n],
	['connection', 2n ** 63n], ['domain', 2n ** 31n], ['src_as', 2n ** 32n - 1n], ['dst_port', 32768n]]) {
	is(`DuckDB: rows with ${column} >= ${bound}`,
		`${(await ask(`SELECT count(*) FROM flows WHERE "${column}" >= ${bound}`))[0][0]}`, `${big(column, bound)}`)
	is(`DuckDB: rows with ${column} < ${bound}`,
		`${(await ask(`SELECT count(*) FROM flows WHERE "${column}" < ${bound}`))[0][0]}`,
		`${rows.filter((r) => r[column] !== undefined).length - big(column, bound)}`)
}
const segments = "read_parquet('date=*/flows-*.parquet')"
for (const text of ['128.0.0.0', '127.255.255.255', '0.0.0.0', '192.0.2.1'])
	is(`DuckDB: rows from ${text}`,
		`${(await ask(`SELECT count(*) FROM ${segments} WHERE src_ipv4 = ${number(text)}`))[0][0]}`,
		`${rows.filter((r) => r.src === text).length}`)
is('DuckDB: rows from above 128.0.0.0',
	`${(await ask(`SELECT count(*) FROM ${segments} WHERE src_ipv4 > 2147483648`))[0][0]}`,
	`${rows.filter((r) => number(r.src) > 2147483648n).length}`)
is('DuckDB: rows without source port',
	`${(await ask('SELECT count(*) FROM flows WHERE src_port IS NULL'))[0][0]}`,
	`${rows.filter((r) => r.src_port === undefined).length}`)
