#!/usr/bin/python3
"""Sends what it reads by SRT with GStreamer's srtsink, in packets of 1316 bytes.

    gstreamer_srt.py URI

Ends when its standard input ends.
"""

import sys

import gi

gi.require_version("Gst", "1.0")
from gi.repository import Gst  # noqa: E402

Gst.init(None)
pipeline = Gst.parse_launch("fdsrc fd=0 blocksize=1316 ! srtsink name=sink sync=false")
pipeline.get_by_name("sink").set_property("uri", sys.argv[1])
pipeline.set_state(Gst.State.PLAYING)
message = pipeline.get_bus().timed_pop_filtered(
    Gst.CLOCK_TIME_NONE, Gst.MessageType.EOS | Gst.MessageType.ERROR
)
pipeline.set_state(Gst.State.NULL)
if message.type == Gst.MessageType.ERROR:
    sys.exit(str(message.parse_error()))
