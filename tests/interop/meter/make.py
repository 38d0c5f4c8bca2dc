# SPDX-License-Identifier: BSD-2-Clause
"""Captures of many protocols: make.py FOLDER.

links.pcapng    an interface for each link type, big-endian, IP behind every header
ethernet.pcap   what wraps IP on Ethernet, transports, extension headers, fragments, no IP
tunnels.pcap    IP in IP packets of all kinds
damaged.pcap    the frames of the others cut off, with lengths that cannot be
"""
import random
import struct
import sys

random.seed(20)
be16 = lambda n: struct.pack(">H", n & 0xFFFF)
be32 = lambda n: struct.pack(">I", n & 0xFFFFFFFF)
MACS = bytes.fromhex("0a00000000020a0000000001")


def tcp(n=20):
    return be16(50000 + random.randrange(1, 9)) + be16(80) + be32(1) + be32(2) + bytes.fromhex("5018200000000000") + bytes(n)


def udp(port=9, body=bytes(30)):
    return be16(50000 + random.randrange(1, 9)) + be16(port) + be16(8 + len(body)) + bytes(2) + body


def ip4(proto, body, flags=0x4000, options=b"", total=None, host=None):
    total = 20 + len(options) + len(body) if total is None else total
    host = random.randrange(1, 6) if host is None else host
    head = bytes([0x45 + len(options) // 4, 0]) + be16(total) + be16(77) + be16(flags)
    return head + bytes([64, proto]) + bytes(2) + bytes([10, 0, 0, host, 10, 0, 1, 1]) + options + body


def ip6(proto, body, host=None):
    host = random.randrange(1, 6) if host is None else host
    return (bytes.fromhex("60000000") + be16(len(body)) + bytes([proto, 64]) +
            bytes.fromhex("20010db8") + bytes(11) + bytes([host]) +
            bytes.fromhex("20010db8") + bytes(10) + bytes([1, 1]) + body)


def some(version):
    return random.choice([lambda f: f(6, tcp(random.randrange(60))), lambda f: f(17, udp())])(
        ip4 if version == 4 else ip6)


def ether(kind, body):
    return MACS + be16(kind) + body


def ether_ip(version):
    return ether(0x0800 if version == 4 else 0x86DD, some(version))


def llc(body):
    return bytes.fromhex("aaaa03000000") + body


WLAN = bytes.fromhex("080100000c00000000090a00000000010a00000000020000")
LINKS = [  # link type, what stands before an IP packet, its version
    (1, "01000c0000000a00000000010060aaaa0300000c000a00000000" + MACS.hex() + "0800", 4),
    (1, MACS.hex() + "8870aaaa030000000800", 4), (1, MACS.hex() + "8870aaaa0300000086dd", 6),
    (1, MACS.hex() + "88470000d14010000021", 4), (9, "ff03003dc00000010021", 4),
    (0, "02000000", 4), (0, "1e000000", 6), (9, "ff030021", 4), (9, "ff030057", 6),
    (10, "500a00000000020a0000000001aaaa030000000800", 4),
    (6, "10400a00000000020a0000000001aaaa030000000800", 4),
    (50, "ff030021", 4), (51, "1100000100400021", 4), (100, "aaaa030000000800", 4),
    (101, "", 4), (101, "", 6), (104, "0f000800", 4), (104, "0f0086dd", 6),
    (105, WLAN.hex() + "aaaa030000000800", 4), (105, WLAN.hex() + "aaaa0300000086dd", 6),
    (107, "184103cc", 4), (107, "1841038e", 6), (108, "00000002", 4),
    (113, "0000000100060a000000000100000800", 4), (113, "0000000100060a0000000001000086dd", 6),
    (127, "0000080000000000" + WLAN.hex() + "aaaa030000000800", 4),
    (192, "0000080069000000" + WLAN.hex() + "aaaa030000000800", 4),
    (226, "01020001LENGTH00000001000000020000000100000002", 4), (228, "", 4), (229, "", 6),
    (276, "0800000000000002000100060a00000000010000", 4),
    (7, "0102d4000007", 4), (129, "01020000d4000007", 4), (9, "0f000800", 4), (106, "", 4),
    (1, MACS.hex() + "89030020" + MACS.hex() + "0800", 4),
    (1, MACS.hex() + "893f100000d3000086dd", 6),
    (1, MACS.hex() + "d28b0001001000000001000000020800", 4),
    (1, MACS.hex() + "d28b00010120000000010002810000640800", 4),
    (1, MACS.hex() + "8847000101400000000000000c00000200000c0000010800", 4),
]


def linked(head, version):
    packet = some(version)
    return bytes.fromhex(head.replace("LENGTH", be32(len(packet)).hex())) + packet


WRAPPERS = [
    "8100 0064", "88a8 0064 8100 0065", "8100 0001 8100 0002 8100 0003", "9100 0007",
    "8847 00010140", "8847 00010040 00020040 00030140", "8864 1100 0001 0200 P",
    "8100 0009 8864 1100 0001 0200 P", "88e7 00000001 M", "L",
]


def wrapped(text, version):
    out, kind, words = b"", None, text.split()
    for i, word in enumerate(words):
        if word == "P":
            return MACS + out + be16(0x21 if version == 4 else 0x57) + some(version)
        if word == "L":
            body = llc(be16(0x800 if version == 4 else 0x86DD)) + some(version)
            return MACS + be16(len(body)) + body
        out += MACS if word == "M" else bytes.fromhex(word)
    if words[0] == "8847":
        return MACS + out + some(version)
    return MACS + out + be16(0x800 if version == 4 else 0x86DD) + some(version)


def extensions():
    """IPv6 chains of every extension header before TCP, UDP and ESP."""
    rows = {0: "050200000000", 43: "0400000000000000"[:12], 60: "010400000000", 135: "000000000000"}
    for last, body in ((6, tcp()), (17, udp()), (50, be32(5) + be32(1) + bytes(40))):
        for chain in ([], [0], [0, 43], [60], [0, 60, 43, 60], [43, 60], [51], [0, 51], [44], [60, 44, 60]):
            out, following = body, last
            for kind in reversed(chain):
                if kind == 44:
                    out = bytes([following, 0]) + be16(0) + be32(9) + out
                elif kind == 51:
                    out = bytes([following, 1]) + bytes(2) + be32(1) + be32(1) + out
                elif kind == 43:
                    out = bytes([following, 0, 4, 0]) + bytes(4) + out
                else:
                    out = bytes([following, 0]) + bytes.fromhex(rows[kind]) + out
                following = kind
            yield ip6(following, out)


def fragments(version):
    """A datagram in three; the first one first, or last."""
    body, parts = udp(9, bytes(40)), []
    for i in range(3):
        piece = body[i * 16:i * 16 + 16]
        if version == 4:
            parts.append(ip4(17, piece, (0x2000 if i < 2 else 0) | i * 2, host=3))
        else:
            parts.append(ip6(44, bytes([17, 0]) + be16(i * 16 | (i < 2)) + be32(99) + piece, host=3))
    return parts


def tunnels():
    def gre(kind, body, flags=0, rest=b""):
        return 47, be16(flags) + be16(kind) + rest + body
    for version in (4, 6):
        kind = 0x0800 if version == 4 else 0x86DD
        inner = lambda: some(version)
        yield (4, inner()) if version == 4 else (41, inner())
        yield gre(kind, inner())
        yield gre(kind, inner(), 0x3000, be32(7) + be32(1))
        yield gre(0x6558, ether(kind, inner()), 0x2000, be32(0x100))
        yield gre(0x6400, ether(kind, inner()), 0x2001, bytes.fromhex("003c0500"))
        yield gre(kind, inner(), 0x4000, bytes(8))
        yield gre(0x8847, bytes.fromhex("00010140") + inner())
        yield 17, udp(4789, bytes.fromhex("0800000000000100") + ether(kind, inner()))
        yield 17, udp(6081, bytes.fromhex("0000655800000100") + ether(kind, inner()))
        if version == 4:  # tshark shows no addresses of IPv6 there
            yield 17, udp(2152, bytes.fromhex("30ff002000000001") + inner())
        yield 97, bytes.fromhex("3000") + ether(kind, inner())
        yield 17, udp(4754, be16(0) + be16(kind) + inner())
        yield 17, udp(4341, bytes.fromhex("c012345600000001") + inner())
        # tshark takes frame control as Cisco's access points have it, turned round
        yield 17, udp(5247, bytes.fromhex("00100300000000000108") + WLAN[2:] + llc(be16(kind)) + inner())
        yield 51, bytes([4 if version == 4 else 41, 4]) + bytes(22) + inner()
        yield gre(0x0800, ip4(4, ip4(41, ip6(6, tcp()))))
    yield 17, udp(3544, ip6(6, tcp()))


def pcap(path, frames, linktype=1):
    with open(path, "wb") as f:
        f.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, linktype))
        for i, (frame, captured) in enumerate(frames):
            f.write(struct.pack("<IIII", 1700000000 + i // 50, i % 50 * 1000, captured, len(frame)))
            f.write(frame[:captured])


def pcapng(path, frames):
    def block(kind, body):
        body += bytes(-len(body) % 4)
        return struct.pack(">II", kind, len(body) + 12) + body + struct.pack(">I", len(body) + 12)
    types = sorted({linktype for linktype, _ in frames})
    with open(path, "wb") as f:
        f.write(block(0x0A0D0D0A, struct.pack(">IHHq", 0x1A2B3C4D, 1, 0, -1)))
        for linktype in types:
            f.write(block(1, struct.pack(">HHI", linktype, 0, 0)))
        for i, (linktype, frame) in enumerate(frames):
            us = 1700000000 * 1000000 + i * 1000
            f.write(block(6, struct.pack(">IIIII", types.index(linktype), us >> 32,
                                         us & 0xFFFFFFFF, len(frame), len(frame)) + frame))


def main(folder):
    pcapng(folder + "/links.pcapng", [(t, linked(head, version))
                                       for _ in range(5) for t, head, version in LINKS])
    frames = []
    for _ in range(5):
        for version in (4, 6):
            frames += [wrapped(w, version) for w in WRAPPERS]
            frames += [ether_ip(version) for _ in range(10)]
            kind = 0x0800 if version == 4 else 0x86DD
            frames += [ether(kind, p) for p in fragments(version)]
            frames += [ether(kind, p) for p in reversed(fragments(version))]
            make = ip4 if version == 4 else ip6
            for proto, body in ((1 if version == 4 else 58, bytes.fromhex("0800000000010001") + bytes(20)),
                                (132, udp()[:8] + bytes(8)), (2, bytes(8)), (89, bytes(24)),
                                (103, bytes(8)), (33, udp()[:4] + bytes.fromhex("0400000000000001") + bytes(4)),
                                (136, udp()), (253, bytes(9))):
                frames.append(ether(kind, make(proto, body)))
        frames += [ether(0x86DD, p) for p in extensions()]
        frames.append(ether(0x0800, ip4(6, tcp(), options=bytes.fromhex("94040000"))))
        frames.append(ether(0x0800, ip4(6, tcp(0))) + bytes(6))  # padding
        frames.append(ether(0x0806, bytes(28)))  # ARP
        frames.append(ether(0x88CC, bytes(40)))  # LLDP
        frames.append(MACS + be16(38) + bytes.fromhex("424203") + bytes(35))  # spanning tree
    pcap(folder + "/ethernet.pcap", [(f, len(f)) for f in frames])
    inside = []
    for _ in range(5):
        for proto, body in tunnels():
            inside.append(ether(0x0800, ip4(proto, body)))
            if proto != 41:
                inside.append(ether(0x86DD, ip6(proto, body)))
    pcap(folder + "/tunnels.pcap", [(f, len(f)) for f in inside])
    damaged = []
    for frame in frames + inside:
        damaged.append((frame, random.randrange(len(frame) + 1)))
        broken = bytearray(frame)
        for _ in range(random.randrange(1, 4)):
            broken[random.randrange(12, len(broken))] = random.randrange(256)
        damaged.append((bytes(broken), random.randrange(len(broken) + 1) if random.random() < .5 else len(broken)))
    pcap(folder + "/damaged.pcap", damaged)


main(sys.argv[1])
