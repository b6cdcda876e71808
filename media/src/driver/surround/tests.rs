//! A source of six channels, on a media thread, and viewers who take them or do not.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

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

/// The next packets of sound of a viewer: payload type and number of each.
async fn heard(client: &Client, count: usize) -> Vec<(u8, u16)> {
    let mut heard = Vec::new();
    while heard.len() < count {
        if let [0x80 | 0x90, kind, high, low, ..] = client.next().await[..]
            && let kind @ (TWO | SIX) = kind & 0x7f
        {
            heard.push((kind, u16::from_be_bytes([high, low])));
        }
    }
    heard
}

/// Sends sound, and holds two viewers to what they are to hear of it.
async fn assert_hear(feed: &mut Feed, clients: [(&Client, u8); 2], last: &mut [Option<u16>; 2]) {
    for _ in 0..5 {
        feed.sound().await;
    }
    for ((client, kind), last) in clients.into_iter().zip(last) {
        for (got, number) in heard(client, 5).await {
            assert_eq!(got, kind);
            assert!(last.is_none_or(|last| number == last.wrapping_add(1)), "{number} {last:?}");
            *last = Some(number);
        }
    }
}

#[tokio::test]
async fn each_viewer_is_sent_what_it_takes_and_six_channels_are_made_while_somebody_does() {
    let (media, _events) = start();
    let mut feed = Feed::new(&media, sound(true)).await;
    let two = Client::viewer_with(&media, STREAM, |offer| offer).await;
    assert!(!feed.wanted.load(Ordering::Relaxed), "nobody takes them");
    let six = Client::viewer_with(&media, STREAM, with_six).await;
    feed.wanted(true).await;
    let mut last = [None; 2];
    assert_hear(&mut feed, [(&two, TWO), (&six, SIX)], &mut last).await;

    // The source goes on in two channels, and comes back.
    feed.source(sound(false)).await;
    feed.wanted(false).await;
    assert_hear(&mut feed, [(&two, TWO), (&six, TWO)], &mut last).await;
    feed.source(sound(true)).await;
    feed.wanted(true).await;
    assert_hear(&mut feed, [(&two, TWO), (&six, SIX)], &mut last).await;

    // What is measured of it is what is mixed.
    let audio = media.status(STREAM).await.audio.unwrap();
    assert_eq!((audio.packets, audio.lost, audio.channels), (15, 0, 2));
    assert_eq!(audio.codec, Codec::Opus);

    // Another one who takes them; they are made until the last one leaves.
    let other = Client::viewer_with(&media, STREAM, with_six).await;
    assert!(media.close(six.session).await);
    assert_eq!(media.status(STREAM).await.viewers, 2);
    assert!(feed.wanted.load(Ordering::Relaxed));
    assert!(media.close(other.session).await);
    feed.wanted(false).await;
    media.shutdown().await;
}

#[tokio::test]
async fn another_publisher_is_heard_by_who_had_six_channels() {
    let (media, _events) = start();
    let mut feed = Feed::new(&media, sound(true)).await;
    let six = Client::viewer_with(&media, STREAM, with_six).await;
    feed.wanted(true).await;
    feed.sound().await;
    assert_eq!(heard(&six, 1).await[0].0, SIX);
    // Gone, and another one of two channels; and one of six takes over from that.
    feed.items.send(FeedItem::End(feed.id)).await.unwrap();
    let mut stereo = Feed::new(&media, sound(false)).await;
    stereo.sound().await;
    assert_eq!(heard(&six, 1).await[0].0, TWO);
    let mut next = Feed::new(&media, sound(true)).await;
    next.wanted(true).await;
    next.sound().await;
    assert_eq!(heard(&six, 1).await[0].0, SIX);
    assert!(!stereo.wanted.load(Ordering::Relaxed));
    media.shutdown().await;
}

#[tokio::test]
async fn who_came_before_the_source_is_sent_six_channels_when_it_has_them() {
    let (media, _events) = start();
    let six = Client::viewer_with(&media, STREAM, with_six).await;
    let mut feed = Feed::new(&media, sound(true)).await;
    feed.wanted(true).await;
    feed.sound().await;
    assert_eq!(heard(&six, 1).await[0].0, SIX);
    media.shutdown().await;
}

#[tokio::test]
async fn sound_changes_beside_a_slate_too() {
    let (media, _events) = start();
    assert!(media.slate(STREAM, Some("Camera A".to_owned())).await);
    let video = TrackFormat { codec: Codec::H264, format: FormatParams::default() };
    let with_picture = |surround| Source { video: Some(video), ..sound(surround) };
    let mut feed = Feed::new(&media, with_picture(true)).await;
    let six = Client::viewer_with(&media, STREAM, with_six).await;
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
        if let [0x80 | 0x90, kind, _, _, at @ ..] = &six.next().await[..]
            && kind & 0x7f == H264
        {
            pictures.insert(at[..4].to_vec());
        }
    }
    feed.sound().await;
    assert_eq!(heard(&six, 1).await[0].0, SIX);
    feed.source(with_picture(false)).await;
    feed.wanted(false).await;
    feed.sound().await;
    assert_eq!(heard(&six, 1).await[0].0, TWO);
    media.shutdown().await;
}
