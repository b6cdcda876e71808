//! What is printed: the sums of all viewers, as JSON.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Serialize;

use crate::process::Usage;
use crate::recorded::Recording;
use crate::rtp::Count;
use crate::viewer::Outcome;

/// A distribution in a few numbers; nothing when there is no value.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub(crate) struct Spread {
    pub(crate) min: f64,
    pub(crate) p50: f64,
    pub(crate) p90: f64,
    pub(crate) p99: f64,
    pub(crate) max: f64,
}

impl Spread {
    /// Of `values`, in any order.
    pub(crate) fn of(mut values: Vec<f64>) -> Option<Self> {
        values.sort_by(f64::total_cmp);
        let (min, max) = (*values.first()?, *values.last()?);
        let at = |share| percentile(&values, share);
        Some(Self { min, p50: at(0.5), p90: at(0.9), p99: at(0.99), max })
    }
}

/// The smallest value that `share` of all do not exceed (nearest rank).
fn percentile(sorted: &[f64], share: f64) -> f64 {
    let rank = (share * sorted.len() as f64).ceil() as usize;
    sorted[rank.clamp(1, sorted.len()) - 1]
}

/// How viewers came in. Times run from the start of the POST, in milliseconds.
#[derive(Debug, Serialize)]
pub(crate) struct Joins {
    pub(crate) asked: usize,
    pub(crate) answered: usize,
    pub(crate) connected: usize,
    pub(crate) with_picture: usize,
    /// Answers a second, over the time that the joining took.
    pub(crate) per_second: f64,
    pub(crate) answer_ms: Option<Spread>,
    pub(crate) connected_ms: Option<Spread>,
    pub(crate) first_packet_ms: Option<Spread>,
    /// The first packet of the first key frame.
    pub(crate) key_frame_begins_ms: Option<Spread>,
    /// All packets of the first key frame.
    pub(crate) key_frame_whole_ms: Option<Spread>,
    pub(crate) errors: BTreeMap<String, usize>,
}

/// What came in the measured time.
#[derive(Debug, Serialize)]
pub(crate) struct Media {
    pub(crate) seconds: f64,
    pub(crate) packets: u64,
    pub(crate) packets_per_second: f64,
    pub(crate) packets_per_second_per_viewer: f64,
    pub(crate) mbit_per_second: f64,
    pub(crate) expected: u64,
    pub(crate) lost: u64,
    pub(crate) loss: f64,
    pub(crate) retransmitted: u64,
    /// Since the viewers joined, with what was lost while others did.
    pub(crate) lost_ever: u64,
    /// Viewers that lost something in the measured time.
    pub(crate) viewers_with_loss: usize,
    pub(crate) jitter_ms: Option<Spread>,
}

/// How long packets were under way, in milliseconds, from just before the
/// publisher's send call to the kernel's receive timestamp.
#[derive(Debug, Serialize)]
pub(crate) struct Delay {
    pub(crate) sampled_viewers: usize,
    pub(crate) packets: usize,
    /// Packets whose sending is not known.
    pub(crate) unmatched: u64,
    /// Over all packets of all sampled viewers.
    pub(crate) all: Option<Spread>,
    /// Over the viewers: each one's median.
    pub(crate) viewer_p50: Option<Spread>,
    /// Over the viewers: each one's 99th percentile.
    pub(crate) viewer_p99: Option<Spread>,
}

/// What the server spent.
#[derive(Debug, Serialize)]
pub(crate) struct Server {
    pub(crate) pid: u32,
    /// In the measured time.
    pub(crate) cpu_seconds: f64,
    pub(crate) cpu_percent: f64,
    /// CPU microseconds per delivered packet: CPU seconds per million packets.
    pub(crate) us_per_packet: Option<f64>,
    /// CPU percent by thread name.
    pub(crate) threads: BTreeMap<String, f64>,
    /// CPU milliseconds per viewer that joined, with what ran beside it.
    pub(crate) join_cpu_ms: Option<f64>,
    pub(crate) rss_before: u64,
    pub(crate) rss: u64,
    pub(crate) bytes_per_viewer: Option<f64>,
}

/// What the publishers sent in all.
#[derive(Debug, Serialize)]
pub(crate) struct Published {
    pub(crate) streams: usize,
    pub(crate) packets: usize,
    pub(crate) bytes: usize,
    pub(crate) resent: usize,
    pub(crate) key_frame_requests: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) recording: Option<Recorded>,
    pub(crate) errors: BTreeMap<String, usize>,
}

/// The recording that was published.
#[derive(Debug, PartialEq, Serialize)]
pub(crate) struct Recorded {
    pub(crate) seconds: f64,
    pub(crate) pictures: usize,
    /// Packets of Opus; 0: it has no sound that could be sent.
    pub(crate) sounds: usize,
    /// As it is, on the level of RTP.
    pub(crate) mbit_per_second: f64,
    /// It has as much as was asked for or more, and was sent as it is.
    pub(crate) exceeds_bitrate: bool,
    /// Packets of filler data, of all publishers.
    pub(crate) filler_packets: usize,
}

impl Recorded {
    /// Of a recording that was to have `bitrate` bits a second.
    pub(crate) fn of(recording: &Recording, bitrate: u64, filler_packets: usize) -> Self {
        let (pictures, sounds) = recording.counts();
        Self {
            seconds: recording.lasts().as_secs_f64(),
            pictures,
            sounds,
            mbit_per_second: recording.bitrate() as f64 / 1e6,
            exceeds_bitrate: recording.bitrate() >= bitrate,
            filler_packets,
        }
    }
}

/// What this process spent in the measured time, and what it lost.
#[derive(Debug, Serialize)]
pub(crate) struct Tool {
    pub(crate) cpu_percent: f64,
    /// Datagrams that its sockets had no room for.
    pub(crate) drops: u64,
}

/// All of it.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    pub(crate) mode: &'static str,
    pub(crate) viewers: usize,
    pub(crate) streams: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) published: Option<Published>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) joins: Option<Joins>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) media: Option<Media>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) delay: Option<Delay>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) server: Option<Server>,
    pub(crate) tool: Tool,
}

/// Counts equal texts.
pub(crate) fn tally(texts: impl IntoIterator<Item = String>) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for text in texts {
        *counts.entry(text).or_default() += 1;
    }
    counts
}

fn millis(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e3
}

/// How the viewers came in, `took` in all; `refused` never got a session.
pub(crate) fn joins(outcomes: &[Outcome], refused: Vec<String>, took: Duration) -> Joins {
    let spread = |of: fn(&Outcome) -> Option<Duration>| {
        Spread::of(outcomes.iter().filter_map(of).map(millis).collect())
    };
    let count = |of: fn(&Outcome) -> bool| outcomes.iter().filter(|one| of(one)).count();
    Joins {
        asked: outcomes.len() + refused.len(),
        answered: outcomes.len(),
        connected: count(|one| one.reached.connected.is_some()),
        with_picture: count(|one| one.reached.key_whole.is_some()),
        per_second: outcomes.len() as f64 / took.as_secs_f64().max(1e-3),
        answer_ms: spread(|one| Some(one.reached.answer)),
        connected_ms: spread(|one| one.reached.connected),
        first_packet_ms: spread(|one| one.reached.packet),
        key_frame_begins_ms: spread(|one| one.reached.key_first),
        key_frame_whole_ms: spread(|one| one.reached.key_whole),
        errors: tally(
            refused.into_iter().chain(outcomes.iter().filter_map(|one| one.failed.clone())),
        ),
    }
}

/// What came in `window`.
pub(crate) fn media(outcomes: &[Outcome], window: Duration) -> Media {
    let sum = |of: fn(&Outcome) -> u64| outcomes.iter().map(of).sum::<u64>();
    let seconds = window.as_secs_f64();
    let packets = sum(|one| one.volume.packets);
    let (expected, lost) = (sum(|one| one.count.expected), sum(|one| one.count.lost()));
    let per_second = packets as f64 / seconds;
    Media {
        seconds,
        packets,
        packets_per_second: per_second,
        packets_per_second_per_viewer: per_second / outcomes.len().max(1) as f64,
        mbit_per_second: sum(|one| one.volume.bytes) as f64 * 8.0 / 1e6 / seconds,
        expected,
        lost,
        loss: lost as f64 / expected.max(1) as f64,
        retransmitted: sum(|one| one.volume.retransmitted),
        lost_ever: sum(|one| one.count_ever.lost()),
        viewers_with_loss: outcomes.iter().filter(|one| Count::lost(one.count) > 0).count(),
        jitter_ms: Spread::of(outcomes.iter().filter_map(|one| one.jitter_ms).collect()),
    }
}

/// How long the packets of the sampled viewers were under way.
pub(crate) fn delay(outcomes: &[Outcome]) -> Delay {
    let ms = |one: &Outcome| one.delays.iter().map(|us| f64::from(*us) / 1e3).collect::<Vec<_>>();
    let each: Vec<Vec<f64>> = outcomes.iter().map(ms).filter(|all| !all.is_empty()).collect();
    let of_each = |of: fn(Spread) -> f64| {
        Spread::of(each.iter().filter_map(|one| Spread::of(one.clone())).map(of).collect())
    };
    Delay {
        sampled_viewers: each.len(),
        packets: each.iter().map(Vec::len).sum(),
        unmatched: outcomes.iter().map(|one| one.unmatched).sum(),
        viewer_p50: of_each(|one| one.p50),
        viewer_p99: of_each(|one| one.p99),
        all: Spread::of(each.concat()),
    }
}

/// What process `pid` spent: before the viewers came, when the measured time
/// began, and at its end.
pub(crate) fn server(
    pid: u32,
    [before, begin, end]: [&Usage; 3],
    outcomes: &[Outcome],
    window: Duration,
) -> Server {
    let cpu = end.cpu - begin.cpu;
    let packets: u64 = outcomes.iter().map(|one| one.volume.packets).sum();
    let viewers = outcomes.len() as f64;
    let percent = |seconds: f64| (seconds / window.as_secs_f64() * 1e4).round() / 100.0;
    let threads = end.threads.iter().map(|(name, seconds)| {
        (name.clone(), percent(seconds - begin.threads.get(name).unwrap_or(&0.0)))
    });
    let some = !outcomes.is_empty();
    Server {
        pid,
        cpu_seconds: cpu,
        cpu_percent: percent(cpu),
        us_per_packet: (packets > 0).then(|| cpu * 1e6 / packets as f64),
        threads: threads.filter(|(_, percent)| *percent >= 0.5).collect(),
        join_cpu_ms: some.then(|| (begin.cpu - before.cpu) * 1e3 / viewers),
        rss_before: before.rss,
        rss: end.rss,
        bytes_per_viewer: some.then(|| (end.rss as f64 - before.rss as f64) / viewers),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::viewer::{Reached, Volume};

    #[test]
    fn percentiles_are_values_that_occurred() {
        let spread = Spread::of((1..=100).rev().map(f64::from).collect()).unwrap();
        assert_eq!(spread, Spread { min: 1.0, p50: 50.0, p90: 90.0, p99: 99.0, max: 100.0 });
        let one = Spread::of(vec![7.0]).unwrap();
        assert_eq!((one.min, one.p50, one.p99), (7.0, 7.0, 7.0));
        assert_eq!(Spread::of(vec![]), None);
    }

    fn outcome(received: u64, delays: Vec<u32>) -> Outcome {
        Outcome {
            reached: Reached {
                answer: Duration::from_millis(3),
                connected: Some(Duration::from_millis(9)),
                ..Reached::default()
            },
            volume: Volume { packets: received, bytes: 1000 * received, retransmitted: 0 },
            count: Count { expected: 100, received },
            count_ever: Count { expected: 200, received: received + 100 },
            delays,
            ..Outcome::default()
        }
    }

    #[test]
    fn viewers_are_added_up() {
        let outcomes =
            [outcome(100, vec![1000, 3000]), outcome(90, vec![5000]), outcome(100, vec![])];
        let media = media(&outcomes, Duration::from_secs(10));
        assert_eq!((media.packets, media.expected, media.lost), (290, 300, 10));
        assert_eq!((media.lost_ever, media.viewers_with_loss), (10, 1));
        assert!((media.mbit_per_second - 0.232).abs() < 1e-9, "{media:?}");
        let delay = delay(&outcomes);
        assert_eq!((delay.sampled_viewers, delay.packets), (2, 3));
        assert_eq!(delay.viewer_p50.unwrap().min, 1.0);
        assert_eq!(delay.all.unwrap().max, 5.0);
        let joins = joins(&outcomes, vec!["HTTP 503".to_owned()], Duration::from_secs(1));
        assert_eq!((joins.asked, joins.answered, joins.connected), (4, 3, 3));
        assert_eq!((joins.with_picture, joins.errors["HTTP 503"]), (0, 1));
    }

    #[test]
    fn the_servers_cpu_is_shared_among_the_packets() {
        let usage = |cpu, rss| Usage { cpu, rss, threads: [("media".to_owned(), cpu)].into() };
        let usages = [usage(1.0, 1000), usage(1.3, 2000), usage(2.3, 4000)];
        let outcomes = [outcome(500_000, vec![]), outcome(500_000, vec![])];
        let all = [&usages[0], &usages[1], &usages[2]];
        let server = server(7, all, &outcomes, Duration::from_secs(2));
        assert!((server.us_per_packet.unwrap() - 1.0).abs() < 1e-9);
        assert!((server.cpu_percent - 50.0).abs() < 1e-9);
        assert!((server.join_cpu_ms.unwrap() - 150.0).abs() < 1e-9);
        assert_eq!(server.bytes_per_viewer, Some(1500.0));
        assert!((server.threads["media"] - 50.0).abs() < 1e-9);
    }
}
