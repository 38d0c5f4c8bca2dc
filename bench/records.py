# SPDX-License-Identifier: BSD-2-Clause
# Makes flow records of downloads of a catalogue's files, as TSV for weir load:
#   records.py spans|plain COUNT CATALOGUE.tsv[.xz] SEED [TRUTH] >FLOWS
# 100 servers, the first the most asked, and 5,000 clients. A server has one of four kinds of
# headers and a client one of three kinds of requests; one download in ten is of a file that
# the catalogue does not have. spans: one to twelve downloads on a connection, each a record
# with its spans. plain: one download a connection, octets and packets of either direction,
# some segments sent again, each with its selective acknowledgements. TRUTH is for weir
# evaluate.
import lzma
import math
import random
import sys

kind, count, path, seed = sys.argv[1], int(sys.argv[2]), sys.argv[3], int(sys.argv[4])
truth = open(sys.argv[5] if len(sys.argv) > 5 else "/dev/null", "w")
draw = random.Random(seed)
SERVERS, CLIENTS, MSS, HEADERS = 100, 5000, 1448, 52
OTHERS = 3  # packets of the server without data: of the handshake, for the request, at the end
START_US = 1_764_000_000_000_000

files = []
with (lzma.open if path.endswith(".xz") else open)(path, "rt") as lines:
    lines = (line.rstrip("\n") for line in lines if not line.startswith("#"))
    names = next(lines).split("\t")
    columns = [names.index(name) for name in ("size", "path", "name", "version")]
    for line in lines:
        cells = line.split("\t")
        octets, where, name, version = (cells[i] for i in columns)
        files.append((int(octets), len(where), f"{name}\t{version}"))

heads = [(233, True), (243, True), (257, False), (301, True)]  # octets; the size in an ETag too
asks = [87, 96, 130]
servers = [(f"198.51.100.{i + 1}", *heads[i % len(heads)]) for i in range(SERVERS)]
clients = [(f"10.{i // 250}.{i % 250 + 1}.7", asks[i % len(asks)], draw.uniform(0.0001, 0.006))
           for i in range(CLIENTS)]
weights = [1 / (i + 1) for i in range(SERVERS)]


def download(server, client):
    octets, letters, name = draw.choice(files)
    if draw.random() < 0.1:
        octets += draw.randint(1, 9000)
        name = "\t"
    digits = len(str(octets)) + (len(f"{octets:x}") if server[2] else 0)
    return octets + server[1] + digits, letters + client[1], name


def stamp(us):
    return f"{us // 1_000_000}.{us % 1_000_000:06d}"


def tell(client, port, at, name):
    print(client[0], port, stamp(at), name, sep="\t", file=truth)


def spans():
    print("start end src dst src_port dst_port proto bytes packets reverse_bytes reverse_packets "
          "tcp_flags reverse_tcp_flags connection exchange span reverse_span offset "
          "reverse_offset".replace(" ", "\t"))
    done = number = 0
    while done < count:
        server = draw.choices(servers, weights)[0]
        client = draw.choice(clients)
        port, at, number = draw.randint(1024, 65535), START_US + 500 * done, number + 1
        up = down = 0
        for exchange in range(min(draw.choice((1, 1, 1, 2, 4, 12)), count - done)):
            answer, request, name = download(server, client)
            tell(client, port, at, name)
            packets = answer // MSS + 2
            end = at + answer // 12 + 2000
            print(stamp(at), stamp(end), client[0], server[0], port, 80, 6,
                  request + HEADERS * (packets // 2 + 2), packets // 2 + 2,
                  answer + HEADERS * packets, packets, "AP", "AP", number, exchange, request, answer,
                  up, down, sep="\t")
            up, down, at, done = up + request, down + answer, end + 900, done + 1


def plain():
    print("start end src dst src_port dst_port proto bytes packets reverse_bytes reverse_packets "
          "tcp_flags reverse_tcp_flags".replace(" ", "\t"))
    for done in range(count):
        server = draw.choices(servers, weights)[0]
        client = draw.choice(clients)
        answer, request, name = download(server, client)
        port, at = draw.randint(1024, 65535), START_US + 500 * done
        segments = answer // MSS + 1
        again, mean = 0, client[2] * segments
        if draw.random() < mean / (1 + mean):
            again = 1 + int(math.log(draw.random()) / math.log(mean / (1 + mean)))
        acks = segments // 2 + 3
        tell(client, port, at, name)
        print(stamp(at), stamp(at + answer // 12 + 2000), client[0], server[0],
              port, 80, 6, request + HEADERS * acks + 8 + 12 * 2 * again, acks,
              answer + again * MSS + HEADERS * (segments + again + OTHERS) + 8, segments + again + OTHERS,
              "SAPF", "SAPF", sep="\t")


print("client\tclient_port\tstart\tname\tversion", file=truth)
{"spans": spans, "plain": plain}[kind]()
