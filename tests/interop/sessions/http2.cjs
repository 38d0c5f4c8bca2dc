// SPDX-License-Identifier: BSD-2-Clause
// Gets one path after the other on one HTTP/2 connection at node's windows of 64 KiB, stream
// and connection. Prints how many octets each body had.
//   node http2.cjs URL PATH...
'use strict';
const http2 = require('http2');
const [url, ...paths] = process.argv.slice(2);
const session = http2.connect(url, { rejectUnauthorized: false });

session.on('error', (error) => { console.error(String(error)); process.exit(1); });
function get(path) {
	return new Promise((resolve, reject) => {
		const stream = session.request({ ':path': path });
		let octets = 0;
		stream.on('data', (chunk) => { octets += chunk.length; });
		stream.on('end', () => resolve(octets));
		stream.on('error', reject);
		stream.end();
	});
}
(async () => {
	for (const path of paths)
		console.log(await get(path));
	session.close();
})().catch((error) => { console.error(String(error)); process.exit(1); });
