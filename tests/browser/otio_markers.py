"""Prints the clips of an OpenTimelineIO timeline, read from standard input, and their markers as JSON."""

import json
import sys

import opentimelineio as otio

timeline = otio.adapters.read_from_string(sys.stdin.read(), "otio_json")
clips = [
    {
        "clip": clip.name,
        "markers": [
            {
                "name": marker.name,
                "frame": marker.marked_range.start_time.to_frames(),
                "rate": marker.marked_range.start_time.rate,
            }
            for marker in clip.markers
        ],
    }
    for clip in timeline.find_clips()
]
json.dump(clips, sys.stdout)
