// SPDX-License-Identifier: BSD-2-Clause
// Datagrams for the NetFlow tests. They stand in files as lines of hexadecimal digits, so
// that a shell script can pick and order them.
//   capture OUT.pcap       writes a capture with IPv4, IPv6, TCP, UDP, ICMP, ICMPv6
//   port                   prints a free UDP port
//   record OUT [ADDRESS]   receives at a free port, which it prints, until SIGTERM
//   record-tcp OUT         the same of one TCP connection, cut into IPFIX messages
//   record-group OUT GROUP receives what is sent to a multicast group on the loopback
//   send PORT FILE         sends the datagrams of FILE
//   pcap FILE OUT.pcap     wraps them into IP and UDP packets to port 2055
//   templates-last FILE    prints them with all templates taken out and put last (v9, IPFIX)
//   damage FILE            prints them truncated, with octets changed, and random ones
import { createSocket } from 'node:dgram';
import { appendFileSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';

const read = (path) => readFileSync(path, 'latin1').split('\n').filter((line) => line !== '')
	.map((line) => Buffer.from(line, 'hex'));
const print = (datagrams) => {
	for (const datagram of datagrams) console.log(datagram.toString('hex'));
};

// numbers(OCTETS, VALUE, ...): unsigned integers, the big end first
function numbers(...pairs) {
	const parts = [];
	for (let i = 0; i < pairs.length; i += 2) {
		const part = Buffer.alloc(pairs[i]);
		part.writeUIntBE(pairs[i + 1], 0, pairs[i]);
		parts.push(part);
	}
	return Buffer.concat(parts);
}

function pcapFile(path, packets) {
	const parts = [Buffer.from('d4c3b2a1020004000000000000000000ffff000065000000', 'hex')];
	for (const { us, data } of packets) {
		const head = Buffer.alloc(16);
		head.writeUInt32LE(Math.floor(us / 1e6), 0);
		head.writeUInt32LE(us % 1e6, 4);
		head.writeUInt32LE(data.length, 8);
		head.writeUInt32LE(data.length, 12);
		parts.push(head, data);
	}
	writeFileSync(path, Buffer.concat(parts));
}

const ip4 = (proto, src, dst, payload) => Buffer.concat([
	numbers(1, 0x45, 1, 0x10, 2, 20 + payload.length, 4, 0, 1, 64, 1, proto, 2, 0),
	Buffer.from(src), Buffer.from(dst), payload]);
const ip6 = (proto, src, dst, payload) => Buffer.concat([
	numbers(4, 0x60000000, 2, payload.length, 1, proto, 1, 64),
	numbers(4, 0x20010db8, 6, 0, 6, src), numbers(4, 0x20010db8, 6, 0, 6, dst), payload]);
const udp = (src, dst, octets) => Buffer.concat([
	numbers(2, src, 2, dst, 2, 8 + octets, 2, 0), Buffer.alloc(octets)]);
const icmp = (type, code, octets) => Buffer.concat([
	numbers(1, type, 1, code, 2, 0, 4, 1), Buffer.alloc(octets)]);
const tcp = (src, dst, sequence, ack, flags, octets) => Buffer.concat([
	numbers(2, src, 2, dst, 4, sequence, 4, ack, 1, 0x50, 1, flags, 2, 8192, 4, 0),
	Buffer.alloc(octets)]);

// Ten hosts talk to a server for ten seconds: each a DNS question over IPv4 and IPv6, an echo
// request, a TCP connection over IPv6, an error message; answers come 1.234567 ms later.
function capture(path) {
	const packets = [];
	const server4 = [192, 0, 2, 1], server6 = 1;
	const begin = Date.UTC(2026, 0, 2, 3, 4, 5) * 1000;
	for (let host = 2; host < 12; host++) {
		const client4 = [198, 51, 100, host];
		let us = begin + host * 1000003;
		const ask = (both) => {
			packets.push({ us, data: both[0] });
			if (both[1]) packets.push({ us: us + 1234, data: both[1] });
			us += 10007;
		};
		ask([ip4(17, client4, server4, udp(5000 + host, 53, 30)),
			ip4(17, server4, client4, udp(53, 5000 + host, 100 + host))]);
		ask([ip6(17, host, server6, udp(6000 + host, 53, 30)),
			ip6(17, server6, host, udp(53, 6000 + host, 200 + host))]);
		ask([ip4(1, client4, server4, icmp(8, 0, 56)), ip4(1, server4, client4, icmp(0, 0, 56))]);
		ask([ip6(58, host, server6, icmp(128, 0, 40)), ip6(58, server6, host, icmp(129, 0, 40))]);
		ask([ip4(1, client4, server4, icmp(3, 3, 28))]);
		const port = 7000 + host;
		ask([ip6(6, host, server6, tcp(port, 80, 100, 0, 2, 0)),
			ip6(6, server6, host, tcp(80, port, 900, 101, 18, 0))]);
		ask([ip6(6, host, server6, tcp(port, 80, 101, 901, 24, 100)),
			ip6(6, server6, host, tcp(80, port, 901, 201, 24, 1400))]);
		ask([ip6(6, host, server6, tcp(port, 80, 201, 2301, 17, 0)),
			ip6(6, server6, host, tcp(80, port, 2301, 202, 17, 0))]);
	}
	packets.sort((a, b) => a.us - b.us);
	pcapFile(path, packets);
}

function record(path, address, group) {
	const socket = createSocket(address?.includes(':') ? 'udp6' : 'udp4');
	writeFileSync(path, '');
	socket.on('message', (datagram) => appendFileSync(path, datagram.toString('hex') + '\n'));
	socket.bind(0, group ?? address ?? '127.0.0.1', () => {
		if (group) socket.addMembership(group, '127.0.0.1');
		try { socket.setRecvBufferSize(1 << 24); } catch { /* what there is will do */ }
		console.log(socket.address().port);
	});
	process.on('SIGTERM', () => socket.close());
}

function recordTcp(path) {
	writeFileSync(path, '');
	const server = createServer((connection) => {
		let octets = Buffer.alloc(0);
		connection.on('data', (part) => {
			octets = Buffer.concat([octets, part]);
			while (octets.length >= 16 && octets.length >= octets.readUInt16BE(2)) {
				const length = octets.readUInt16BE(2);
				appendFileSync(path, octets.toString('hex', 0, length) + '\n');
				octets = octets.subarray(length);
			}
		});
	});
	server.listen(0, '127.0.0.1', () => console.log(server.address().port));
	process.on('SIGTERM', () => process.exit(0));
}

async function send(port, datagrams) {
	const socket = createSocket('udp4');
	for (const [i, datagram] of datagrams.entries()) {
		await new Promise((done) => socket.send(datagram, Number(port), '127.0.0.1', done));
		if (i % 50 === 49) await new Promise((done) => setTimeout(done, 2));
	}
	socket.close();
}

// The datagrams without template sets, then the template sets, each in a message of its own.
function templatesLast(datagrams) {
	const data = [], templates = [];
	for (const datagram of datagrams) {
		const isIpfix = datagram.readUInt16BE(0) === 10;
		const head = Buffer.from(datagram.subarray(0, isIpfix ? 16 : 20));
		const sets = [];
		for (let at = head.length; at + 4 <= datagram.length;) {
			const set = datagram.subarray(at, at + datagram.readUInt16BE(at + 2));
			(set.readUInt16BE(0) < 4 ? templates : sets).push(set);
			at += set.length;
		}
		const message = Buffer.concat([head, ...sets]);
		message.writeUInt16BE(isIpfix ? message.length : sets.length, 2);
		data.push(message);
	}
	const last = data.at(-1);
	for (const set of templates) {
		const isIpfix = last.readUInt16BE(0) === 10;
		const message = Buffer.concat([last.subarray(0, isIpfix ? 16 : 20), set]);
		message.writeUInt16BE(isIpfix ? message.length : 1, 2);
		data.push(message);
	}
	return data;
}

function damage(datagrams) {
	let state = 12345; // a generator of our own: the same damage each time
	const random = (below) => {
		state = (Math.imul(state, 1103515245) + 12345) >>> 0;
		return Math.floor(state / 65536) % below;
	};
	const out = [];
	for (const datagram of datagrams) {
		for (let i = 0; i < 20; i++) out.push(datagram.subarray(0, random(datagram.length)));
		for (let i = 0; i < 20; i++) {
			const copy = Buffer.from(datagram);
			for (let n = 0; n < 8; n++) copy[random(copy.length)] = random(256);
			out.push(copy);
		}
	}
	for (let i = 0; i < 200; i++) {
		const noise = Buffer.alloc(1 + random(1400));
		for (let at = 0; at < noise.length; at++) noise[at] = random(256);
		if (i % 4 !== 0 && noise.length > 1) noise.writeUInt16BE([5, 9, 10][i % 4 - 1], 0);
		out.push(noise);
	}
	return out.filter((one) => one.length > 0);
}

const [command, a, b] = process.argv.slice(2);
switch (command) {
case 'capture': capture(a); break;
case 'record': record(a, b); break;
case 'record-tcp': recordTcp(a); break;
case 'record-group': record(a, undefined, b); break;
case 'send': await send(a, read(b)); break;
case 'pcap':
	pcapFile(b, read(a).map((datagram, i) => ({ us: 1e15 + i * 1000,
		data: ip4(17, [127, 0, 0, 1], [127, 0, 0, 1], Buffer.concat([
			numbers(2, 40000, 2, 2055, 2, 8 + datagram.length, 2, 0), datagram])) })));
	break;
case 'templates-last': print(templatesLast(read(a))); break;
case 'damage': print(damage(read(a))); break;
case 'port': {
	const socket = createSocket('udp4');
	socket.bind(0, '127.0.0.1', () => { console.log(socket.address().port); socket.close(); });
	break;
}
default:
	console.error('datagrams.mjs: no such command; its first lines say which there are');
	process.exit(2);
}
