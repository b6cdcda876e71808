#!/usr/bin/python3
"""Publishes a test picture and a tone over WHIP with GStreamer's webrtcbin.

    gstreamer_whip.py URL BEARER

Prints the offer, between lines of dashes, and "connected" when it is. Ends its session and
itself when its standard input ends; exits 0 if the DELETE was answered 200.
"""

import sys
import threading
import urllib.parse
import urllib.request

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstSdp", "1.0")
gi.require_version("GstWebRTC", "1.0")
from gi.repository import GLib, Gst, GstSdp, GstWebRTC  # noqa: E402

PIPELINE = """
webrtcbin name=peer bundle-policy=max-bundle
videotestsrc is-live=true pattern=smpte
  ! video/x-raw,width=640,height=360,framerate=25/1
  ! openh264enc gop-size=25 complexity=low rate-control=bitrate bitrate=800000
  ! h264parse config-interval=-1
  ! rtph264pay config-interval=-1 aggregate-mode=zero-latency
  ! application/x-rtp,media=video,encoding-name=H264,payload=96,clock-rate=90000
  ! peer.
audiotestsrc is-live=true
  ! audio/x-raw,rate=48000,channels=2
  ! opusenc
  ! rtpopuspay
  ! application/x-rtp,media=audio,encoding-name=OPUS,payload=97,clock-rate=48000
  ! peer.
"""


class Publisher:
    def __init__(self, url, bearer):
        self.url = url
        self.headers = {"Authorization": f"Bearer {bearer}"}
        self.session = None
        self.loop = GLib.MainLoop()
        self.failed = None
        self.pipeline = Gst.parse_launch(PIPELINE)
        self.peer = self.pipeline.get_by_name("peer")
        # What the server misses of the picture is sent again, as GStreamer's own WHIP client has it.
        self.peer.emit("get-transceiver", 0).set_property("do-nack", True)
        self.peer.connect("on-negotiation-needed", self.negotiate)
        self.peer.connect("notify::ice-gathering-state", self.gathered)
        self.peer.connect("notify::connection-state", self.changed)
        bus = self.pipeline.get_bus()
        bus.add_signal_watch()
        bus.connect("message::error", lambda _, message: self.fail(message.parse_error()))

    def run(self):
        threading.Thread(target=self.wait_for_the_end, daemon=True).start()
        self.pipeline.set_state(Gst.State.PLAYING)
        self.loop.run()
        status = self.delete() if self.session else None
        self.pipeline.set_state(Gst.State.NULL)
        print("DELETE was answered", status, flush=True)
        if self.failed:
            sys.exit(str(self.failed))
        sys.exit(0 if status == 200 else 1)

    def wait_for_the_end(self):
        sys.stdin.read()
        GLib.idle_add(self.loop.quit)

    def fail(self, reason):
        self.failed = reason
        self.loop.quit()

    def negotiate(self, peer):
        peer.emit("create-offer", None, Gst.Promise.new_with_change_func(self.offered))

    def offered(self, promise):
        # The reply owns what is read from it, and must outlive it.
        reply = promise.get_reply()
        offer = reply.get_value("offer")
        self.peer.emit("set-local-description", offer, Gst.Promise.new())

    def gathered(self, peer, _):
        complete = GstWebRTC.WebRTCICEGatheringState.COMPLETE
        if peer.get_property("ice-gathering-state") == complete:
            # Not within the notification, which holds the peer's lock.
            GLib.idle_add(self.post)

    def post(self):
        try:
            offer = self.peer.get_property("local-description").sdp.as_text()
            print("-" * 20, offer, "-" * 20, sep="\n", flush=True)
            headers = {**self.headers, "Content-Type": "application/sdp"}
            request = urllib.request.Request(self.url, offer.encode(), headers)
            with urllib.request.urlopen(request, timeout=10) as response:
                self.session = urllib.parse.urljoin(self.url, response.headers["Location"])
                _, answer = GstSdp.SDPMessage.new_from_text(response.read().decode())
            kind = GstWebRTC.WebRTCSDPType.ANSWER
            description = GstWebRTC.WebRTCSessionDescription.new(kind, answer)
            self.peer.emit("set-remote-description", description, Gst.Promise.new())
        except OSError as error:
            self.fail(error)
        return GLib.SOURCE_REMOVE

    def changed(self, peer, _):
        state = peer.get_property("connection-state")
        print(state.value_nick, flush=True)
        if state == GstWebRTC.WebRTCPeerConnectionState.FAILED:
            self.fail("the connection failed")

    def delete(self):
        request = urllib.request.Request(self.session, headers=self.headers, method="DELETE")
        with urllib.request.urlopen(request, timeout=10) as response:
            return response.status


Gst.init(None)
Publisher(*sys.argv[1:]).run()
