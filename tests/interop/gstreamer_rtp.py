#!/usr/bin/python3
"""Sends a test picture and a tone as plain RTP with GStreamer's payloaders and udpsink.

    gstreamer_rtp.py HOST PORT VIDEO_PORT AUDIO_PORT

The ports are those of the server, and those that picture and sound are sent from. Ends when its
standard input ends.
"""

import sys
import threading

import gi

gi.require_version("Gst", "1.0")
from gi.repository import GLib, Gst  # noqa: E402

PIPELINE = """
videotestsrc is-live=true pattern=smpte
  ! video/x-raw,width=640,height=360,framerate=25/1
  ! openh264enc gop-size=25 complexity=low rate-control=bitrate bitrate=800000
  ! h264parse
  ! rtph264pay config-interval=-1
  ! udpsink host={host} port={port} bind-port={video}
audiotestsrc is-live=true
  ! audio/x-raw,rate=48000,channels=2
  ! opusenc
  ! rtpopuspay
  ! udpsink host={host} port={port} bind-port={audio}
"""


def main(host, port, video, audio):
    Gst.init(None)
    loop = GLib.MainLoop()
    pipeline = Gst.parse_launch(PIPELINE.format(host=host, port=port, video=video, audio=audio))
    failed = []

    def fail(_, message):
        failed.append(message.parse_error())
        loop.quit()

    def wait_for_the_end():
        sys.stdin.read()
        GLib.idle_add(loop.quit)

    bus = pipeline.get_bus()
    bus.add_signal_watch()
    bus.connect("message::error", fail)
    threading.Thread(target=wait_for_the_end, daemon=True).start()
    pipeline.set_state(Gst.State.PLAYING)
    loop.run()
    pipeline.set_state(Gst.State.NULL)
    sys.exit(str(failed) if failed else 0)


main(*sys.argv[1:])
