//! A source of six channels, on a media thread, and viewers who take them or do not.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use str0m::format::FormatParams;
use tokio::sync::mpsc;

use super::super::Media;
use super::super::feeds::{FeedItem, Register};
use super::super::tests::{Client, H264, PATIENCE, STREAM, packet, start};
use super::*;
use crate::ids::SessionId;
use crate::rtp::inspect;
use crate::stream::MADE;
use crate::webrtc::{Source, TrackFormat};

/// The offers' payload types of two channels and of six.
const TWO: u8 = 111;
const SIX: u8 = 120;

/// Puts six channels into an offer, before the two.
fn with_six(offer: String) -> String {
    let six = "a=rtpmap:120 multiopus/48000/6\r\n\
        a=fmtp:120 channel_mapping=0,1,4,5,2,3;num_streams=4;coupled_streams=2\r\n\
        a=rtpmap:111 opus";
    offer.replace("SAVPF 111", "SAVPF 120 111").replace("a=rtpmap:111 opus", six)
}

/// A source that comes another way than by WebRTC.
struct Feed {
    id: SessionId,
    items: mpsc::Sender<FeedItem>,
    /// Six channels are wanted.
    wanted: Arc<AtomicBool>,
    seq: u64,
}

impl Feed {
    async fn new(media: &Media, source: Source) -> Self {
        let register = Register::new(media.0.feeds.clone(), Arc::clone(&media.0.room));
        let (id, items, _gone) = register.begin(STREAM, register.place().unwrap());
        let feed = Self { id, items, wanted: Arc::default(), seq: 0 };
        feed.source(source).await;
        feed
    }

    async fn source(&self, source: Source) {
        let item = FeedItem::Source(self.id, source, Arc::clone(&self.wanted));
        self.items.send(item).await.unwrap();
    }

    /// Sound as its thread makes it: in six channels too while they are wanted.
    async fn sound(&mut self) {
        self.seq += 1;
        let of = |codec, layer, payload: &[u8]| Packet {
            codec,
            layer,
            seq: self.seq,
            timestamp: self.seq as u32 * 960,
            marker: false,
            payload: payload.into(),
            captured: Instant::now(),
            inspection: inspect(codec, payload),
        };
        let mut packets = vec![of(Codec::Opus, 0, &[0xfc, 1])];
        if self.wanted.load(Ordering::Relaxed) {
            packets.push(of(Codec::MultiOpus, MADE, &[0xfc, 1, 2]));
        }
        self.items.send(FeedItem::Packets(self.id, packets)).await.unwrap();
    }

    async fn wanted(&self, wanted: bool) {
        let told = async {
            while self.wanted.load(Ordering::Relaxed) != wanted {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(PATIENCE, told).await.expect("it is not told");
    }
}

fn sound(surround: bool) -> Source {
    let audio = TrackFormat { codec: Codec::Opus, format: FormatParams::default() };
    Source { audio: Some(audio), single: true, surround, ..Source::default() }
}

/// What a viewer hears: each packet with the number after that of the one before.
struct Ear {
    client: Client,
    last: Option<u16>,
}

impl Ear {
    async fn new(media: &Media, says: impl FnOnce(String) -> String) -> Self {
        Self { client: Client::viewer_with(media, STREAM, says).await, last: None }
    }

    /// The payload type of the next packet of sound.
    async fn next(&mut self) -> u8 {
        loop {
            if let [0x80 | 0x90, kind, high, low, ..] = self.client.next().await[..]
                && let kind @ (TWO | SIX) = kind & 0x7f
            {
                let number = u16::from_be_bytes([high, low]);
                let follows = |last: u16| number == last.wrapping_add(1);
                assert!(self.last.is_none_or(follows), "{number} {:?}", self.last);
                self.last = Some(number);
                return kind;
            }
        }
    }

    /// Listens until it is sent this; nothing else comes then. A viewer that has just come is not
    /// sent at once, so that sound goes on meanwhile.
    async fn hears(&mut self, feed: &mut Feed, kind: u8) {
        let mut pace = tokio::time::interval(Duration::from_millis(5));
        let heard = async {
            loop {
                tokio::select! {
                    heard = self.next() => if heard == kind { break },
                    _ = pace.tick() => feed.sound().await,
                }
            }
        };
        tokio::time::timeout(PATIENCE, heard).await.expect("it is not heard");
        for _ in 0..5 {
            feed.sound().await;
            assert_eq!(self.next().await, kind);
        }
    }
}

#[tokio::test]
async fn each_viewer_is_sent_what_it_takes_and_six_channels_are_made_while_somebody_does() {
    let (media, _events) = start();
    let mut feed = Feed::new(&media, sound(true)).await;
    let mut two = Ear::new(&media, |offer| offer).await;
    two.hears(&mut feed, TWO).await;
    assert!(!feed.wanted.load(Ordering::Relaxed), "nobody takes them");
    let mut six = Ear::new(&media, with_six).await;
    feed.wanted(true).await;
    six.hears(&mut feed, SIX).await;

    // The source goes on in two channels, and comes back.
    feed.source(sound(false)).await;
    feed.wanted(false).await;
    six.hears(&mut feed, TWO).await;
    feed.source(sound(true)).await;
    feed.wanted(true).await;
    six.hears(&mut feed, SIX).await;

    // Who takes two was sent two all along, and what is measured is what is mixed.
    for _ in 0..15 {
        assert_eq!(two.next().await, TWO);
    }
    let audio = media.status(STREAM).await.audio.unwrap();
    assert_eq!((audio.packets, audio.lost, audio.channels), (feed.seq, 0, 2));
    assert_eq!(audio.codec, Codec::Opus);

    // Another one who takes them; they are made until the last one leaves.
    let other = Ear::new(&media, with_six).await;
    assert!(media.close(six.client.session).await);
    assert_eq!(media.status(STREAM).await.viewers, 2);
    assert!(feed.wanted.load(Ordering::Relaxed));
    assert!(media.close(other.client.session).await);
    feed.wanted(false).await;
    media.shutdown().await;
}

#[tokio::test]
async fn another_publisher_is_heard_by_who_had_six_channels() {
    let (media, _events) = start();
    let mut feed = Feed::new(&media, sound(true)).await;
    let mut six = Ear::new(&media, with_six).await;
    six.hears(&mut feed, SIX).await;
    // Gone, and another one of two channels; and one of six takes over from that.
    feed.items.send(FeedItem::End(feed.id)).await.unwrap();
    let mut stereo = Feed::new(&media, sound(false)).await;
    six.hears(&mut stereo, TWO).await;
    let mut next = Feed::new(&media, sound(true)).await;
    six.hears(&mut next, SIX).await;
    assert!(next.wanted.load(Ordering::Relaxed) && !stereo.wanted.load(Ordering::Relaxed));
    media.shutdown().await;
}

#[tokio::test]
async fn who_came_before_the_source_is_sent_six_channels_when_it_has_them() {
    let (media, _events) = start();
    let mut six = Ear::new(&media, with_six).await;
    let mut feed = Feed::new(&media, sound(true)).await;
    six.hears(&mut feed, SIX).await;
    media.shutdown().await;
}

#[tokio::test]
async fn sound_changes_beside_a_slate_too() {
    let (media, _events) = start();
    assert!(media.slate(STREAM, Some("Camera A".to_owned())).await);
    let video = TrackFormat { codec: Codec::H264, format: FormatParams::default() };
    let with_picture = |surround| Source { video: Some(video), ..sound(surround) };
    let mut feed = Feed::new(&media, with_picture(true)).await;
    let mut six = Ear::new(&media, with_six).await;
    for number in 1..=3 {
        let of = |part: u64, marker, payload: &[u8]| Packet {
            seq: number * 3 + part,
            timestamp: number as u32 * 3_600,
            marker,
            payload: payload.into(),
            inspection: inspect(Codec::H264, payload),
            ..packet(Instant::now())
        };
        let sets =
            [of(0, false, &[0x67, 0x42, 0xc0, 0x1f]), of(1, false, &[0x68, 0xce, 0x3c, 0x80])];
        let frame = sets.into_iter().chain([of(2, true, &[0x65; 100])]).collect();
        feed.items.send(FeedItem::Packets(feed.id, frame)).await.unwrap();
    }
    // There are three pictures, and no more: what follows is the slate.
    let mut pictures = HashSet::new();
    while pictures.len() < 5 {
        if let [0x80 | 0x90, kind, _, _, at @ ..] = &six.client.next().await[..]
            && kind & 0x7f == H264
        {
            pictures.insert(at[..4].to_vec());
        }
    }
    six.hears(&mut feed, SIX).await;
    feed.source(with_picture(false)).await;
    feed.wanted(false).await;
    six.hears(&mut feed, TWO).await;
    media.shutdown().await;
}
