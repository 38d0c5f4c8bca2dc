// SPDX-License-Identifier: BSD-2-Clause
// Has DuckDB and parquet-wasm write Parquet files with several codecs and page versions, reads
// them with our reader (the program read.c) and compares the sums. What our reader does not
// decode must be an error that names it.
//
//	node foreign.mjs READ_PROGRAM FOLDER
import { execFileSync, spawnSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { DuckDBInstance } from '@duckdb/node-api'
import * as wasm from 'parquet-wasm/esm'

const [program, folder] = process.argv.slice(2)
const connection = await (await DuckDBInstance.create(':memory:')).connect()
const all = async (sql) => (await connection.runAndReadAll(sql)).getRowObjects()
let failed = 0

function verdict(name, isOk, detail) {
	console.log(`${isOk ? 'ok' : 'not ok'} - parquet foreign: ${name}`)
	if (!isOk) {
		failed++
		console.log(`#   ${detail}`)
	}
}

await connection.run(`CREATE TABLE t AS SELECT
	(i * 2654435761 % 4294967296)::UINTEGER AS u32,
	CASE WHEN i % 3 = 0 THEN NULL ELSE (i % 5)::UTINYINT END AS u8,
	CASE WHEN i % 4 = 0 THEN NULL ELSE (i % 60000)::USMALLINT END AS u16,
	(18446744073709551615 - i)::UBIGINT AS u64,
	(i % 200 - 100)::TINYINT AS i8, (i * 37 - 90000)::INTEGER AS i32, -(i::BIGINT) * 99999999999 AS i64,
	'word ' || (i % 40) AS few, CASE WHEN i % 2 = 0 THEN NULL ELSE 'text ' || i END AS many,
	i % 7 = 0 AS truth, i / 4.0::DOUBLE AS real, (i / 4.0)::FLOAT AS single,
	make_timestamp((1700000000000000 + i * 1000)::BIGINT)::TIMESTAMPTZ AS t, NULL::UINTEGER AS none, 7::UBIGINT AS seven,
	CASE WHEN i BETWEEN 30000 AND 40000 THEN NULL ELSE i::BIGINT END AS gap,
	{'a': i} AS nested
	FROM range(70000) r(i)`)
const kinds = { few: 'bytes', many: 'bytes', real: 'real', single: 'real' }
const columns = ['u32', 'u8', 'u16', 'u64', 'i8', 'i32', 'i64', 'few', 'many', 'truth', 'real',
	'single', 't', 'none', 'seven', 'gap']
const byteSum = (c) => `sum(list_sum(list_transform(range(1, length(${c}) + 1), x -> ord(${c}[x]))))`
const expected = {}
for (const c of columns) {
	const value = c === 't' ? 'epoch_us(t)' : c === 'truth' ? 'truth::INT' : c
	const sum = kinds[c] === 'bytes' ? byteSum(c) : `sum(${value})`
	const [row] = await all(`SELECT count(${c}) AS count, count(*) - count(${c}) AS nulls,
		COALESCE(${sum}, 0)::VARCHAR AS sum FROM t`)
	expected[c] = row
}

const read = (file) => execFileSync(program, [file], { encoding: 'utf8' }).trim().split('\n')
	.map((line) => JSON.parse(line))
const modulo = (v) => BigInt.asUintN(64, BigInt(v))

function check(label, file, refused) {
	const got = Object.fromEntries(read(file).map((row) => [row.name, row]))
	const wrong = []
	for (const c of columns) {
		const want = expected[c], have = got[c] ?? {}
		if (refused.includes(c)) {
			if (!/DELTA_|BYTE_STREAM|SNAPPY|GZIP/.test(have.error ?? '')) wrong.push(`${c}: ${JSON.stringify(have)}`)
			continue
		}
		const isSame = kinds[c] === 'bytes' ? BigInt(want.sum) === BigInt(have.bytes ?? -1)
			: kinds[c] === 'real' ? Number(want.sum) === have.real
				: modulo(want.sum) === BigInt(have.sum ?? -1)
		if (BigInt(have.count ?? -1) !== want.count || BigInt(have.nulls ?? -1) !== want.nulls || !isSame)
			wrong.push(`${c}: wanted ${want.count} ${want.nulls} ${want.sum} got ${JSON.stringify(have)}`)
	}
	if (got['nested.a'] && !/nested/.test(got['nested.a'].error ?? '')) wrong.push('nested.a is read')
	verdict(label, wrong.length === 0, wrong.join('\n#   '))
}

for (const codec of ['uncompressed', 'zstd', 'lz4_raw', 'snappy', 'gzip']) {
	for (const version of ['V1', 'V2']) {
		const file = `${folder}/duckdb-${codec}-${version}.parquet`
		await connection.run(`COPY t TO '${file}' (FORMAT parquet, CODEC '${codec}',
			PARQUET_VERSION '${version}', ROW_GROUP_SIZE 30000)`)
		// V2 makes DuckDB use encodings that only strings and reals have.
		const refused = codec === 'snappy' || codec === 'gzip' ? columns
			: version === 'V2' ? ['many', 'real', 'single'] : []
		check(`duckdb ${codec} ${version}`, file, refused)
	}
}

// A row group beyond the reader's limit is refused with a message.
const large = `${folder}/large.parquet`
await connection.run(`COPY (SELECT i FROM range(1300000) r(i)) TO '${large}'
	(FORMAT parquet, ROW_GROUP_SIZE 1300000)`)
const refusal = spawnSync(program, [large], { encoding: 'utf8' })
verdict('row group of more than 1 M rows', refusal.status === 1 &&
	/large\.parquet: row group of 13\d+ rows; the limit is 1048576/.test(refusal.stderr), refusal.stderr)

await wasm.default({ module_or_path: readFileSync(
	new URL(import.meta.resolve('parquet-wasm/esm/parquet_wasm_bg.wasm'))) })
const table = () => wasm.readParquet(readFileSync(`${folder}/duckdb-zstd-V1.parquet`))
for (const [label, codec] of [['uncompressed', wasm.Compression.UNCOMPRESSED],
	['zstd', wasm.Compression.ZSTD], ['lz4_raw', wasm.Compression.LZ4_RAW]]) {
	for (const [version, number] of [['1', wasm.WriterVersion.V1], ['2', wasm.WriterVersion.V2]]) {
		const properties = new wasm.WriterPropertiesBuilder().setCompression(codec)
			.setWriterVersion(number).setMaxRowGroupSize(25000).build()
		const file = `${folder}/wasm-${label}-${version}.parquet`
		writeFileSync(file, wasm.writeParquet(table(), properties))
		check(`parquet-wasm ${label} pages ${version}`, file, [])
	}
}
process.exit(failed === 0 ? 0 : 1)
