# SPDX-License-Identifier: BSD-2-Clause
"""Holds weir meter against tshark on a folder of captures. Called by bench/captures.sh:

    captures.py PROGRAM FOLDER

On every capture, in every key and tunnel mode: frames = metered + named counters, packets
metered = packets in records, octets likewise, the same in all modes. Flow by flow in one
direction each, with the outermost addresses, ports and protocol: packets, octets, first and
last packet and TCP flags are those that follow from tshark's fields. Captures go through tshark
many at once, as most of its time is its start; what mergecap cannot read goes alone.
"""
import calendar
import collections
import concurrent.futures
import ipaddress
import itertools
import json
import os
import random
import re
import subprocess
import sys
import tempfile
import time

program, folder = sys.argv[1:3]
BATCH_FILES, BATCH_BYTES = 200, 12 << 20
FRAGMENT_NS = 30 * 10**9
MAGIC = {bytes.fromhex(m) for m in ("d4c3b2a1", "a1b2c3d4", "4d3cb2a1", "a1b23c4d", "34cdb2a1",
                                    "a1b2cd34", "0a0d0d0a")}
FIELDS = ("frame.time_epoch", "frame.protocols", "ip.src", "ip.dst", "ip.len", "ip.proto", "ip.id",
          "ip.frag_offset", "ip.flags.mf", "ipv6.src", "ipv6.dst", "ipv6.plen", "ipv6.nxt",
          "ipv6.fraghdr.offset", "ipv6.fraghdr.ident", "tcp.srcport", "tcp.dstport", "tcp.flags",
          "udp.srcport", "udp.dstport", "sctp.srcport", "sctp.dstport", "dccp.srcport",
          "dccp.dstport")
PORTS = {"tcp": ("tcp", 6), "udp": ("udp", 17), "udplite": ("udp", 136), "sctp": ("sctp", 132),
         "dccp": ("dccp", 33)}
# Layers of tshark by their IP protocol, and weir's names of such numbers.
LAYERS = {"icmpv6": 58, "esp": 50, "ospf": 89, "pim": 103, "gre": 47, "ip": 4, "ipv6": 41,
          "eigrp": 88, "ipcomp": 108, "vrrp": 112, "mipv6": 135}
NAMES = {"tcp": 6, "udp": 17, "icmp": 1, "icmpv6": 58, "igmp": 2, "ipip": 4, "ipv6": 41, "rsvp": 46,
         "gre": 47, "esp": 50, "ah": 51, "ospf": 89, "pim": 103, "vrrp": 112, "l2tp": 115, "sctp": 132,
         "dccp": 33, "udplite": 136, "eigrp": 88}
LETTERS = {"F": 1, "S": 2, "R": 4, "P": 8, "A": 16, "U": 32, "E": 64, "C": 128}
KEYS = ("full", "port", "proto", "noproto", "ip", "vlan", "ether")
MODES = ((), ("--tunnel", "inner"), ("--tunnel", "gre,vxlan", "-s", "3"),
         ("--tunnel", "inner", "-m", "64", "-t", "udp=1s", "-t", "expint=30"),
         ("--uniflow", "--sample-random", "4"), ("--no-cut", "-t", "maxlife=1"))
ALL = [(key, mode) for key in KEYS for mode in MODES]
draw = random.Random(5)


def run(*args):
    return subprocess.run(args, capture_output=True)


def address(text):
    return ipaddress.ip_address(text) if text else None


def ns(text):
    whole, _, part = text.partition(".")
    return int(whole) * 10**9 + int((part + "0" * 9)[:9])


def identity(path, key, mode):
    """What is wrong, or the packets and octets of IP that it says."""
    done = run(program, "meter", "-r", path, "-T", key, *mode, "-o", "tsv", "-w", os.devnull)
    text = done.stderr.decode(errors="replace")
    if done.returncode not in (0, 1) or "Sanitizer" in text or "runtime error" in text:
        return "exit status %d: %s" % (done.returncode, text[-300:])
    part, counted, records, ip = "", 0, [], {}
    for line in text.splitlines():
        word = line.split()
        if line[:1] != " ":
            part = word[0] if word else ""
        elif "in flow records" in line:
            records.append((int(word[3]), int(word[4])))
        elif part == "IP":
            ip[word[0]] = (int(word[1]), int(word[2]))
        elif part == "frames" and word[0] == "sum":
            ip["sum"] = int(word[1])
        elif part == "frames" and re.match(r"\S+ +\d+ +\d+  ", line.strip()):
            counted += int(word[1])
            if word[0] == "ip":
                ip["seen"] = int(word[1])
    if not records:
        return "no summary: " + text[-300:]
    metered, outside, left = (ip.get(n, (0, 0)) for n in ("metered", "outside", "unsampled"))
    packets = metered[0] + outside[0] + left[0]
    if counted != ip["sum"] or records[0] != metered or records[-1] != (outside if len(records) > 1
                                                                       else metered):
        return "does not add up: " + text
    if packets != ip.get("seen", 0):
        return "IP frames are not the packets: " + text
    return ip["sum"], packets, metered[1] + outside[1] + left[1]


def packet(row):
    """A frame's packet as tshark shows its first IP layer, or None."""
    f = dict(zip(FIELDS, row))
    layers = f["frame.protocols"].split(":")
    at = next((i for i, name in enumerate(layers) if name in ("ip", "ipv6")), None)
    if at is None:
        return None
    first = {name: value.split(",")[0] for name, value in f.items()}
    is4 = layers[at] == "ip"
    src, dst = (first["ip.src"], first["ip.dst"]) if is4 else (first["ipv6.src"], first["ipv6.dst"])
    if not src or not dst:
        return None
    p = {"src": address(src), "dst": address(dst), "time": first["frame.time_epoch"], "flags": 0,
         "ports": (None, None), "octets": int(first["ip.len"]) if is4 else int(first["ipv6.plen"]) + 40,
         "proto": int(first["ip.proto"]) if is4 else None}
    at += 1
    while at < len(layers) and (layers[at].startswith("ipv6.") or (layers[at] == "ah" and not is4)):
        at += 1
    layer = layers[at] if at < len(layers) else ""
    if layer in PORTS:
        name, number = PORTS[layer]
        if first[name + ".srcport"]:
            p["ports"] = int(first[name + ".srcport"]), int(first[name + ".dstport"])
            p["proto"] = number
        if layer == "tcp" and first["tcp.flags"]:
            p["flags"] = int(first["tcp.flags"], 16) & 255
    elif not is4:
        p["proto"] = LAYERS.get(layer)
    offset = first["ip.frag_offset"] if is4 else first["ipv6.fraghdr.offset"]
    p["offset"] = int(offset or 0)
    if p["offset"] > 0 or (is4 and first["ip.flags.mf"] in ("1", "True")) or (
            not is4 and first["ipv6.fraghdr.ident"]):
        p["datagram"] = p["src"], p["dst"], first["ip.id"] if is4 else first["ipv6.fraghdr.ident"], \
            p["proto"] if is4 else None
    return p


def expected(rows):
    packets = [p for p in map(packet, rows) if p is not None]
    last = 0
    for p in packets:  # a simple packet block has no time: it is that of the packet before
        last = p["time"] = ns(p["time"]) if p["time"] else last
    firsts = collections.defaultdict(list)
    for p in packets:
        if "datagram" in p and p["offset"] == 0:
            firsts[p["datagram"]].append(p)
    flows = {}
    for p in packets:
        if p["offset"] > 0:
            near = [q for q in firsts[p["datagram"]] if abs(q["time"] - p["time"]) < FRAGMENT_NS]
            if near:
                q = min(near, key=lambda q: abs(q["time"] - p["time"]))
                p["ports"], p["proto"] = q["ports"], q["proto"]
        flow = flows.setdefault((p["src"], p["dst"], *p["ports"], p["proto"]),
                                [0, 0, p["time"], p["time"], 0])
        flow[0] += 1
        flow[1] += p["octets"]
        flow[2] = min(flow[2], p["time"])
        flow[3] = max(flow[3], p["time"])
        flow[4] |= p["flags"]
    return {key: (v[0], v[1], v[2] // 1000, v[3] // 1000, v[4]) for key, v in flows.items()}


def metered(path):
    done = run(program, "meter", "-r", path, "--uniflow", "-T", "full", "-o", "ndjson", "-f",
               "src,dst,src_port,dst_port,proto,packets,bytes,start,end,tcp_flags")
    flows = {}
    for line in done.stdout.decode().splitlines():
        row = json.loads(line)
        proto = row["proto"]
        proto = NAMES[proto] if proto in NAMES else int(proto)
        key = address(row["src"]), address(row["dst"]), row.get("src_port"), row.get("dst_port"), proto
        start, end = (calendar.timegm(time.strptime(row[n][:19], "%Y-%m-%dT%H:%M:%S")) * 10**6 +
                      int(row[n][20:26]) for n in ("start", "end"))
        text = row.get("tcp_flags") or ""
        flags = int(text, 16) & 255 if text[:2] == "0x" else sum(LETTERS.get(c, 0) for c in text)
        flow = flows.setdefault(key, [0, 0, start, end, 0])
        flow[0] += row["packets"]
        flow[1] += row["bytes"]
        flow[2] = min(flow[2], start)
        flow[3] = max(flow[3], end)
        flow[4] |= flags
    return {key: tuple(flow) for key, flow in flows.items()}


def dissect(path):
    fields = [word for name in FIELDS for word in ("-e", name)]
    done = run("tshark", "-r", path, "-n", "-o", "ip.defragment:FALSE", "-o", "ipv6.defragment:FALSE",
               "-o", "tcp.desegment_tcp_streams:FALSE", "-o", "tcp.analyze_sequence_numbers:FALSE",
               "-T", "fields", "-E", "occurrence=a", "-E", "aggregator=,", *fields)
    return [line.split("\t") for line in done.stdout.decode(errors="replace").split("\n")[:-1]]


def batch_rows(paths, counts=None):
    """Rows of tshark by file: of all files together, or else of each half."""
    if len(paths) < 2:
        return {path: dissect(path) for path in paths}
    if counts is None:
        counts = {}
        said = run("capinfos", "-c", "-T", "-r", "-m", "-M", *paths).stdout
        for line in said.decode(errors="replace").splitlines():
            name, _, count = line.rpartition(",")
            if count.isdigit():
                counts[name] = int(count)
    if all(path in counts for path in paths):
        with tempfile.TemporaryDirectory() as work:
            merged = work + "/all.pcapng"
            if run("mergecap", "-a", "-F", "pcapng", "-w", merged, *paths).returncode == 0:
                rows = dissect(merged)
                if len(rows) == sum(counts[path] for path in paths):
                    ends = list(itertools.accumulate(counts[path] for path in paths))
                    return {path: rows[end - counts[path]:end] for path, end in zip(paths, ends)}
    half = len(paths) // 2
    return {**batch_rows(paths[:half], counts), **batch_rows(paths[half:], counts)}


def compare(path, rows):
    theirs, ours = expected(rows), metered(path)
    for key in [key for key in theirs if key[4] is None]:  # tshark does not say
        like = [k for k in ours if k[:4] == key[:4] and k not in theirs]
        if len(like) == 1:
            theirs[like[0]] = theirs.pop(key)
    odd = []
    for key in sorted(set(theirs) | set(ours), key=str):
        a, b = theirs.get(key), ours.get(key)
        if a is not None and b is not None and key[4] != 6:
            a, b = a[:4], b[:4]
        if a != b:
            odd.append((key, a, b))
    return len(set(theirs) | set(ours)), odd


def one(path, rows):
    wrong, said = [], identity(path, "vlan", ())
    if isinstance(said, str):
        return 0, 0, 0, 0, 0, [said]
    runs = ALL if is_all else draw.sample(ALL, 2)
    for key, mode in runs:
        other = identity(path, key, mode)
        if other != said:
            wrong.append("%s %s: %s and %s" % (key, " ".join(mode), said, other))
    flows, odd = compare(path, rows)
    for key, theirs, ours in odd:
        wrong.append("%s %s %s %s %s: tshark %s, weir %s" % (*key, theirs, ours))
    return said[0], said[2], flows, flows - len(odd), 1 + len(runs), wrong


is_all = len(sys.argv) > 3 and sys.argv[3] == "all"
paths, size, batches = [], 0, [[]]
for place, folders, names in os.walk(folder):
    folders.sort()
    for name in sorted(names):
        path = os.path.join(place, name)
        with open(path, "rb") as file:
            if file.read(4) not in MAGIC:
                continue
        if len(batches[-1]) == BATCH_FILES or size > BATCH_BYTES:
            batches.append([])
            size = 0
        batches[-1].append(path)
        size += os.path.getsize(path)
sums, differ = [0] * 6, 0
with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
    waiting = [pool.submit(batch_rows, batch) for batch in batches[:2]]
    for i in range(len(batches)):
        rows = waiting.pop(0).result()
        waiting += [pool.submit(batch_rows, batch) for batch in batches[i + 2:i + 3]]
        for path, result in zip(rows, pool.map(one, rows, rows.values())):
            sums = [a + b for a, b in zip(sums, (1, *result[:5]))]
            differ += bool(result[5])
            if result[5]:
                print("%s:" % os.path.relpath(path, folder))
                for text in result[5][:6]:
                    print("  " + text[:400])
                if len(result[5]) > 6:
                    print("  and %d more" % (len(result[5]) - 6))
            sys.stdout.flush()
print("%d captures, %d frames, %d octets of IP; %d flows, %d equal; %d runs; %d captures with "
      "differences" % (*sums, differ))
