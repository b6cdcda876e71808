//! What `/metrics` tells of the media plane, for the server and for each stream.
//!
//! A stream is a label, and labels must not grow without bound: those with the most viewers get
//! one, the others are only counted.

use std::{fmt::Write as _, sync::PoisonError};

use rushes_media::{
    Load, RtpSourceStatus, SourceStatus, StreamId, StreamStatus, TranscodeState, Transport,
    ViewerStatus,
};

use crate::{
    app::App,
    ops::{figure, head},
};

/// Streams that are told of one by one.
const LABELLED: usize = 50;

/// A stream that is live, and those who watch it.
#[derive(Debug, Clone)]
pub(crate) struct Live {
    pub(crate) stream: StreamId,
    pub(crate) status: StreamStatus,
    pub(crate) viewers: Vec<ViewerStatus>,
    /// Where it comes over SRT.
    pub(crate) srt: Option<SourceStatus>,
    /// Where it comes as plain RTP.
    pub(crate) rtp: Option<RtpSourceStatus>,
}

/// The streams that are live, the ones with the most viewers first.
pub(crate) async fn collect(app: &App) -> Vec<Live> {
    let streams: Vec<StreamId> = {
        let live = app.metrics.live.lock().unwrap_or_else(PoisonError::into_inner);
        live.iter().copied().collect()
    };
    let mut found = Vec::with_capacity(streams.len());
    for stream in streams {
        // Overloaded, or at its end: better no figure than a wrong one, and nobody waits for more.
        let Some(status) = app.media.try_status(stream).await else { break };
        found.push(Live { stream, status, viewers: Vec::new(), srt: None, rtp: None });
    }
    found.sort_by_key(|live| (std::cmp::Reverse(live.status.viewers), live.stream));
    for live in found.iter_mut().take(LABELLED) {
        live.viewers = app.media.viewers(live.stream).await;
        live.srt = app.srt.get().and_then(|srt| srt.status(live.stream));
        live.rtp = app.rtp.get().and_then(|rtp| rtp.status(live.stream));
    }
    found
}

/// A figure of a stream: its name, its unit and meaning, and where it is found.
struct Figure {
    name: &'static str,
    kind: &'static str,
    help: &'static str,
    value: fn(&Live) -> Option<f64>,
}

macro_rules! figures {
    ($($kind:ident $name:literal $help:literal $value:expr;)*) => {
        [$(Figure { name: $name, kind: stringify!($kind), help: $help, value: $value }),*]
    };
}

const FIGURES: [Figure; 39] = figures! {
    gauge "rushes_stream_viewers" "Viewers of a stream." |l| Some(l.status.viewers as f64);
    gauge "rushes_stream_viewers_tcp" "Viewers whose network lets no UDP through."
        |l| Some(l.viewers.iter().filter(|v| v.transport == Some(Transport::Tcp)).count() as f64);
    gauge "rushes_stream_video_bits_per_second" "Payload of the picture."
        |l| Some(l.status.video.as_ref()?.bitrate as f64);
    gauge "rushes_stream_video_frames_per_second" "Frames of the picture."
        |l| Some(l.status.video.as_ref()?.fps);
    gauge "rushes_stream_video_width_pixels" "Columns of the picture."
        |l| Some(f64::from(l.status.video.as_ref()?.width?));
    gauge "rushes_stream_video_height_pixels" "Rows of the picture."
        |l| Some(f64::from(l.status.video.as_ref()?.height?));
    gauge "rushes_stream_video_keyframe_interval_seconds" "Time between the last two key frames."
        |l| l.status.video.as_ref()?.keyframe_interval;
    counter "rushes_stream_video_packets_total" "Packets of the picture that came."
        |l| Some(l.status.video.as_ref()?.packets as f64);
    counter "rushes_stream_video_lost_packets_total" "Packets of the picture that never came."
        |l| Some(l.status.video.as_ref()?.lost as f64);
    gauge "rushes_stream_video_jitter_seconds" "Jitter of the picture's packets."
        |l| Some(l.status.video.as_ref()?.jitter / 1000.0);
    counter "rushes_stream_video_gaps_total" "Times without a packet of the picture for half a second."
        |l| Some(l.status.video.as_ref()?.gaps as f64);
    gauge "rushes_stream_video_b_frames" "1 if there are B-frames, which browsers cannot show."
        |l| Some(f64::from(u8::from(l.status.video.as_ref()?.b_frames)));
    gauge "rushes_stream_transcode_running" "1 if viewers get the picture converted, 0 if they do not."
        |l| Some(f64::from(u8::from(l.status.transcode.as_ref()?.state == TranscodeState::Running)));
    counter "rushes_stream_transcode_frames_total" "Pictures that were converted."
        |l| Some(l.status.transcode.as_ref()?.frames as f64);
    counter "rushes_stream_transcode_missed_frames_total" "Pictures that came faster than they are converted."
        |l| Some(l.status.transcode.as_ref()?.frames_missed as f64);
    gauge "rushes_stream_transcode_busy_ratio" "The part of the last second that the thread was at work."
        |l| Some(l.status.transcode.as_ref()?.busy);
    gauge "rushes_stream_audio_bits_per_second" "Payload of the sound."
        |l| Some(l.status.audio.as_ref()?.bitrate as f64);
    counter "rushes_stream_audio_packets_total" "Packets of the sound that came."
        |l| Some(l.status.audio.as_ref()?.packets as f64);
    counter "rushes_stream_audio_lost_packets_total" "Packets of the sound that never came."
        |l| Some(l.status.audio.as_ref()?.lost as f64);
    gauge "rushes_stream_audio_jitter_seconds" "Jitter of the sound's packets."
        |l| Some(l.status.audio.as_ref()?.jitter / 1000.0);
    counter "rushes_stream_audio_gaps_total" "Times without a packet of the sound for half a second."
        |l| Some(l.status.audio.as_ref()?.gaps as f64);
    gauge "rushes_stream_audio_channels" "Channels of the sound."
        |l| Some(f64::from(l.status.audio.as_ref()?.channels));
    gauge "rushes_stream_viewer_loss_ratio_max" "Loss of the viewer that loses most."
        |l| most(l, |viewer| Some(viewer.loss));
    gauge "rushes_stream_viewer_rtt_seconds_max" "Round trip of the viewer that is furthest away."
        |l| most(l, |viewer| Some(viewer.rtt? / 1000.0));
    gauge "rushes_stream_viewer_jitter_seconds_max" "Jitter of the viewer that has most."
        |l| most(l, |viewer| Some(viewer.jitter / 1000.0));
    gauge "rushes_stream_viewers_packets" "Packets sent to those who watch now."
        |l| Some(l.viewers.iter().map(|viewer| viewer.packets).sum::<u64>() as f64);
    gauge "rushes_stream_viewers_retransmitted_packets" "Packets sent again to those who watch now."
        |l| Some(l.viewers.iter().map(|viewer| viewer.retransmitted).sum::<u64>() as f64);
    gauge "rushes_srt_rtt_seconds" "Round trip to a source over SRT."
        |l| Some(l.srt.as_ref()?.srt.rtt / 1000.0);
    gauge "rushes_srt_latency_seconds" "From the sending of a packet to its use here."
        |l| Some(l.srt.as_ref()?.srt.latency as f64 / 1000.0);
    gauge "rushes_srt_bits_per_second" "Payload that came over SRT in the last second."
        |l| Some(l.srt.as_ref()?.srt.bitrate as f64);
    counter "rushes_srt_packets_total" "Packets that came over SRT, those sent again included."
        |l| Some(l.srt.as_ref()?.srt.packets as f64);
    counter "rushes_srt_lost_packets_total" "Packets that were missing at first."
        |l| Some(l.srt.as_ref()?.srt.lost as f64);
    counter "rushes_srt_retransmitted_packets_total" "Packets that the source sent again."
        |l| Some(l.srt.as_ref()?.srt.retransmitted as f64);
    counter "rushes_srt_dropped_packets_total" "Packets that never came in time, and are missing."
        |l| Some(l.srt.as_ref()?.srt.dropped as f64);
    counter "rushes_srt_undecrypted_packets_total" "Packets for which there was no key."
        |l| Some(l.srt.as_ref()?.srt.undecrypted as f64);
    gauge "rushes_rtp_bits_per_second" "Plain RTP that came in the last second."
        |l| Some(l.rtp.as_ref()?.rtp.bitrate as f64);
    counter "rushes_rtp_packets_total" "Packets that came as plain RTP."
        |l| Some(l.rtp.as_ref()?.rtp.packets as f64);
    counter "rushes_rtp_malformed_total" "Datagrams from a source that were no RTP, or one sender too many."
        |l| Some(l.rtp.as_ref()?.rtp.malformed as f64);
    counter "rushes_source_frames_lost_total" "Frames of an SRT or RTP source that were left out."
        |l| Some(frames_lost(l)? as f64);
};

fn frames_lost(live: &Live) -> Option<u64> {
    let srt = live.srt.as_ref().map(|source| source.frames_lost);
    srt.or(live.rtp.as_ref().map(|source| source.frames_lost))
}

fn most(live: &Live, value: fn(&ViewerStatus) -> Option<f64>) -> Option<f64> {
    live.viewers.iter().filter_map(value).max_by(f64::total_cmp)
}

/// Writes the figures in the text format of Prometheus.
pub(crate) fn write(out: &mut String, load: &Load, live: &[Live]) {
    let viewers: usize = live.iter().map(|live| live.status.viewers).sum();
    let unlabelled = live.len().saturating_sub(LABELLED);
    // Writing to a String cannot fail.
    for (name, help, value) in [
        ("rushes_webrtc_sessions", "WebRTC sessions, connected or not yet.", load.sessions),
        (
            "rushes_webrtc_tcp_connections",
            "TCP connections of WebRTC clients.",
            load.tcp_connections,
        ),
        (
            "rushes_webrtc_tcp_connections_unproven",
            "Those that have shown no session yet.",
            load.tcp_unproven,
        ),
        ("rushes_streams_live", "Streams that media arrives for.", live.len()),
        ("rushes_viewers", "Viewers of live streams.", viewers),
        (
            "rushes_streams_unlabelled",
            "Live streams that have no figures of their own.",
            unlabelled,
        ),
    ] {
        figure(out, name, "gauge", help, value);
    }
    let name = "rushes_webrtc_tcp_full_total";
    let help = "Times that a TCP connection took too little and what waited for it was dropped.";
    figure(out, name, "counter", help, load.tcp_full);
    for Figure { name, kind, help, value } in &FIGURES {
        let mut headed = false;
        for live in live.iter().take(LABELLED) {
            let Some(value) = value(live).filter(|value| value.is_finite()) else { continue };
            if !headed {
                head(out, name, kind, help);
                headed = true;
            }
            let _ = writeln!(out, "{name}{{stream=\"{}\"}} {value}", live.stream);
        }
    }
    codecs(out, &live[..live.len().min(LABELLED)]);
}

/// The codecs as labels of a figure that is always 1.
fn codecs(out: &mut String, live: &[Live]) {
    let name = "rushes_stream_codec_info";
    let mut headed = false;
    for live in live {
        let video = live.status.video.as_ref().map(|video| ("video", video.codec));
        let audio = live.status.audio.as_ref().map(|audio| ("audio", audio.codec));
        for (track, codec) in video.into_iter().chain(audio) {
            if !headed {
                head(out, name, "gauge", "Codecs of a stream.");
                headed = true;
            }
            let stream = live.stream;
            let codec = serde_json::to_value(codec).unwrap_or_default();
            let codec = codec.as_str().unwrap_or("unknown");
            let _ = writeln!(
                out,
                "{name}{{stream=\"{stream}\",track=\"{track}\",codec=\"{codec}\"}} 1"
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use rushes_media::rtp::Codec;
    use rushes_media::srt::SrtStatus;
    use rushes_media::{AudioStatus, RtpStatus, VideoStatus};

    use super::*;

    fn live(stream: u128, viewers: usize) -> Live {
        let status = StreamStatus { viewers, ..StreamStatus::default() };
        let viewer = |loss, rtt| ViewerStatus {
            session: "ABCDEF".to_owned(),
            since: 0,
            transport: Some(Transport::Tcp),
            packets: 10,
            bytes: 10_000,
            retransmitted: 1,
            lost: 1,
            loss,
            jitter: 1.0,
            rtt,
            nacks: 1,
            plis: 0,
            bandwidth: None,
            layer: None,
        };
        let viewers = vec![viewer(0.25, None), viewer(0.5, Some(20.0))];
        Live { stream: StreamId(stream), status, viewers, srt: None, rtp: None }
    }

    #[test]
    fn figures_are_of_the_worst_viewer_and_of_all_of_them() {
        let mut out = String::new();
        write(&mut out, &Load::default(), &[live(1, 2)]);
        let stream = format!("{{stream=\"{}\"}}", StreamId(1));
        for line in [
            "rushes_viewers 2".to_owned(),
            format!("rushes_stream_viewer_loss_ratio_max{stream} 0.5"),
            format!("rushes_stream_viewer_rtt_seconds_max{stream} 0.02"),
            format!("rushes_stream_viewers_packets{stream} 20"),
        ] {
            assert!(out.lines().any(|l| l == line), "{line} is not in\n{out}");
        }
        assert!(!out.contains("rushes_stream_video"), "no picture, no figure and no head of one");
    }

    #[test]
    fn what_is_known_of_the_encoding_is_told() {
        let mut live = live(1, 0);
        live.status.video = Some(VideoStatus {
            codec: Codec::H264,
            width: Some(1280),
            height: Some(720),
            fps: 25.0,
            bitrate: 1_000_000,
            keyframe_interval: Some(1.0),
            packets: 10,
            lost: 0,
            jitter: 1.0,
            gaps: 3,
            b_frames: true,
            profile: Some("High 4.0".to_owned()),
        });
        live.status.audio = Some(AudioStatus {
            codec: Codec::Opus,
            bitrate: 96_000,
            packets: 10,
            lost: 0,
            jitter: 1.0,
            gaps: 2,
            channels: 1,
        });
        let mut out = String::new();
        write(&mut out, &Load::default(), &[live]);
        let stream = format!("{{stream=\"{}\"}}", StreamId(1));
        for (name, value) in [
            ("video_b_frames", 1),
            ("video_gaps_total", 3),
            ("audio_gaps_total", 2),
            ("audio_channels", 1),
        ] {
            let line = format!("rushes_stream_{name}{stream} {value}");
            assert!(out.lines().any(|l| l == line), "{line} is not in\n{out}");
        }
    }

    #[test]
    fn the_way_of_a_source_is_told_of() {
        let mut over_srt = live(1, 0);
        let srt = SrtStatus {
            rtt: 40.5,
            latency: 250,
            packets: 1_000,
            lost: 20,
            retransmitted: 19,
            dropped: 1,
            bitrate: 5_000_000,
            ..SrtStatus::default()
        };
        over_srt.srt = Some(SourceStatus { srt, problems: vec![], frames_lost: 2, skipped: 0 });
        let mut plain = live(2, 0);
        let rtp = RtpStatus { packets: 7, malformed: 3, ..RtpStatus::default() };
        plain.rtp = Some(RtpSourceStatus { rtp, problems: vec![], frames_lost: 4, skipped: 0 });
        let mut out = String::new();
        write(&mut out, &Load::default(), &[over_srt, plain]);
        let [srt, rtp] = [1, 2].map(|stream| format!("{{stream=\"{}\"}}", StreamId(stream)));
        for line in [
            format!("rushes_srt_rtt_seconds{srt} 0.0405"),
            format!("rushes_srt_latency_seconds{srt} 0.25"),
            format!("rushes_srt_bits_per_second{srt} 5000000"),
            format!("rushes_srt_packets_total{srt} 1000"),
            format!("rushes_srt_lost_packets_total{srt} 20"),
            format!("rushes_srt_retransmitted_packets_total{srt} 19"),
            format!("rushes_srt_dropped_packets_total{srt} 1"),
            format!("rushes_source_frames_lost_total{srt} 2"),
            format!("rushes_rtp_packets_total{rtp} 7"),
            format!("rushes_rtp_malformed_total{rtp} 3"),
            format!("rushes_source_frames_lost_total{rtp} 4"),
        ] {
            assert!(out.lines().any(|l| l == line), "{line} is not in\n{out}");
        }
        let of_srt = out.lines().filter(|line| line.starts_with("rushes_srt_packets_total{"));
        assert_eq!(of_srt.count(), 1, "plain RTP has no figures of SRT");
    }

    #[test]
    fn labels_are_bounded() {
        let all: Vec<Live> = (0..200).map(|stream| live(stream, 1)).collect();
        let mut out = String::new();
        write(&mut out, &Load::default(), &all);
        let labelled = out.lines().filter(|line| line.starts_with("rushes_stream_viewers{"));
        assert_eq!(labelled.count(), LABELLED);
        assert!(out.contains("rushes_streams_unlabelled 150\n"));
        assert!(out.contains("rushes_viewers 200\n"));
    }

    #[test]
    fn every_line_is_of_the_text_format() {
        let mut out = String::new();
        write(&mut out, &Load::default(), &[live(1, 1), live(2, 0)]);
        let mut heads = std::collections::HashSet::new();
        for line in out.lines() {
            if let Some(rest) = line.strip_prefix("# TYPE ") {
                assert!(heads.insert(rest.split(' ').next().unwrap().to_owned()), "{line} twice");
            } else if !line.starts_with('#') {
                let (series, value) = line.rsplit_once(' ').unwrap();
                assert!(value.parse::<f64>().is_ok(), "{line}");
                assert!(heads.contains(series.split('{').next().unwrap()), "{line}");
            }
        }
    }
}
