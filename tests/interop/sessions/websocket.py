# SPDX-License-Identifier: BSD-2-Clause
# A websocket (RFC 6455), both ends: a client that talks in short messages and pings, a
# server that answers each and pushes larger ones in between. The client prints the octets
# it sent and received, handshake and frames.
#   websocket.py serve ADDRESS PORT | websocket.py talk ADDRESS PORT
import base64, hashlib, os, socket, struct, sys, time

GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
TEXT, CLOSE, PING, PONG = 1, 8, 9, 10
ROUNDS = 40


def head(connection):
    data = b""
    while not data.endswith(b"\r\n\r\n"):
        octet = connection.recv(1)
        if not octet:
            sys.exit("the connection ended in the handshake")
        data += octet
    return data


def exactly(connection, n):
    data = b""
    while len(data) < n:
        more = connection.recv(n - len(data))
        if not more:
            sys.exit("the connection ended in a frame")
        data += more
    return data


def frame(kind, payload, masked):
    n = len(payload)
    out = bytes([0x80 | kind])
    mask = 0x80 if masked else 0
    out += bytes([mask | n]) if n < 126 else bytes([mask | 126]) + struct.pack(">H", n)
    if masked:
        key = os.urandom(4)
        payload = bytes(octet ^ key[i % 4] for i, octet in enumerate(payload))
        out += key
    return out + payload


def frame_read(connection):
    """Kind, payload and octets of the frame."""
    first, second = exactly(connection, 2)
    n, octets = second & 0x7F, 2
    if n == 126:
        n, octets = struct.unpack(">H", exactly(connection, 2))[0], 4
    if second & 0x80:
        key = exactly(connection, 4)
        payload = exactly(connection, n)
        return first & 15, bytes(o ^ key[i % 4] for i, o in enumerate(payload)), octets + 4 + n
    return first & 15, exactly(connection, n), octets + n


def serve(address, port):
    listener = socket.create_server((address, port))
    while True:
        connection, _ = listener.accept()
        request = head(connection)
        key = [l.split(b": ")[1] for l in request.split(b"\r\n") if l.startswith(b"Sec-WebSocket-Key")][0]
        accept = base64.b64encode(hashlib.sha1(key + GUID).digest())
        connection.sendall(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
                           b"Connection: Upgrade\r\nSec-WebSocket-Accept: " + accept + b"\r\n\r\n")
        kind = None
        while kind != CLOSE:
            kind, payload, _ = frame_read(connection)
            answer = {PING: PONG, CLOSE: CLOSE}.get(kind, TEXT)
            connection.sendall(frame(answer, payload, False))
            if kind == TEXT:
                connection.sendall(frame(TEXT, b"push " * 2000, False))
        connection.close()


def talk(address, port):
    connection = socket.create_connection((address, port))
    request = (b"GET /chat HTTP/1.1\r\nHost: " + address.encode() + b"\r\nUpgrade: websocket\r\n"
               b"Connection: Upgrade\r\nSec-WebSocket-Key: " + base64.b64encode(os.urandom(16)) +
               b"\r\nSec-WebSocket-Version: 13\r\n\r\n")
    connection.sendall(request)
    sent, received = len(request), len(head(connection))
    frames = []
    for i in range(ROUNDS):
        frames += [(TEXT, b"message %d" % i, 2), (PING, b"", 1)]
    for kind, payload, answers in frames + [(CLOSE, b"", 1)]:
        out = frame(kind, payload, True)
        connection.sendall(out)
        sent += len(out)
        for _ in range(answers):
            received += frame_read(connection)[2]
        time.sleep(0.005)
    connection.close()
    print(sent, received)


{"serve": serve, "talk": talk}[sys.argv[1]](sys.argv[2], int(sys.argv[3]))
