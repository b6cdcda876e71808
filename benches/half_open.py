#!/usr/bin/env python3
"""What a WHEP session costs whose client says nothing more.

usage: half_open.py DATA PID SOURCE COUNT offer|handshake

DATA is the data folder of a server on this machine, PID its process, SOURCE the id of a live source. COUNT clients
make an offer; with "handshake" each also proves its address (RFC 8445, 7.2.2), so that the server begins the DTLS
handshake, and answers none of it. Printed is the growth of the server's resident memory for each.
"""

import hashlib
import hmac
import json
import os
import re
import socket
import struct
import sys
import urllib.error
import urllib.request
import zlib

PASSWORD = "abcdefghijklmnopqrstuvwx"


def call(base, path, body, token=None):
    headers = {"Content-Type": "application/json"} | ({"X-Token": token} if token else {})
    request = urllib.request.Request(f"{base}/{path}", json.dumps(body).encode(), headers)
    return json.load(urllib.request.urlopen(request))


def resident(pid):
    with open(f"/proc/{pid}/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmRSS"))


def offer(client):
    def section(kind, mid, number, format_lines):
        return [
            f"m={kind} 9 UDP/TLS/RTP/SAVPF {number}",
            "c=IN IP4 0.0.0.0",
            f"a=ice-ufrag:{name(client)}",
            f"a=ice-pwd:{PASSWORD}",
            "a=fingerprint:sha-256 " + ":".join(["AB"] * 32),
            "a=setup:actpass",
            f"a=mid:{mid}",
            "a=recvonly",
            "a=rtcp-mux",
            *format_lines,
        ]

    h264 = ["a=rtpmap:96 H264/90000", "a=fmtp:96 packetization-mode=1;profile-level-id=42e01f"]
    lines = ["v=0", f"o=- {client + 1} 2 IN IP4 127.0.0.1", "s=-", "t=0 0", "a=group:BUNDLE 0 1"]
    lines += section("video", 0, 96, h264) + section("audio", 1, 111, ["a=rtpmap:111 opus/48000/2"])
    return "\r\n".join([*lines, ""]).encode()


def name(client):
    return f"u{client:06d}"


def attribute(kind, value):
    return struct.pack("!HH", kind, len(value)) + value + bytes(-len(value) % 4)


def check(username, password):
    """A binding request that nominates its way (RFC 8489, RFC 8445)."""
    transaction = os.urandom(12)

    def head(length):
        return struct.pack("!HHI", 1, length, 0x2112A442) + transaction

    body = attribute(0x0006, username.encode()) + attribute(0x0024, struct.pack("!I", 1 << 30))
    body += attribute(0x802A, os.urandom(8)) + attribute(0x0025, b"")
    mac = hmac.new(password.encode(), head(len(body) + 24) + body, hashlib.sha1)
    body += attribute(0x0008, mac.digest())
    crc = zlib.crc32(head(len(body) + 8) + body) ^ 0x5354554E
    body += attribute(0x8028, struct.pack("!I", crc & 0xFFFFFFFF))
    return head(len(body)) + body


def handshake(server, client, answer):
    """Says whether a DTLS record came (RFC 7983, 7)."""
    ufrag, password = (re.search(f"a=ice-{what}:(\\S+)", answer)[1] for what in ("ufrag", "pwd"))
    peer = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    peer.settimeout(5)
    peer.connect(server)
    peer.send(check(f"{ufrag}:{name(client)}", password))
    begun = any(20 <= peer.recv(2048)[0] <= 63 for _ in range(2))
    return peer, begun


def main(data, pid, source, count, stage):
    with open(f"{data}/runtime.json") as runtime, open(f"{data}/admin.json") as admin:
        runtime, admin = json.load(runtime), json.load(admin)
    base = f"http://{runtime['http']}"
    host, port = runtime["webrtc"].rsplit(":", 1)
    keys = {"api_id": admin["api_id"], "api_key": admin["api_key"]}
    token = call(base, "authenticate/api", keys)["token"]
    headers = {"Content-Type": "application/sdp", "Authorization": f"Bearer {token}"}
    before, peers, begun = resident(pid), [], 0
    for client in range(int(count)):
        request = urllib.request.Request(f"{base}/live/whep/{source}", offer(client), headers)
        try:
            answer = urllib.request.urlopen(request).read().decode()
        except urllib.error.HTTPError as error:
            print(f"the server takes no more: {error.code}", file=sys.stderr)
            break
        peer = None
        if stage == "handshake":
            peer, said = handshake((host, int(port)), client, answer)
            begun += said
        peers.append(peer)
    each = (resident(pid) - before) / max(len(peers), 1)
    print(json.dumps({"sessions": len(peers), "handshakes_begun": begun, "kib_each": round(each, 1)}))


if __name__ == "__main__":
    if len(sys.argv) != 6 or sys.argv[5] not in ("offer", "handshake"):
        sys.exit(__doc__)
    main(*sys.argv[1:])
