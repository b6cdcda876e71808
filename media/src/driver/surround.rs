//! Sound of six channels: who is sent all of them, and whether they are made at all.
//!
//! They go on a lane of their own beside the two that are mixed of them, to those whose offer takes
//! them. What is measured, recorded and composed of a source are the two.

use crate::ids::StreamId;
use crate::rtp::Codec;
use crate::stream::{Burst, Packet};

use super::jobs::Formats;
use super::sender::Job;
use super::sessions::{End, Session, Slot, Viewing};
use super::shard::Shard;

impl Viewing {
    /// It is sent this, or is about to be.
    pub(super) fn note_formats(&mut self, (_, audio): &Formats) {
        self.surround = audio.is_some_and(|audio| audio.codec == Codec::MultiOpus);
    }
}

impl Shard {
    /// Six channels of a publisher's sound, for the fan-out threads and for nobody else.
    pub(super) fn hand_on_surround(&mut self, stream: StreamId, packets: Vec<Packet>) {
        if packets.is_empty() {
            return;
        }
        let burst = Burst::from(packets);
        self.tell_threads(stream, || Job::Packets(stream, burst.clone()));
    }

    /// Who takes six channels may have come, or the last of them have gone: has them made, or made
    /// no more. There is nothing to wait for in between, as an encoder begins with any packet.
    pub(super) fn look_at_surround(&mut self, stream: StreamId) {
        let Some(entry) = self.streams.get(&stream) else { return };
        let Some(publisher) = entry.publisher else { return };
        let mut wanted = false;
        if entry.source.surround {
            let slots: Vec<Slot> = entry.viewers.iter().chain(&entry.expected).copied().collect();
            let takes = |slot: &Slot| {
                let viewing = self.sessions.get(*slot).and_then(Session::viewing);
                viewing.is_some_and(|viewing| viewing.surround)
            };
            wanted = slots.iter().any(takes);
        }
        if let Some(End::Feed(end)) = self.sessions.get(publisher).map(|session| &session.end) {
            end.want_surround(wanted);
        }
    }
}

#[cfg(test)]
mod tests;
