#!/usr/bin/env python3
"""What ffmpeg costs and delays that decodes H.265 as the server has it do.

    benches/ffmpeg_picture.py FFMPEG CLIP RATE SECONDS

Hands over the frames of a clip (annex B, without B-frames, beginning with a key frame) at their pace,
again and again, and tells how long each takes to come out whole, and the processor time without the
first two seconds. Arguments and limits are those of media/src/driver/ffmpeg.rs.
"""

import os
import re
import struct
import subprocess
import sys
import threading
import time

LIMITED = 'ulimit -c 0; ulimit -f 0; ulimit -n 64; ulimit -v 2097152; exec "$0" "$@"'
ARGUMENTS = (
    "-nostdin -hide_banner -loglevel error -threads 1 -probesize 32 -analyzeduration 0"
    " -protocol_whitelist pipe -copyts -f ivf -c:v hevc -i pipe:0 -map 0:v:0"
    " -vf metadata=add:key=rushes:value=1,metadata=print:file=pipe\\\\:2:direct=1"
    " -fps_mode passthrough -c:v pgmyuv -pix_fmt yuv420p -bitexact -flush_packets 1 -threads 1"
    " -nostats -loglevel fatal -f image2pipe pipe:1"
).split()
RUN_IN = 2


def frames_of(clip):
    starts = [found.start() for found in re.finditer(b"\0\0\1", clip)] + [len(clip)]
    frames, frame, has_slice = [], b"", False
    for begin, end in zip(starts, starts[1:]):
        unit = clip[begin + 3 : end].rstrip(b"\0")
        is_slice = unit[0] >> 1 < 32
        begins = unit[2] & 0x80 if is_slice else unit[0] >> 1 in (32, 33, 34, 35, 39)
        if has_slice and begins:
            frames.append(frame)
            frame, has_slice = b"", False
        frame += b"\0\0\0\1" + unit
        has_slice |= is_slice
    return frames + [frame]


def main():
    program, clip = sys.argv[1:3]
    rate, seconds = map(float, sys.argv[3:5])
    with open(clip, "rb") as file:
        frames = frames_of(file.read())
    child = subprocess.Popen(
        ["/bin/sh", "-c", LIMITED, program, *ARGUMENTS],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={},
    )
    came = []

    def read():
        # The header tells the size of a picture.
        while child.stdout.readline() == b"P5\n":
            width, rows = map(int, child.stdout.readline().split())
            child.stdout.readline()
            child.stdout.read(width * rows)
            came.append(time.monotonic())

    def busy():
        with open(f"/proc/{child.pid}/stat") as file:
            fields = file.read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    threading.Thread(target=read, daemon=True).start()
    head = b"DKIF" + struct.pack("<HH4sHHIIII", 0, 32, b"HEVC", 0, 0, 90000, 1, 0, 0)
    child.stdin.write(head)
    sent, begin = [], time.monotonic()
    for number in range(int(seconds * rate)):
        time.sleep(max(0, begin + number / rate - time.monotonic()))
        if number == int(RUN_IN * rate):
            since, before = time.monotonic(), busy()
        frame = frames[number % len(frames)]
        sent.append(time.monotonic())
        child.stdin.write(struct.pack("<IQ", len(frame), int(number * 90000 / rate)) + frame)
        child.stdin.flush()
    time.sleep(0.5)
    share = 100 * (busy() - before) / (time.monotonic() - since)
    with open(f"/proc/{child.pid}/status") as file:
        memory = next(int(line.split()[1]) for line in file if line.startswith("VmRSS"))
    child.kill()
    child.wait()

    assert len(came) == len(sent), f"{len(came)} of {len(sent)} pictures came"
    delays = [1000 * (out - into) for into, out in zip(sent, came)]
    first, delays = delays[0], sorted(delays[int(RUN_IN * rate) :])
    middle, late = delays[len(delays) // 2], delays[len(delays) * 99 // 100]
    print(
        f"{os.path.basename(clip)}: first picture after {first:.0f} ms, others after {middle:.1f} ms"
        f" (p50), {late:.1f} ms (p99); {share:.0f} % of a core, {memory >> 10} MiB"
    )


main()
