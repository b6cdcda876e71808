//! What there is of a picture side by side: the layers of its publisher, and what this server made
//! of it.

use std::time::Instant;

use crate::ahead::{Ahead, ahead};
use crate::rtp::Kind;

use super::Packet;
use super::gop::{Gop, GopLimits};
use super::recent::Recent;

/// The layer of packets that this server made of a picture, beside those of the publisher.
pub const MADE: u8 = u8::MAX;

#[derive(Debug)]
pub(super) struct Layer {
    pub(super) gop: Gop,
    pub(super) recent: Recent,
    /// A viewer needs a key frame.
    pub(super) wish: bool,
}

impl Layer {
    pub(super) fn new(limits: GopLimits) -> Self {
        Self { gop: Gop::new(limits), recent: Recent::default(), wish: false }
    }
}

/// The layers of a publisher, at least one, and [`MADE`].
#[derive(Debug)]
pub(super) struct Lanes {
    own: Vec<Layer>,
    made: Layer,
}

impl Lanes {
    pub(super) fn new(limits: GopLimits, layers: usize) -> Self {
        let own = (0..layers.max(1)).map(|_| Layer::new(limits)).collect();
        Self { own, made: Layer::new(limits) }
    }

    pub(super) fn get(&self, layer: u8) -> Option<&Layer> {
        if layer == MADE { Some(&self.made) } else { self.own.get(usize::from(layer)) }
    }

    pub(super) fn get_mut(&mut self, layer: u8) -> Option<&mut Layer> {
        if layer == MADE { Some(&mut self.made) } else { self.own.get_mut(usize::from(layer)) }
    }

    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = (u8, &mut Layer)> {
        (0..MADE).zip(&mut self.own).chain([(MADE, &mut self.made)])
    }

    /// This layer, or the largest that there is.
    pub(super) fn nearest(&self, layer: u8) -> u8 {
        // There are no more layers than an offer names, a few.
        if layer == MADE { MADE } else { layer.min(self.own.len() as u8 - 1) }
    }
}

/// The current groups of pictures of a publisher: what a [`Stream`](super::Stream) that begins
/// elsewhere is given to begin with.
#[derive(Debug)]
pub struct Cache {
    own: Vec<Gop>,
    made: Gop,
}

impl Default for Cache {
    fn default() -> Self {
        let new = || Gop::new(GopLimits::default());
        Self { own: vec![new()], made: new() }
    }
}

impl Cache {
    /// Forgets everything; the next publisher has this many layers.
    pub fn publish(&mut self, layers: usize) {
        self.own = (0..layers.max(1)).map(|_| Gop::new(GopLimits::default())).collect();
        self.forget_made();
    }

    /// Forgets what was made of the picture here.
    pub fn forget_made(&mut self) {
        self.made = Gop::new(GopLimits::default());
    }

    /// Keeps a packet of the picture.
    pub fn push(&mut self, now: Instant, packet: &Packet) {
        let gop = match packet.layer {
            MADE => Some(&mut self.made),
            layer => self.own.get_mut(usize::from(layer)),
        };
        if let Some(gop) = gop
            && packet.codec.kind() == Kind::Video
        {
            gop.push(now, packet);
        }
    }

    /// The packets of the key frame that a layer's group begins with, and its parameter sets.
    pub fn key_frame(&self, layer: u8) -> Vec<Packet> {
        let gop = self.own.get(usize::from(layer));
        gop.into_iter().flat_map(Gop::key_frame).cloned().collect()
    }

    /// What is kept of the publisher's own, in the order in which it came.
    pub fn packets(&self) -> Vec<Packet> {
        self.own.iter().flat_map(Gop::packets).cloned().collect()
    }

    /// What is kept of all, in the order in which it came.
    pub fn everything(&self) -> Vec<Packet> {
        self.own.iter().chain([&self.made]).flat_map(Gop::packets).cloned().collect()
    }
}

impl Ahead for Cache {
    fn ahead(&self, depth: u8) {
        match depth {
            1 => ahead(&self.own[..]),
            2 => self.own.iter().for_each(|gop| gop.ahead(1)),
            _ => {}
        }
    }
}

impl Ahead for Lanes {
    fn ahead(&self, depth: u8) {
        match depth {
            1 => ahead(&self.own[..]),
            2 => self.own.iter().for_each(|layer| {
                layer.gop.ahead(1);
                layer.recent.ahead(1);
            }),
            _ => {}
        }
    }
}
