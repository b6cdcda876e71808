//! Which layer of the picture a viewer is sent.
//!
//! A pure state machine: what the viewer wants, what its network says, and what
//! the publisher sends go in; a change comes out. The way up is tried out and
//! taken back when the network does not bear it, ever more rarely.

use std::time::{Duration, Instant};

use crate::status::{Layer, LayerChoice};

/// Loss above this is too much for the layer.
const TOO_MUCH_LOSS: f64 = 0.10;
/// Loss below this allows a try of the next one.
const LITTLE_LOSS: f64 = 0.02;
/// Trouble must last this long before a smaller layer is sent.
const TROUBLE: Duration = Duration::from_secs(1);
/// So long all must go well before a larger layer is tried; doubled each time
/// that it did not go well.
const FIRST_TRY: Duration = Duration::from_secs(5);
const RAREST_TRY: Duration = Duration::from_secs(80);
/// A larger layer that is borne this long is there to stay.
const SETTLED: Duration = Duration::from_secs(10);

/// What a viewer's network says.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Network {
    /// The share of packets lost lately.
    pub(super) loss: f64,
    /// The viewer's estimate of its bandwidth in bits per second, if it has one.
    pub(super) estimate: Option<u64>,
}

/// A change of layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Change {
    pub(super) layer: u8,
    /// Not at its next key frame but from the cache.
    pub(super) at_once: bool,
}

/// One viewer's choice.
#[derive(Debug)]
pub(super) struct Chooser {
    choice: LayerChoice,
    current: u8,
    trouble: Option<Instant>,
    /// Since when this layer is sent.
    since: Instant,
    patience: Duration,
    /// The layer that is sent is a try of a larger one.
    tried: bool,
}

impl Chooser {
    pub(super) fn new(now: Instant, current: u8) -> Self {
        let choice = LayerChoice::Auto;
        Self { choice, current, trouble: None, since: now, patience: FIRST_TRY, tried: false }
    }

    pub(super) fn current(&self) -> u8 {
        self.current
    }

    /// The viewer is sent this layer from now on, whatever was before.
    pub(super) fn began(&mut self, now: Instant, layer: u8) {
        (self.current, self.since, self.trouble) = (layer, now, None);
    }

    /// The viewer chooses; false if there is no such layer.
    pub(super) fn choose(&mut self, choice: LayerChoice, layers: &[Layer]) -> bool {
        let known = match &choice {
            LayerChoice::Rid(rid) => layers.iter().any(|layer| layer.rid == *rid),
            LayerChoice::Auto | LayerChoice::Limited(_) => true,
        };
        if known {
            self.choice = choice;
        }
        known
    }

    /// Looks at the state of things; says what to change.
    pub(super) fn look(
        &mut self,
        now: Instant,
        layers: &[Layer],
        network: Network,
    ) -> Option<Change> {
        let allowed: Vec<u8> = self.allowed(layers);
        let (&least, &most) = (allowed.first()?, allowed.last()?);
        let on = |layer: u8| layers.get(usize::from(layer)).is_some_and(|l| l.active);
        if let LayerChoice::Rid(_) = self.choice {
            // A picture that runs does so until the other one begins.
            return self.go(now, most, !on(self.current));
        }
        if !allowed.contains(&self.current) {
            // Off, or larger than wanted: the next smaller one, or the least there is.
            let below = allowed.iter().rev().find(|layer| **layer < self.current);
            let at_once = !on(self.current);
            return self.go(now, below.copied().unwrap_or(least), at_once);
        }
        if self.is_troubled(layers, network) {
            return self.step_down(now, layers, &allowed, network);
        }
        self.trouble = None;
        if self.tried && now.saturating_duration_since(self.since) >= SETTLED {
            self.tried = false;
            self.patience = FIRST_TRY;
        }
        self.step_up(now, layers, &allowed, network)
    }

    /// The layers that may be sent, the smallest first. One that was chosen by
    /// name and is off stands back for the next smaller one.
    fn allowed(&self, layers: &[Layer]) -> Vec<u8> {
        let named = match &self.choice {
            LayerChoice::Rid(rid) => layers.iter().position(|layer| layer.rid == *rid),
            _ => None,
        };
        let fits = |layer: &Layer| match &self.choice {
            LayerChoice::Limited(limits) => {
                let within = |size: Option<u32>, limit: Option<u32>| {
                    limit.is_none_or(|limit| size.is_none_or(|size| size <= limit))
                };
                within(layer.width, limits.width) && within(layer.height, limits.height)
            }
            _ => true,
        };
        let on = |(index, layer): (usize, &Layer)| {
            let small_enough = named.is_none_or(|named| index <= named);
            (layer.active && small_enough && fits(layer)).then_some(index as u8)
        };
        let all: Vec<u8> = layers.iter().enumerate().filter_map(on).collect();
        if all.is_empty() {
            // Nothing is small enough: the smallest is better than no picture.
            let first = layers.iter().position(|layer| layer.active);
            return first.map(|index| index as u8).into_iter().collect();
        }
        all
    }

    fn is_troubled(&self, layers: &[Layer], network: Network) -> bool {
        let rate = layers.get(usize::from(self.current)).map_or(0, |layer| layer.bitrate);
        network.loss > TOO_MUCH_LOSS
            || network.estimate.is_some_and(|bits| bits.saturating_mul(10) < rate.saturating_mul(9))
    }

    fn step_down(
        &mut self,
        now: Instant,
        layers: &[Layer],
        allowed: &[u8],
        network: Network,
    ) -> Option<Change> {
        let began = *self.trouble.get_or_insert(now);
        if now.saturating_duration_since(began) < TROUBLE {
            return None;
        }
        let below: Vec<u8> = allowed.iter().copied().filter(|l| *l < self.current).collect();
        let fits = |layer: &&u8| {
            let rate = layers.get(usize::from(**layer)).map_or(0, |layer| layer.bitrate);
            network.estimate.is_some_and(|bits| bits >= rate)
        };
        // Without an estimate one at a time: the loss says that it is too much, not by how much.
        let one = if network.estimate.is_some() { below.first() } else { below.last() };
        let next = *below.iter().rev().find(fits).or(one)?;
        self.tried = false;
        self.patience = (self.patience * 2).min(RAREST_TRY);
        self.go(now, next, false)
    }

    fn step_up(
        &mut self,
        now: Instant,
        layers: &[Layer],
        allowed: &[u8],
        network: Network,
    ) -> Option<Change> {
        let next = allowed.iter().copied().find(|layer| *layer > self.current)?;
        let rate = |layer: u8| layers.get(usize::from(layer)).map_or(0, |layer| layer.bitrate);
        // An estimate grows no further than half above what is sent: so much of it
        // is all that can be asked for.
        let wanted = rate(next).min(rate(self.current).saturating_mul(13) / 10);
        let bears =
            network.loss < LITTLE_LOSS && network.estimate.is_none_or(|bits| bits >= wanted);
        let patient = now.saturating_duration_since(self.since) >= self.patience;
        if !bears || !patient {
            return None;
        }
        self.tried = true;
        self.go(now, next, false)
    }

    fn go(&mut self, now: Instant, layer: u8, at_once: bool) -> Option<Change> {
        if layer == self.current {
            return None;
        }
        self.current = layer;
        self.since = now;
        self.trouble = None;
        Some(Change { layer, at_once })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::status::LayerLimits;

    fn layers() -> Vec<Layer> {
        let layer = |rid: &str, height, bitrate| Layer {
            rid: rid.into(),
            width: Some(height * 16 / 9),
            height: Some(height),
            fps: 30.0,
            bitrate,
            active: true,
        };
        vec![layer("l", 180, 150_000), layer("m", 360, 500_000), layer("h", 720, 1_700_000)]
    }

    fn network(estimate: u64) -> Network {
        Network { loss: 0.0, estimate: Some(estimate) }
    }

    /// The layer after each of so many seconds.
    fn run(chooser: &mut Chooser, start: Instant, seconds: u64, network: Network) -> Vec<u8> {
        let layers = layers();
        let step = |second| {
            let now = start + Duration::from_secs(second);
            chooser.look(now, &layers, network);
            chooser.current()
        };
        (1..=seconds).map(step).collect()
    }

    #[test]
    fn a_network_that_cannot_is_sent_less_and_only_after_a_while() {
        let start = Instant::now();
        let mut chooser = Chooser::new(start, 2);
        assert_eq!(run(&mut chooser, start, 3, network(600_000)), [2, 1, 1]);
        let mut chooser = Chooser::new(start, 2);
        assert_eq!(run(&mut chooser, start, 3, network(100_000)), [2, 0, 0]);
        let lossy = Network { loss: 0.2, estimate: None };
        let mut chooser = Chooser::new(start, 2);
        assert_eq!(run(&mut chooser, start, 5, lossy), [2, 1, 1, 0, 0]);
    }

    #[test]
    fn a_network_that_can_is_sent_more() {
        let start = Instant::now();
        let mut chooser = Chooser::new(start, 0);
        let went = run(&mut chooser, start, 12, network(5_000_000));
        assert_eq!(went, [0, 0, 0, 0, 1, 1, 1, 1, 1, 2, 2, 2]);
    }

    #[test]
    fn tries_that_fail_become_rare() {
        let start = Instant::now();
        let mut chooser = Chooser::new(start, 1);
        let layers = layers();
        let mut tries = 0;
        for second in 0..300 {
            let now = start + Duration::from_secs(second);
            let loss = if chooser.current() == 2 { 0.3 } else { 0.0 };
            let change = chooser.look(now, &layers, Network { loss, estimate: None });
            tries += u32::from(change.is_some_and(|change| change.layer == 2));
        }
        assert!((3..=6).contains(&tries), "{tries}");
    }

    /// A network of so many bits a second, as a viewer of a layer with this rate tells of it: an
    /// estimate grows no further than half above what arrives.
    fn link(capacity: u64, sent: u64) -> Network {
        let arrives = sent.min(capacity);
        let loss = 1.0 - arrives as f64 / sent as f64;
        Network { loss, estimate: Some(capacity.min(arrives * 3 / 2)) }
    }

    #[test]
    fn in_the_long_run_a_viewer_is_sent_the_largest_layer_that_its_network_bears() {
        const SECONDS: u64 = 300;
        let layers = layers();
        for (capacity, expected) in [
            (100_000, 0),
            (200_000, 0),
            (400_000, 0),
            (600_000, 1),
            (800_000, 1),
            (1_500_000, 1),
            (2_000_000, 2),
            (50_000_000, 2),
        ] {
            for first in 0..3 {
                let start = Instant::now();
                let mut chooser = Chooser::new(start, first);
                let mut changes = 0;
                let mut right = 0;
                for second in 1..=SECONDS {
                    let now = start + Duration::from_secs(second);
                    let sent = layers[usize::from(chooser.current())].bitrate;
                    changes +=
                        u32::from(chooser.look(now, &layers, link(capacity, sent)).is_some());
                    right += u64::from(chooser.current() == expected);
                }
                let share = right as f64 / SECONDS as f64;
                assert!(share > 0.9, "{capacity} from {first}: {share}, {changes} changes");
                assert!(changes <= 14, "{capacity} from {first}: {changes} changes");
            }
        }
    }

    #[test]
    fn who_named_a_layer_keeps_the_picture_until_it_begins_and_does_without_where_it_is_off() {
        let start = Instant::now();
        let mut layers = layers();
        let mut chooser = Chooser::new(start, 0);
        assert!(chooser.choose(LayerChoice::Rid("h".into()), &layers));
        let bad = Network { loss: 0.5, estimate: Some(1) };
        let change = chooser.look(start, &layers, bad);
        assert_eq!(change, Some(Change { layer: 2, at_once: false }), "whatever the network says");
        layers[2].active = false;
        let change = chooser.look(start, &layers, bad);
        assert_eq!(change, Some(Change { layer: 1, at_once: true }));
        layers[2].active = true;
        assert_eq!(chooser.look(start, &layers, bad).unwrap().layer, 2, "it is on again");
    }

    #[test]
    fn a_layer_that_is_off_is_left_at_once() {
        let start = Instant::now();
        let mut chooser = Chooser::new(start, 2);
        let mut layers = layers();
        layers[2].active = false;
        let change = chooser.look(start, &layers, network(5_000_000));
        assert_eq!(change, Some(Change { layer: 1, at_once: true }));
    }

    #[test]
    fn the_viewers_wish_counts() {
        let start = Instant::now();
        let mut chooser = Chooser::new(start, 2);
        let layers = layers();
        assert!(!chooser.choose(LayerChoice::Rid("x".into()), &layers));
        assert!(chooser.choose(LayerChoice::Rid("l".into()), &layers));
        assert_eq!(chooser.look(start, &layers, network(9_000_000)).unwrap().layer, 0);
        let later = start + Duration::from_secs(60);
        assert_eq!(chooser.look(later, &layers, network(9_000_000)), None);
        let limits = LayerLimits { width: None, height: Some(400) };
        assert!(chooser.choose(LayerChoice::Limited(limits), &layers));
        assert_eq!(chooser.look(later, &layers, network(9_000_000)).unwrap().layer, 1);
        assert_eq!(
            chooser.look(later + Duration::from_secs(60), &layers, network(9_000_000)),
            None
        );
        let tiny = LayerLimits { width: Some(1), height: None };
        assert!(chooser.choose(LayerChoice::Limited(tiny), &layers));
        assert_eq!(chooser.look(later, &layers, network(9_000_000)).unwrap().layer, 0);
    }
}
