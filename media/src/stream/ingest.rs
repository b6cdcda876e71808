//! The publisher's side of a stream: its figures, and the wishes for key frames.

use std::time::{Duration, Instant};

use crate::ahead::{Ahead, ahead};
use crate::rtp::{Kind, TrackMeter};

use super::Packet;
use super::keyframes::KeyframeRequests;

/// Without packets for this long, a layer counts as switched off.
const ACTIVE: Duration = Duration::from_secs(2);

#[derive(Debug)]
struct Layer {
    meter: TrackMeter,
    keyframes: KeyframeRequests,
}

impl Layer {
    fn new() -> Self {
        Self { meter: TrackMeter::new(Kind::Video), keyframes: KeyframeRequests::default() }
    }
}

/// What is measured of a publisher, and what is asked of it.
#[derive(Debug)]
pub struct Ingest {
    publishing: bool,
    audio: TrackMeter,
    layers: Vec<Layer>,
}

impl Default for Ingest {
    fn default() -> Self {
        Self { publishing: false, audio: TrackMeter::new(Kind::Audio), layers: vec![Layer::new()] }
    }
}

impl Ingest {
    /// A publisher with this many layers of video begins, or takes over.
    pub fn publish(&mut self, layers: usize) {
        self.publishing = true;
        self.audio = TrackMeter::new(Kind::Audio);
        self.layers = (0..layers.max(1)).map(|_| Layer::new()).collect();
    }

    /// The publisher left; its figures stay to be looked at.
    pub fn unpublish(&mut self) {
        self.publishing = false;
        for layer in &mut self.layers {
            layer.keyframes = KeyframeRequests::default();
        }
    }

    /// Takes note of a packet.
    pub fn packet(&mut self, now: Instant, packet: &Packet) {
        let bytes = packet.payload.len();
        if packet.codec.kind() == Kind::Audio {
            self.audio.encoding(&packet.inspection);
            return self.audio.packet(now, packet.seq, packet.timestamp, bytes);
        }
        let Some(layer) = self.layers.get_mut(usize::from(packet.layer)) else { return };
        layer.meter.packet(now, packet.seq, packet.timestamp, bytes);
        layer.meter.encoding(&packet.inspection);
        if packet.inspection.key {
            layer.meter.key_frame(now, packet.timestamp);
            layer.keyframes.arrived(now);
        }
        if let Some(size) = packet.inspection.size {
            layer.meter.picture(size);
        }
    }

    /// The figures of the sound.
    pub fn audio(&self) -> &TrackMeter {
        &self.audio
    }

    /// The figures of the picture: of the largest layer that is on.
    pub fn video(&self, now: Instant) -> &TrackMeter {
        let on = self.layers.iter().rev().find(|layer| is_on(&layer.meter, now));
        &on.unwrap_or(&self.layers[0]).meter
    }

    /// The figures of each layer of the picture, the smallest first.
    pub fn layers(&self) -> impl ExactSizeIterator<Item = &TrackMeter> {
        self.layers.iter().map(|layer| &layer.meter)
    }

    /// Whether packets of the layer arrive.
    pub fn is_on(&self, now: Instant, layer: u8) -> bool {
        self.layers.get(usize::from(layer)).is_some_and(|layer| is_on(&layer.meter, now))
    }

    /// The layer with which a newcomer begins: the largest that is on, for most
    /// networks carry it, and those who say otherwise are sent a smaller one.
    pub fn first_layer(&self, now: Instant) -> u8 {
        let on = self.layers.iter().rposition(|layer| is_on(&layer.meter, now));
        on.unwrap_or_default() as u8
    }

    /// When the last packet came, of any track.
    pub fn last_packet(&self) -> Option<Instant> {
        self.layers().map(TrackMeter::last_packet).max().flatten().max(self.audio.last_packet())
    }

    /// Somebody needs a key frame of a layer.
    pub fn want_keyframe(&mut self, now: Instant, layer: u8) {
        if let Some(layer) = self.layers.get_mut(usize::from(layer)).filter(|_| self.publishing) {
            layer.keyframes.want(now);
        }
    }

    /// The layers of which to ask the publisher for a key frame now. Asking is
    /// merged and throttled; being returned counts as asked.
    pub fn poll_keyframe_requests(&mut self, now: Instant) -> Vec<u8> {
        if !self.publishing {
            return Vec::new();
        }
        let asks =
            |(index, layer): (usize, &mut Layer)| layer.keyframes.poll(now).then_some(index as u8);
        self.layers.iter_mut().enumerate().filter_map(asks).collect()
    }

    /// When [`Ingest::poll_keyframe_requests`] may next name a layer, if a wish is open.
    pub fn keyframe_deadline(&self) -> Option<Instant> {
        let open = self.layers.iter().filter_map(|layer| layer.keyframes.deadline());
        open.min().filter(|_| self.publishing)
    }
}

impl Ahead for Ingest {
    fn ahead(&self, depth: u8) {
        match depth {
            1 => {
                ahead(&self.layers[..]);
                self.audio.ahead(1);
            }
            2 => self.layers.iter().for_each(|layer| layer.meter.ahead(1)),
            _ => {}
        }
    }
}

fn is_on(meter: &TrackMeter, now: Instant) -> bool {
    meter.last_packet().is_some_and(|at| now.saturating_duration_since(at) < ACTIVE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wishes_are_merged() {
        let start = Instant::now();
        let mut ingest = Ingest::default();
        ingest.want_keyframe(start, 0);
        assert!(ingest.poll_keyframe_requests(start).is_empty(), "nobody publishes");
        ingest.publish(2);
        let mut asked = [0, 0];
        for step in 0..2_000u32 {
            let now = start + Duration::from_millis(1) * step;
            ingest.want_keyframe(now, 0);
            if step == 700 {
                ingest.want_keyframe(now, 1);
            }
            for layer in ingest.poll_keyframe_requests(now) {
                asked[usize::from(layer)] += 1;
            }
        }
        assert_eq!(asked[0], 4, "once in half a second");
        assert!(asked[1] >= 1, "and each layer for itself");
    }
}
