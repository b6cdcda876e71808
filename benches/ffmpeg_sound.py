#!/usr/bin/env python3
"""What ffmpeg costs and delays that decodes sound as the server has it do.

    benches/ffmpeg_sound.py FFMPEG CLIP SECONDS

Hands over the ADTS frames of a clip at their pace, again and again, and tells how long each takes to
come out whole, and the processor time without the first two seconds. Arguments and limits are those
of media/src/driver/ffmpeg.rs.
"""

import os
import subprocess
import sys
import threading
import time

LIMITED = 'ulimit -c 0; ulimit -f 0; ulimit -n 64; ulimit -v 1048576; exec "$0" "$@"'
ARGUMENTS = (
    "-nostdin -hide_banner -loglevel error -threads 1 -probesize 32 -analyzeduration 0"
    " -protocol_whitelist pipe -f aac -i pipe:0 -map 0:a:0 -c:a pcm_f32be -bitexact"
    " -flush_packets 1 -threads 1 -f au pipe:1"
).split()
RATES = [96000, 88200, 64000, 48000, 44100, 32000, 24000, 22050, 16000, 12000, 11025, 8000, 7350]
HEADER = 32
RUN_IN = 2


def frames_of(clip):
    frames, at = [], 0
    while at + 7 <= len(clip):
        length = (clip[at + 3] & 3) << 11 | clip[at + 4] << 3 | clip[at + 5] >> 5
        frames.append(clip[at : at + length])
        at += length
    return frames


def main():
    program, clip, seconds = sys.argv[1], sys.argv[2], float(sys.argv[3])
    with open(clip, "rb") as file:
        frames = frames_of(file.read())
    step = 1024 / RATES[frames[0][2] >> 2 & 15]
    child = subprocess.Popen(
        ["/bin/sh", "-c", LIMITED, program, *ARGUMENTS],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={},
    )
    came = []

    def read():
        total = 0
        while some := os.read(child.stdout.fileno(), 1 << 17):
            total += len(some)
            came.append((time.monotonic(), total))

    def busy():
        with open(f"/proc/{child.pid}/stat") as file:
            fields = file.read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    threading.Thread(target=read, daemon=True).start()
    sent, begin = [], time.monotonic()
    for number in range(int(seconds / step)):
        time.sleep(max(0, begin + number * step - time.monotonic()))
        if number == int(RUN_IN / step):
            since, before = time.monotonic(), busy()
        sent.append(time.monotonic())
        os.write(child.stdin.fileno(), frames[number % len(frames)])
    time.sleep(0.5)
    share = 100 * (busy() - before) / (time.monotonic() - since)
    with open(f"/proc/{child.pid}/status") as file:
        memory = next(int(line.split()[1]) for line in file if line.startswith("VmRSS"))
    child.kill()
    child.wait()

    whole = (came[-1][1] - HEADER) / len(sent)
    delays, at = [], 0
    for number, when in enumerate(sent):
        while came[at][1] < HEADER + (number + 1) * whole - 0.5:
            at += 1
        delays.append(1000 * (came[at][0] - when))
    first, delays = delays[0], sorted(delays[int(RUN_IN / step) :])
    middle, late = delays[len(delays) // 2], delays[len(delays) * 99 // 100]
    print(
        f"{os.path.basename(clip)}: first frame after {first:.0f} ms, others after {middle:.2f} ms (p50),"
        f" {late:.2f} ms (p99); {share:.2f} % of a core, {memory >> 10} MiB"
    )


main()
