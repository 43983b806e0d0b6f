"""Listens on loopback to the connections of some ports, as somebody in the middle would, until told to end (SIGTERM).

Usage: capture.py PORT... ; prints "ready", and at the end one JSON object: port -> connections in the order of their
beginning, each with what its client and its server sent, in base64. Fails when a packet was lost or a byte is missing.
"""
import base64
import json
import signal
import socket
import struct
import sys

ETH_P_IP = 0x0800
SO_RCVBUFFORCE = 33
SOL_PACKET, PACKET_STATISTICS = 263, 6
BUFFER_BYTES = 256 * 1024 * 1024
SYN, ACK = 2, 16


class Direction:
    """One direction of a TCP connection: its bytes in the order of their numbers."""

    def __init__(self, first):
        self.first = first
        self.pieces = {}

    def add(self, number, payload):
        at = (number - self.first) % 2**32
        if len(payload) > len(self.pieces.get(at, b"")):
            self.pieces[at] = payload

    def whole(self):
        out = bytearray()
        for at in sorted(self.pieces):
            if at > len(out):
                sys.exit(f"{at - len(out)} bytes are missing at {len(out)}")
            piece = self.pieces[at]
            if at + len(piece) > len(out):
                out += piece[len(out) - at :]
        return base64.b64encode(out).decode()


def main():
    ports = {int(port) for port in sys.argv[1:]}
    connections = {port: [] for port in ports}
    flows = {}  # (source, destination) -> its direction

    def packet(frame):
        header = frame[14:]
        length = struct.unpack_from("!H", header, 2)[0] or len(header)
        if header[9] != socket.IPPROTO_TCP:
            return
        tcp = header[(header[0] & 15) * 4 : length]
        source, destination, number = struct.unpack_from("!HHI", tcp)
        if source not in ports and destination not in ports:
            return
        flags, payload = tcp[13], tcp[(tcp[12] >> 4) * 4 :]
        ends = (header[12:16], source), (header[16:20], destination)
        if flags & SYN:
            known = flows.get(ends)
            if known is None or known.first != (number + 1) % 2**32:  # a packet is seen twice: sent and received
                flows[ends] = Direction((number + 1) % 2**32)
                if not flags & ACK:
                    connections[destination].append([ends, flows[ends], None])
                else:
                    for connection in connections[source]:
                        if connection[0] == ends[::-1] and connection[2] is None:
                            connection[2] = flows[ends]
        if payload and ends in flows:
            flows[ends].add(number, payload)

    end = []
    signal.signal(signal.SIGTERM, lambda *_: end.append(True))
    ear = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_IP))
    ear.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, BUFFER_BYTES)
    ear.bind(("lo", ETH_P_IP))
    ear.settimeout(0.2)
    print("ready", flush=True)
    while True:
        try:
            packet(ear.recv(256 * 1024))
        except socket.timeout:
            if end:  # and nothing is left to read
                break
    _, lost = struct.unpack("II", ear.getsockopt(SOL_PACKET, PACKET_STATISTICS, 8))
    if lost:
        sys.exit(f"{lost} packets were lost")
    json.dump(
        {
            port: [{"client": sent.whole(), "server": answered.whole() if answered else ""} for _, sent, answered in found]
            for port, found in connections.items()
        },
        sys.stdout,
    )


main()
