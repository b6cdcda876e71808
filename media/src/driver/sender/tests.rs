use std::time::SystemTime;

use super::super::socket::Socket;
use super::super::tcp::{Lines, TcpLimits};
use super::super::tests::{DEFECTIVE_STREAM, packet};
use super::*;

#[test]
fn a_defect_in_a_job_costs_no_other() {
    let socket = Socket::bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let outlet = Outlet::new(&socket, Lines::new(TcpLimits::default())).unwrap();
    let (words, _heard) = mpsc::channel(8);
    let now = Instant::now();
    let mut sender = Sender::new(outlet, WallClock::new(now, SystemTime::now()), words);
    let open = |stream| Job::Open { stream, layers: Some(1), cached: Vec::new() };
    let (gone, stream) = (StreamId(1), StreamId(2));
    let defect = || Job::Gap(DEFECTIVE_STREAM);
    let batch =
        vec![open(gone), defect(), open(stream), Job::Packets(stream, Burst::from([packet(now)]))];
    sender.turn([batch, vec![defect(), Job::Forget(gone)]].into_iter());
    let streams: Vec<StreamId> = sender.streams.keys().copied().collect();
    assert_eq!(streams, [stream]);
    assert!(sender.streams[&stream].batch.is_empty() && sender.touched.is_empty());
}

#[test]
fn a_stream_that_is_disturbed_again_and_again_is_given_up() {
    let socket = Socket::bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let outlet = Outlet::new(&socket, Lines::new(TcpLimits::default())).unwrap();
    let (words, _heard) = mpsc::channel(8);
    let wall = WallClock::new(Instant::now(), SystemTime::now());
    let mut sender = Sender::new(outlet, wall, words);
    let open = Job::Open { stream: DEFECTIVE_STREAM, layers: Some(1), cached: Vec::new() };
    sender.turn([vec![open]].into_iter());
    for left in (0..=MOST_DEFECTS).rev() {
        assert!(sender.streams.contains_key(&DEFECTIVE_STREAM), "{left}");
        sender.turn([vec![Job::Gap(DEFECTIVE_STREAM)]].into_iter());
    }
    assert!(sender.streams.is_empty());
}
