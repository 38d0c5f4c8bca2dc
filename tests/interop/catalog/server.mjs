// SPDX-License-Identifier: BSD-2-Clause
// A web server with manners good and bad, on loopback, for tests/interop/catalog.sh.
//   node server.mjs      prints its port; GET /log gives what was asked of it as JSON
import http from 'node:http'

const asked = {}
let requests = 0
let open = 0
let most = 0
const starts = []

const answer = (res, status, headers, body) => {
	res.writeHead(status, headers)
	res.end(body)
}

const paths = {
	sized: (req, res, n) =>
		answer(res, 200, { 'Content-Length': n, 'Content-Type': 'application/x-debian-package',
			ETag: `"${n}-tag"`, 'Last-Modified': 'Sat, 09 Mar 2024 10:11:12 GMT' }),
	slow: (req, res, n) => setTimeout(() => answer(res, 200, { 'Content-Length': n }), 150),
	nohead: (req, res) => req.method === 'HEAD' ? answer(res, 405, {})
		: answer(res, 206, { 'Content-Range': 'bytes 0-0/4242', 'Content-Length': 1 }, 'x'),
	norange: (req, res) => req.method === 'HEAD' ? answer(res, 501, {})
		: answer(res, 200, { 'Content-Length': 777777 }, 'x'.repeat(777777)),
	flaky: (req, res, n) => asked[req.url] < 3 ? answer(res, 503, {})
		: answer(res, 200, { 'Content-Length': n }),
	gone: (req, res) => answer(res, 404, {}),
	nolength: (req, res) => answer(res, 200, { 'Transfer-Encoding': 'chunked' }),
	moved: (req, res, n) => answer(res, 302, { Location: `/sized/${n}` }),
	loop: (req, res) => answer(res, 302, { Location: '/loop' }),
	elsewhere: (req, res) => answer(res, 302, { Location: 'file:///etc/passwd' }),
	packed: (req, res) => /gzip/.test(req.headers['accept-encoding'] ?? '')
		? answer(res, 200, { 'Content-Length': 10, 'Content-Encoding': 'gzip' })
		: answer(res, 200, { 'Content-Length': 100 }),
	never: () => {},
	twice: (req, res) => req.socket.end('HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n'),
	words: (req, res) => req.socket.end('HTTP/1.1 200 OK\r\nContent-Length: many\r\nConnection: close\r\n\r\n'),
	noise: (req, res) => req.socket.end('\x01\x02\x03 this is no HTTP\r\n\r\n'),
	long: (req, res) => answer(res, 200, { 'Content-Length': 9, ETag: 'e'.repeat(4000) }),
	list: (req, res) => answer(res, 200, { 'Content-Type': 'text/html' },
		'<pre><a href="../">../</a>\n<a href="one">one</a> 01-Jan-2024 10:00 11\n' +
		'<a href="deep/">deep/</a> 01-Jan-2024 10:00 -\n</pre>'),
	log: (req, res) => answer(res, 200, {}, JSON.stringify({ requests, most, asked, starts })),
}

const server = http.createServer((req, res) => {
	const [, name, n] = req.url.split('/')

	if (name !== 'log') {
		requests++
		asked[req.url] = (asked[req.url] ?? 0) + 1
		starts.push(Date.now())
	}
	if (name === 'slow') {
		most = Math.max(most, ++open)
		res.on('close', () => open--)
	}
	(paths[name] ?? paths.gone)(req, res, n)
})
server.listen(0, '127.0.0.1', () => console.log(server.address().port))
