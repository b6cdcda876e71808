//! What sessions say to their clients when they are asked, and at last.

use std::time::Instant;

use str0m::net::Protocol;
use str0m::{Event, Output, RtcError};

use crate::webrtc::{PublisherOutput, ViewerOutput};

use super::sessions::{End, Session};
use super::socket::{Outbox, Route, Socket};

/// Outputs of one session in a row; more is a defect.
const OUTPUTS: usize = 20_000;

/// Takes all that a member's connection has to say; says when it wants to be woken.
pub(super) fn poll_all(
    session: &mut Session,
    socket: &Socket,
    outbox: &mut Outbox,
    events: &mut Vec<Event>,
) -> Result<Instant, RtcError> {
    for _ in 0..OUTPUTS {
        let Some(attendance) = session.attendance() else { break };
        match attendance.member.peer.poll()? {
            Output::Timeout(at) => return Ok(at),
            Output::Transmit(transmit) => {
                let tcp = transmit.proto == Protocol::Tcp;
                let way = session.way_to(transmit.destination, tcp);
                // A connection may be gone, and UDP goes anywhere.
                let route = match way {
                    Some(way) => way.into(),
                    None if tcp => continue,
                    None => Route { to: transmit.destination, from: None, tcp: None },
                };
                outbox.push(socket.outlet(), route, &transmit.contents);
            }
            Output::Event(event) => events.push(event),
        }
    }
    Ok(Instant::now())
}

/// The last a session says to its client.
pub(super) fn goodbye(
    now: Instant,
    session: &mut Session,
    socket: &Socket,
    outbox: &mut Outbox,
) -> Result<(), RtcError> {
    match &mut session.end {
        End::Feed(_) => {}
        End::Member(attendance) => {
            attendance.member.peer.close();
            attendance.member.peer.tick(now)?;
            poll_all(session, socket, outbox, &mut Vec::new())?;
        }
        End::Publisher(publisher) => {
            publisher.close();
            let Some(pair) = publisher.pair() else { return Ok(()) };
            let route = Route::from(pair);
            while let Some(output) = publisher.poll() {
                if let PublisherOutput::Transmit(datagram) = output {
                    outbox.push(socket.outlet(), route, &datagram);
                }
            }
        }
        End::Viewer(viewing) => {
            viewing.viewer.close();
            let Some(pair) = viewing.viewer.pair() else { return Ok(()) };
            let route = Route::from(pair);
            while let Some(output) = viewing.viewer.poll() {
                if let ViewerOutput::Transmit(datagram) = output {
                    outbox.push(socket.outlet(), route, &datagram);
                }
            }
        }
    }
    Ok(())
}
