# SPDX-License-Identifier: BSD-2-Clause
# Fetches paths over one connection, with up to so many requests ahead of their answers.
#   python3 pipeline.py HOST PORT DEPTH PATH...
import socket
import sys

host, port, depth = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
paths = sys.argv[4:]
name = f"[{host}]" if ":" in host else host
connection = socket.create_connection((host, port), 60)
connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
answers = connection.makefile("rb", 1 << 18)
asked = 0


def ask(upto):
    """Requests that may go out together are written together."""
    global asked
    text = ""
    while asked < min(upto, len(paths)):
        text += f"GET {paths[asked]} HTTP/1.1\r\nHost: {name}\r\nUser-Agent: weir-lab\r\nAccept: */*\r\n\r\n"
        asked += 1
    if text:
        connection.sendall(text.encode())


def read_answer():
    status = answers.readline().split()
    if len(status) < 2 or status[1] != b"200":
        sys.exit(f"pipeline: answered {status}")
    left = None
    while (line := answers.readline().strip()) != b"":
        key, _, value = line.partition(b":")
        if key.lower() == b"content-length":
            left = int(value)
    if left is None:
        sys.exit("pipeline: an answer without Content-Length")
    while left > 0:
        part = answers.read1(min(left, 1 << 18))
        if not part:
            sys.exit("pipeline: the connection ended early")
        left -= len(part)


# As apt does: the first request goes alone, for it shows whether the server keeps up.
ask(1)
for done in range(len(paths)):
    read_answer()
    ask(done + 1 + depth)
