//! Packets that came together, and viewers whose turn is next.

use super::*;

#[test]
fn what_is_wanted_of_a_burst_is_shared_where_it_is_all_of_it() {
    let now = Instant::now();
    let burst: Burst = Source::new(1, 0).frame(now).into();
    assert!(Arc::ptr_eq(&only(&burst, |_| true), &burst));
    let marked: Vec<u64> = only(&burst, |p| !p.marker).iter().map(|p| p.seq).collect();
    assert_eq!(marked, burst.iter().map(|p| p.seq).filter(|seq| *seq < 7).collect::<Vec<_>>());
    assert!(only(&burst, |_| false).is_empty());
}

/// Takes note of what is told it.
#[derive(Default)]
struct Told {
    soon: Vec<(ViewerKey, u8)>,
    sent: Vec<ViewerKey>,
}

impl Sink for Told {
    fn send(&mut self, viewer: ViewerKey, _: Outgoing<'_>) {
        if self.sent.last() != Some(&viewer) {
            let depths: Vec<u8> =
                self.soon.iter().filter(|(of, _)| *of == viewer).map(|(_, depth)| *depth).collect();
            // The first ones are asked for with the stream itself.
            let expected: &[u8] = match viewer.0 {
                0 => &[],
                1 => &[1],
                _ => &[0, 1],
            };
            assert_eq!(depths, expected, "{viewer:?}");
            self.sent.push(viewer);
        }
    }

    fn soon(&mut self, viewer: ViewerKey, depth: u8) {
        self.soon.push((viewer, depth));
    }
}

#[test]
fn each_viewer_is_announced_in_time_and_no_other() {
    let start = Instant::now();
    let (mut stream, mut source) = (Stream::default(), Source::new(1, 0));
    stream.publish(1);
    let keys: Vec<ViewerKey> = (0..5).map(|_| stream.add_viewer(start, start, 0)).collect();
    feed(&mut stream, start, source.frame(start));
    let mut told = Told::default();
    stream.packets(start + FRAME, &source.frame(start + FRAME), &mut told);
    assert_eq!(told.sent, keys);
    assert!(told.soon.iter().all(|(viewer, _)| keys.contains(viewer)));
}
