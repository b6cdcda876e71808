//! The tracks of a transport stream and their access units, by `mpeg2ts-reader`.

use mpeg2ts_reader::demultiplex::{self, Demultiplex, FilterChangeset, FilterRequest};
use mpeg2ts_reader::descriptor::CoreDescriptors;
use mpeg2ts_reader::packet::Packet;
use mpeg2ts_reader::packet_filter_switch;
use mpeg2ts_reader::pes::{self, PesContents, PesHeader, PesPacketFilter, PtsDts};
use mpeg2ts_reader::psi::pmt::StreamInfo;
use mpeg2ts_reader::smptera::FormatIdentifier;

use super::align::{Aligner, PACKET};
use super::{Event, Track, TrackCodec, Unit};

/// A larger unit is none: 100 Mbit/s at 25 frames a second are half a megabyte.
const MOST: usize = 8 << 20;
/// Tracks that are looked at; a stream with more has them for others.
const TRACKS: usize = 32;
/// Buffers that are kept for units to come: a picture's and its sound's.
const SPARE: usize = 4;
/// A larger one is not kept.
const SPARE_ROOM: usize = 1 << 20;

packet_filter_switch! {
    Filter<Context> {
        Pes: Part,
        Pat: demultiplex::PatPacketFilter<Context>,
        Pmt: demultiplex::PmtPacketFilter<Context>,
        Null: demultiplex::NullPacketFilter<Context>,
    }
}

/// Takes a transport stream apart.
pub struct Demuxer {
    aligner: Aligner,
    context: Context,
    inner: Demultiplex<Context>,
}

impl std::fmt::Debug for Demuxer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Demuxer").finish_non_exhaustive()
    }
}

impl Default for Demuxer {
    fn default() -> Self {
        let mut context = Context::default();
        let inner = Demultiplex::new(&mut context);
        Self { aligner: Aligner::default(), context, inner }
    }
}

impl Demuxer {
    /// Takes bytes of the stream, cut anywhere, and gives out what they complete.
    pub fn push(&mut self, bytes: &[u8], event: impl FnMut(Event)) {
        let Self { aligner, context, inner } = self;
        aligner.push(bytes, |packet| {
            // Damaged on its way to the sender, or scrambled: the content is nothing.
            if packet[1] & 0x80 != 0 || packet[3] & 0xc0 != 0 {
                return;
            }
            context.told_length = told_length(packet);
            inner.push(context, packet);
            context.take_tables();
            context.look_for_end(packet);
        });
        context.events.drain(..).for_each(event);
    }

    /// Takes the buffer of a unit back. Pictures come by the dozen a second and are large: each
    /// would have to grow anew, and the kernel to give its memory.
    pub fn recycle(&mut self, mut data: Vec<u8>) {
        let spare = &mut self.context.spare;
        if spare.len() < SPARE && data.capacity() <= SPARE_ROOM {
            data.clear();
            spare.push(data);
        }
    }

    /// How many bytes belonged to no packet.
    pub fn skipped(&self) -> u64 {
        self.aligner.skipped()
    }
}

/// A track, and its unit under way.
struct Assembly {
    pid: u16,
    /// The number of its programme.
    program: u16,
    codec: TrackCodec,
    /// What takes its packets apart: here and not with the reader, which makes filters anew with
    /// each table that comes anew. None while it is at work.
    packets: Option<PesPacketFilter<Context, Consumer>>,
    unit: Option<Unit>,
    /// How many bytes the unit has, where its header says it.
    length: Option<usize>,
    /// The last unit, if it was taken for whole and could go on.
    early: Option<Unit>,
    /// Stuffing marks the end of a unit, as far as is known.
    stuffed_ends: bool,
}

impl Assembly {
    fn new(pid: u16, program: u16, codec: TrackCodec) -> Self {
        Self {
            pid,
            program,
            codec,
            packets: Some(PesPacketFilter::new(Consumer { pid })),
            unit: None,
            length: None,
            early: None,
            stuffed_ends: true,
        }
    }

    /// The unit under way of a track that is no more: its end never comes.
    fn lost(self) -> Option<Unit> {
        self.unit.map(|unit| Unit { whole: false, ..unit })
    }
}

/// What the filters share. The macro's type is public, and so this has to be; the module is not.
#[derive(Default)]
#[expect(unreachable_pub, reason = "the macro's type names it")]
pub struct Context {
    changes: FilterChangeset<Filter>,
    /// The programmes of the last PAT: where the table of each is, and its number.
    programs: Vec<(u16, u16)>,
    /// Those of a PAT that the packet under way carries.
    announced: Vec<(u16, u16)>,
    tracks: Vec<Assembly>,
    /// What is to be given out.
    events: Vec<Event>,
    /// The packet under way carries a table of tracks.
    changed: bool,
    /// How many bytes the unit has that the packet under way begins.
    told_length: Option<usize>,
    /// Buffers that came back.
    spare: Vec<Vec<u8>>,
}

impl demultiplex::DemuxContext for Context {
    type F = Filter;

    fn filter_changeset(&mut self) -> &mut FilterChangeset<Filter> {
        &mut self.changes
    }

    fn construct(&mut self, request: FilterRequest<'_, '_>) -> Filter {
        match request {
            FilterRequest::ByPid(mpeg2ts_reader::psi::pat::PAT_PID) => {
                Filter::Pat(demultiplex::PatPacketFilter::default())
            }
            FilterRequest::Pmt { pid, program_number } => {
                self.announced.push((u16::from(pid), program_number));
                Filter::Pmt(demultiplex::PmtPacketFilter::new(pid, program_number))
            }
            FilterRequest::ByStream { program_pid, pmt, stream_info, .. } => {
                let at = u16::from(program_pid);
                let found = self.programs.iter().find(|(pid, _)| *pid == at);
                // A table that no PAT names belongs to nothing.
                let Some((_, program)) = found.copied() else { return nothing() };
                let is_there =
                    |pid: u16| pmt.streams().any(|s| u16::from(s.elementary_pid()) == pid);
                self.drop_tracks(program, is_there);
                self.track(program, stream_info)
            }
            // A table that names a track no more takes its filter away, though another may have it.
            FilterRequest::ByPid(pid) => self.filter(u16::from(pid)),
            FilterRequest::Nit { .. } => nothing(),
        }
    }
}

/// For what is not looked at.
fn nothing() -> Filter {
    Filter::Null(demultiplex::NullPacketFilter::default())
}

impl Context {
    /// Drops the tracks that this programme's new table does not have, and those of programmes that
    /// the PAT does not have any more. Not before a table says what comes in their place: where a
    /// programme's table moves, its tracks mostly stay.
    fn drop_tracks(&mut self, program: u16, is_there: impl Fn(u16) -> bool) {
        let Self { tracks, programs, events, .. } = self;
        let goes = |track: &mut Assembly| {
            if track.program == program {
                !is_there(track.pid)
            } else {
                !programs.iter().any(|(_, number)| *number == track.program)
            }
        };
        let lost = tracks.extract_if(.., goes).filter_map(Assembly::lost);
        events.extend(lost.map(Event::Unit));
    }

    /// Takes note of a track. One that is there already goes on with what is under way.
    fn track(&mut self, program: u16, info: &StreamInfo<'_>) -> Filter {
        let pid = u16::from(info.elementary_pid());
        let codec = codec_of(info);
        self.changed = true;
        if let Some(track) = self.assembly(pid) {
            if track.codec == codec {
                track.program = program;
            } else {
                let before = std::mem::replace(track, Assembly::new(pid, program, codec));
                self.events.extend(before.lost().map(Event::Unit));
            }
        } else if self.tracks.len() < TRACKS {
            self.tracks.push(Assembly::new(pid, program, codec));
        }
        self.filter(pid)
    }

    /// What takes the packets of a track.
    fn filter(&mut self, pid: u16) -> Filter {
        match self.assembly(pid) {
            Some(track) if track.codec.is_known() => Filter::Pes(Part { pid }),
            _ => nothing(),
        }
    }

    /// Takes the tables that came in a packet.
    fn take_tables(&mut self) {
        if !self.announced.is_empty() {
            self.programs = std::mem::take(&mut self.announced);
        }
        if std::mem::take(&mut self.changed) {
            let tracks = self.tracks.iter().map(|t| Track { pid: t.pid, codec: t.codec });
            self.events.push(Event::Tracks(tracks.collect()));
        }
    }

    fn assembly(&mut self, pid: u16) -> Option<&mut Assembly> {
        self.tracks.iter_mut().find(|track| track.pid == pid)
    }

    fn begin(&mut self, pid: u16, times: (Option<u64>, Option<u64>)) {
        self.end(pid);
        let length = self.told_length;
        let data = self.spare.pop().unwrap_or_default();
        let Some(track) = self.assembly(pid) else { return };
        track.early = None;
        track.length = length;
        let (codec, (pts, dts)) = (track.codec, times);
        track.unit = Some(Unit { pid, codec, pts, dts, data, whole: true });
    }

    fn append(&mut self, pid: u16, data: &[u8]) {
        let Some(track) = self.assembly(pid) else { return };
        if let (None, Some(early)) = (&track.unit, track.early.take()) {
            // It went on: its end is marked in another way. What comes is not whole.
            track.stuffed_ends = false;
            track.unit = Some(Unit { data: Vec::new(), whole: false, ..early });
        }
        let Some(unit) = &mut track.unit else { return };
        if unit.data.len() + data.len() > MOST {
            unit.whole = false;
            return;
        }
        unit.data.extend_from_slice(data);
        if track.length.is_some_and(|length| unit.data.len() >= length) {
            self.end(pid);
        }
    }

    fn end(&mut self, pid: u16) {
        let unit = self.assembly(pid).and_then(|track| track.unit.take());
        self.events.extend(unit.map(Event::Unit));
    }

    fn broken(&mut self, pid: u16) {
        if let Some(unit) = self.assembly(pid).and_then(|track| track.unit.as_mut()) {
            unit.whole = false;
        }
    }

    /// A muxer fills up the last packet of a unit: so its end is known before the next begins.
    fn look_for_end(&mut self, packet: &[u8]) {
        let pid = u16::from_be_bytes([packet[1] & 0x1f, packet[2]]);
        if !has_stuffing(packet) {
            return;
        }
        let Some(track) = self.assembly(pid) else { return };
        if !track.stuffed_ends || track.length.is_some() {
            return;
        }
        if let Some(unit) = &track.unit
            && !unit.data.is_empty()
        {
            let early = Unit { data: Vec::new(), ..*unit };
            track.early = Some(early);
            self.end(pid);
        }
    }
}

/// Where the payload of a packet begins; none if it has none.
fn payload(packet: &[u8]) -> Option<&[u8]> {
    match packet[3] & 0x30 {
        0x10 => Some(&packet[4..]),
        0x30 => packet.get(5 + usize::from(packet[4])..),
        _ => None,
    }
}

/// The length of the unit that begins in a packet, as its PES header says (2.4.3.6); that of
/// video is mostly not said.
fn told_length(packet: &[u8]) -> Option<usize> {
    if packet[1] & 0x40 == 0 {
        return None;
    }
    let pes = payload(packet)?;
    let (start, length) = (pes.get(..3)?, pes.get(4..6)?);
    let length = usize::from(u16::from_be_bytes([length[0], length[1]]));
    let more = 3 + usize::from(*pes.get(8)?);
    (start == [0, 0, 1] && length > 0 && pes[6] >> 6 == 2).then(|| length.checked_sub(more))?
}

/// Whether a packet with payload has an adaptation field that is longer than what it carries
/// (ISO/IEC 13818-1, 2.4.3.4).
fn has_stuffing(packet: &[u8]) -> bool {
    if packet.len() != PACKET || packet[3] & 0x30 != 0x30 {
        return false;
    }
    let length = usize::from(packet[4]);
    if length == 0 {
        // A single byte of stuffing.
        return true;
    }
    let flags = packet[5];
    let mut used = 1;
    for (flag, size) in [(0x10, 6), (0x08, 6), (0x04, 1)] {
        used += if flags & flag != 0 { size } else { 0 };
    }
    // Private data, then an extension: each begins with its length.
    for flag in [0x02, 0x01] {
        if flags & flag != 0 {
            used += 1 + usize::from(packet.get(5 + used).copied().unwrap_or(0));
        }
    }
    length > used
}

fn codec_of(info: &StreamInfo<'_>) -> TrackCodec {
    let kind = u8::from(info.stream_type());
    let mut found = match kind {
        0x1b => TrackCodec::H264,
        0x24 => TrackCodec::H265,
        0x0f => TrackCodec::AacAdts,
        0x11 => TrackCodec::AacLatm,
        0x03 | 0x04 => TrackCodec::Mp2,
        0x81 => TrackCodec::Ac3,
        0x87 => TrackCodec::EAc3,
        0x01 | 0x02 => TrackCodec::Mpeg2Video,
        _ => TrackCodec::Other(kind),
    };
    for descriptor in info.descriptors::<CoreDescriptors<'_>>().flatten() {
        match descriptor {
            CoreDescriptors::Registration(registration) => {
                let is = |name: &[u8; 4]| registration.is_format(FormatIdentifier::from(&name[..]));
                let named = REGISTERED.iter().find(|(name, _)| is(name));
                // How many channels Opus has may have been told before.
                if let Some((_, codec)) = named.filter(|_| found != TrackCodec::OpusSurround) {
                    found = *codec;
                }
            }
            CoreDescriptors::UserPrivate(private) if kind == PRIVATE => {
                found = private_codec(private.tag, private.payload).unwrap_or(found);
            }
            _ => {}
        }
    }
    found
}

/// The stream type of what only descriptors tell (PES packets of private data).
const PRIVATE: u8 = 0x06;

/// DVB's descriptors (ETSI EN 300 468): of AC-3 and of enhanced AC-3; and in its extension
/// descriptor the channels of Opus (0x80), of which more than two are several streams.
fn private_codec(tag: u8, payload: &[u8]) -> Option<TrackCodec> {
    match (tag, payload) {
        (0x6a, _) => Some(TrackCodec::Ac3),
        (0x7a, _) => Some(TrackCodec::EAc3),
        (0x7f, [0x80, 1 | 2, ..]) => Some(TrackCodec::Opus),
        (0x7f, [0x80, ..]) => Some(TrackCodec::OpusSurround),
        _ => None,
    }
}

/// Formats by their registered names.
const REGISTERED: [(&[u8; 4], TrackCodec); 4] = [
    (b"Opus", TrackCodec::Opus),
    (b"AC-3", TrackCodec::Ac3),
    (b"EAC3", TrackCodec::EAc3),
    (b"HEVC", TrackCodec::H265),
];

/// The packets of a track.
#[expect(unreachable_pub, reason = "the macro's type names it")]
pub struct Part {
    pid: u16,
}

impl demultiplex::PacketFilter for Part {
    type Ctx = Context;

    fn consume(&mut self, context: &mut Context, packet: &Packet<'_>) {
        // It works on what it is kept in.
        let packets = context.assembly(self.pid).and_then(|track| track.packets.take());
        let Some(mut packets) = packets else { return };
        packets.consume(context, packet);
        if let Some(track) = context.assembly(self.pid) {
            track.packets = Some(packets);
        }
    }
}

/// Passes on what belongs to a track.
struct Consumer {
    pid: u16,
}

impl pes::ElementaryStreamConsumer<Context> for Consumer {
    fn start_stream(&mut self, _: &mut Context) {}

    fn begin_packet(&mut self, context: &mut Context, header: PesHeader<'_>) {
        let mut times = (None, None);
        let payload = match header.contents() {
            PesContents::Parsed(Some(parsed)) => {
                times = match parsed.pts_dts() {
                    Ok(PtsDts::PtsOnly(Ok(pts))) => (Some(pts.value()), None),
                    Ok(PtsDts::Both { pts: Ok(pts), dts: Ok(dts) }) => {
                        (Some(pts.value()), Some(dts.value()))
                    }
                    _ => (None, None),
                };
                parsed.payload()
            }
            PesContents::Parsed(None) => return context.end(self.pid),
            PesContents::Payload(payload) => payload,
        };
        context.begin(self.pid, times);
        context.append(self.pid, payload);
    }

    fn continue_packet(&mut self, context: &mut Context, data: &[u8]) {
        context.append(self.pid, data);
    }

    fn end_packet(&mut self, context: &mut Context) {
        context.end(self.pid);
    }

    fn continuity_error(&mut self, context: &mut Context) {
        context.broken(self.pid);
    }
}
