//! AV1 (RTP payload format of the AOM): key frames and what their sequence headers say.

use super::bits::Bits;
use super::{Colours, Inspection, PictureSize};

/// Kinds of OBUs (AV1 bitstream, 6.2.2).
pub(crate) const SEQUENCE_HEADER: u8 = 1;
pub(crate) const TEMPORAL_DELIMITER: u8 = 2;
pub(crate) const FRAME_HEADER: u8 = 3;
pub(crate) const FRAME: u8 = 6;
pub(crate) const REDUNDANT_FRAME_HEADER: u8 = 7;
pub(crate) const TILE_LIST: u8 = 8;
pub(crate) const PADDING: u8 = 15;

/// Bytes of a number in LEB128 (AV1 bitstream, 4.10.5).
const LEB128: usize = 8;

pub(super) fn inspect(payload: &[u8]) -> Inspection {
    if !begins_sequence(payload) {
        return Inspection::default();
    }
    // Of the first element what is there is enough, as far as it goes.
    let size = Elements::of(payload).next().and_then(|element| size(element.bytes));
    Inspection { key: true, parameters: true, size, ..Inspection::default() }
}

fn size(obu: &[u8]) -> Option<PictureSize> {
    let header = ObuHeader::read(obu).filter(|header| header.kind == SEQUENCE_HEADER)?;
    let begin = Begin::read(&mut Bits::new(obu.get(header.length..)?))?;
    Some(begin.size)
}

/// What a sequence header says of colours, where all of it is in the payload.
pub(super) fn colours(payload: &[u8]) -> Option<Colours> {
    let body = |element: Element<'_>| {
        let header = ObuHeader::read(element.bytes).filter(|_| element.begins)?;
        let body = element.bytes.get(header.length..)?;
        (header.kind == SEQUENCE_HEADER).then_some(Sequence::read(body)?.colours)
    };
    Elements::of(payload).find_map(body)
}

/// N: the packet is the first of a new coded video sequence, hence of a key frame (RTP payload
/// format, 4.4).
pub(crate) fn begins_sequence(payload: &[u8]) -> bool {
    payload.first().is_some_and(|aggregation| aggregation & 0x08 != 0)
}

/// An OBU, or a part of one (RTP payload format, 4.5).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Element<'a> {
    pub(crate) bytes: &'a [u8],
    /// It is the beginning of the OBU, and its end.
    pub(crate) begins: bool,
    pub(crate) ends: bool,
    /// The payload has less of it than it should have.
    pub(crate) short: bool,
}

/// The elements of a payload (RTP payload format, 4.4 and 4.5).
#[derive(Debug)]
pub(crate) struct Elements<'a> {
    rest: &'a [u8],
    aggregation: u8,
    /// W, as far as they have not been had; 0 where each has its length.
    left: u8,
    first: bool,
}

impl<'a> Elements<'a> {
    pub(crate) fn of(payload: &'a [u8]) -> Self {
        let (aggregation, rest) =
            payload.split_first().map_or((0, payload), |(a, rest)| (*a, rest));
        Self { rest, aggregation, left: aggregation >> 4 & 3, first: true }
    }
}

impl<'a> Iterator for Elements<'a> {
    type Item = Element<'a>;

    fn next(&mut self) -> Option<Element<'a>> {
        let counted = self.aggregation & 0x30 != 0;
        let done = if counted { self.left == 0 } else { self.rest.is_empty() };
        if done {
            return None;
        }
        let (length, at, mut short) = if counted && self.left == 1 {
            (self.rest.len(), 0, self.rest.is_empty())
        } else {
            leb128(self.rest).map_or((0, self.rest.len(), true), |(length, at)| (length, at, false))
        };
        let rest = &self.rest[at..];
        short |= length > rest.len();
        let (bytes, rest) = rest.split_at(length.min(rest.len()));
        self.rest = rest;
        self.left = if short { 0 } else { self.left.saturating_sub(1) };
        let last = if counted { self.left == 0 } else { rest.is_empty() };
        let begins = !(std::mem::take(&mut self.first) && self.aggregation & 0x80 != 0);
        Some(Element { bytes, begins, ends: !(last && self.aggregation & 0x40 != 0), short })
    }
}

/// A number, and of how many bytes it is (AV1 bitstream, 4.10.5); none where it has no end, or is
/// larger than 32 bits.
pub(crate) fn leb128(data: &[u8]) -> Option<(usize, usize)> {
    let mut value = 0u64;
    for (index, byte) in data.iter().take(LEB128).enumerate() {
        value |= u64::from(byte & 0x7f) << (7 * index);
        if byte & 0x80 == 0 {
            let value = u32::try_from(value).ok()?;
            return Some((usize::try_from(value).ok()?, index + 1));
        }
    }
    None
}

/// obu_type, in the first byte of an OBU (AV1 bitstream, 5.3.2).
pub(crate) fn kind(first: u8) -> u8 {
    first >> 3 & 0xf
}

/// The header of an OBU (AV1 bitstream, 5.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ObuHeader {
    /// obu_type.
    pub(crate) kind: u8,
    /// spatial_id; 0 where it is not said.
    pub(crate) spatial: u8,
    /// obu_size, where it is said.
    pub(crate) size: Option<usize>,
    /// Bytes of the header.
    pub(crate) length: usize,
}

impl ObuHeader {
    /// The longest: two bytes, and the size.
    pub(crate) const MOST: usize = 2 + LEB128;

    /// That of an OBU, as soon as all of it is there.
    pub(crate) fn read(obu: &[u8]) -> Option<Self> {
        let first = *obu.first()?;
        if first & 0x80 != 0 {
            return None; // obu_forbidden_bit
        }
        let (mut length, mut spatial, mut size) = (1, 0, None);
        if first & 0x04 != 0 {
            spatial = obu.get(1)? >> 3 & 3;
            length += 1;
        }
        if first & 0x02 != 0 {
            let (said, bytes) = leb128(obu.get(length..)?)?;
            size = Some(said);
            length += bytes;
        }
        Some(Self { kind: kind(first), spatial, size, length })
    }
}

/// What a sequence header says (AV1 bitstream, 5.5).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Sequence {
    /// seq_profile.
    pub(crate) profile: u8,
    /// reduced_still_picture_header: it has one frame, whose header leaves out that it is a key frame.
    pub(crate) reduced: bool,
    /// seq_level_idx and seq_tier of the first operating point.
    pub(crate) level: u8,
    pub(crate) tier: u8,
    /// max_frame_width and max_frame_height.
    pub(crate) size: PictureSize,
    pub(crate) high_bitdepth: bool,
    pub(crate) twelve_bit: bool,
    /// mono_chrome.
    pub(crate) monochrome: bool,
    /// subsampling_x and subsampling_y.
    pub(crate) subsampling: [bool; 2],
    /// chroma_sample_position; 0 is unknown.
    pub(crate) chroma_sample_position: u8,
    /// color_description, and color_range.
    pub(crate) colours: Colours,
}

impl Sequence {
    /// That of an OBU, without its header.
    pub(crate) fn read(body: &[u8]) -> Option<Self> {
        let mut bits = Bits::new(body);
        let begin = Begin::read(&mut bits)?;
        skip_tools(&mut bits, begin.reduced)?;
        let Begin { profile, reduced, level, tier, size } = begin;
        let high_bitdepth = bits.bit()?;
        let twelve_bit = profile == 2 && high_bitdepth && bits.bit()?;
        let monochrome = profile != 1 && bits.bit()?;
        let mut colours = Colours::default();
        if bits.bit()? {
            // Eight bits each.
            colours.primaries = bits.take(8)? as u8;
            colours.transfer = bits.take(8)? as u8;
            colours.matrix = bits.take(8)? as u8;
        }
        // BT.709, sRGB, identity.
        let rgb = (colours.primaries, colours.transfer, colours.matrix) == (1, 13, 0);
        colours.full_range = (rgb && !monochrome) || bits.bit()?;
        let subsampling = match profile {
            _ if monochrome => [true; 2],
            _ if rgb => [false; 2],
            0 => [true; 2],
            1 => [false; 2],
            _ if twelve_bit => {
                let across = bits.bit()?;
                [across, across && bits.bit()?]
            }
            _ => [true, false],
        };
        let sited = !monochrome && subsampling == [true; 2];
        // Two bits.
        let chroma_sample_position = if sited { bits.take(2)? as u8 } else { 0 };
        Some(Self {
            profile,
            reduced,
            level,
            tier,
            size,
            high_bitdepth,
            twelve_bit,
            monochrome,
            subsampling,
            chroma_sample_position,
            colours,
        })
    }
}

/// What a sequence header begins with.
struct Begin {
    profile: u8,
    reduced: bool,
    level: u8,
    tier: u8,
    size: PictureSize,
}

impl Begin {
    fn read(bits: &mut Bits<'_>) -> Option<Self> {
        let profile = bits.take(3)? as u8; // three bits
        bits.bit()?; // still_picture
        let reduced = bits.bit()?;
        let (level, tier) = if reduced {
            (bits.take(5)? as u8, 0) // five bits
        } else {
            let (_, points) = operating_points(bits)?;
            points.first().map(|first| (first.level, first.tier))?
        };
        let width_bits = bits.take(4)? + 1;
        let height_bits = bits.take(4)? + 1;
        let (width, height) = (bits.take(width_bits)? + 1, bits.take(height_bits)? + 1);
        Some(Self { profile, reduced, level, tier, size: PictureSize { width, height } })
    }
}

/// An operating point: layers that make a stream (AV1 bitstream, 5.5.1 and 6.4.1).
#[derive(Debug, Clone, Copy)]
struct Point {
    /// operating_point_idc: a bit for each temporal layer, and from the ninth on for each spatial one.
    layers: u32,
    level: u8,
    tier: u8,
    /// The bits that say all of it.
    from: usize,
    to: usize,
}

impl Point {
    /// A bit for each spatial layer; none where there are no layers.
    fn spatial(&self) -> u32 {
        self.layers >> 8
    }
}

/// From timing_info on: where operating_points_cnt_minus_1 stands, and the points.
fn operating_points(bits: &mut Bits<'_>) -> Option<(usize, Vec<Point>)> {
    let mut delay_bits = None;
    if bits.bit()? {
        bits.skip(64)?; // num_units_in_display_tick, time_scale
        if bits.bit()? {
            bits.ue()?; // num_ticks_per_picture_minus_1
        }
        if bits.bit()? {
            delay_bits = Some(bits.take(5)? + 1);
            bits.skip(42)?;
        }
    }
    let initial_delay = bits.bit()?;
    let (at, mut points) = (bits.position(), Vec::new());
    for _ in 0..=bits.take(5)? {
        let from = bits.position();
        let layers = bits.take(12)?;
        let level = bits.take(5)? as u8; // five bits
        let tier = u8::from(level > 7 && bits.bit()?);
        if let Some(count) = delay_bits
            && bits.bit()?
        {
            bits.skip(2 * count + 1)?;
        }
        if initial_delay && bits.bit()? {
            bits.skip(4)?;
        }
        points.push(Point { layers, level, tier, from, to: bits.position() });
    }
    Some((at, points))
}

/// The sequence header (without that of its OBU) of what is left of a stream when all spatial layers but
/// the lowest are taken out of it. None where it need not be another: decoders that count on a second
/// layer hold the first back until they have that, or the next picture.
pub(crate) fn of_lowest_layer(body: &[u8]) -> Option<Vec<u8>> {
    let mut bits = Bits::new(body);
    bits.skip(4)?; // seq_profile, still_picture
    if bits.bit()? {
        return None;
    }
    let (at, points) = operating_points(&mut bits)?;
    let alone = |point: &&Point| point.spatial() == 1;
    let first = points.first().filter(|first| first.spatial() > 1)?;
    let point = points.iter().find(alone).unwrap_or(first);
    let layers = point.layers & 0xff | 1 << 8;
    let bit = |at: usize| body[at / 8] >> (7 - at % 8) & 1;
    let said = (0..at).map(bit);
    // operating_points_cnt_minus_1 is 0.
    let said = said.chain([0; 5]).chain((0..12).rev().map(|n| (layers >> n & 1) as u8));
    let said = said.chain((point.from + 12..point.to).map(bit));
    let said: Vec<u8> = said.chain((bits.position()..8 * body.len()).map(bit)).collect();
    let byte = |bits: &[u8]| bits.iter().zip((0..8).rev()).map(|(bit, n)| bit << n).sum::<u8>();
    let mut all: Vec<u8> = said.chunks(8).map(byte).collect();
    // A 1 ends it; zeros behind that say nothing (5.3.4).
    while all.last() == Some(&0) {
        all.pop();
    }
    Some(all)
}

/// From frame_id_numbers_present_flag to enable_restoration: the tools of the encoder.
fn skip_tools(bits: &mut Bits<'_>, reduced: bool) -> Option<()> {
    if !reduced && bits.bit()? {
        bits.skip(7)?; // lengths of frame ids
    }
    bits.skip(3)?; // superblocks, filter_intra, intra_edge_filter
    if !reduced {
        bits.skip(4)?; // interintra, masked, warped, dual_filter
        let order_hint = bits.bit()?;
        if order_hint {
            bits.skip(2)?; // jnt_comp, ref_frame_mvs
        }
        // seq_choose_screen_content_tools, or seq_force_screen_content_tools
        let screen_content = bits.bit()? || bits.bit()?;
        if screen_content && !bits.bit()? {
            bits.bit()?; // seq_force_integer_mv
        }
        if order_hint {
            bits.skip(3)?;
        }
    }
    bits.skip(3) // superres, cdef, restoration
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_sequence_is_a_key_frame_with_its_size() {
        // W=1, N=1; sequence header of libaom for 1280x720 (profile 0, level 3.1).
        let payload = [0x18, 0x08, 0x00, 0x00, 0x00, 0x2a, 0xa9, 0xff, 0x59, 0xe5, 0x00];
        let found = inspect(&payload);
        assert!(found.key && found.parameters);
    }

    #[test]
    fn a_continuation_is_not() {
        assert!(!inspect(&[0x10, 0x30, 0x00]).key);
        assert!(!inspect(&[]).key);
    }

    #[test]
    fn the_size_is_read() {
        // profile 0, no timing, no delay, one point: idc 0, level 5, size bits 11+10.
        let size = format!("{:011b}{:010b}", 1279, 719);
        let header =
            bytes(&["00000", "0", "0", "00000", "000000000000", "00101", "1010", "1001", &size]);
        let payload = [&[0x18, 0x08], &header[..]].concat();
        assert_eq!(inspect(&payload).size, Some(PictureSize { width: 1280, height: 720 }));
    }

    fn bytes(bits: &[&str]) -> Vec<u8> {
        let bits = bits.concat();
        let byte = |bits: &[u8]| {
            let bits = format!("{:0<8}", std::str::from_utf8(bits).unwrap());
            u8::from_str_radix(&bits, 2).unwrap()
        };
        bits.as_bytes().chunks(8).map(byte).collect()
    }

    #[test]
    fn of_several_spatial_layers_the_lowest_is_said_alone() {
        // Sizes of 8 bits, no tools, 8 bits and 4:2:0; the 1 that ends it.
        let rest = ["0111", "0111", "11111111", "01111111", "0000000000000000000000000000", "1"];
        let rest = rest.concat();
        // With timing and a decoder model whose delays have three bits, and an initial delay.
        let model = format!("1{:064b}01{:05b}{:042b}1", 7, 2, 5);
        for (before, after) in [("00", ""), (&model[..], "1101011010011")] {
            let header = |points: &[&str]| {
                let count = format!("{:05b}", points.len() - 1);
                let points: Vec<String> =
                    points.iter().map(|point| format!("{point}{after}")).collect();
                bytes(&["00000", before, &count, &points.concat(), &rest])
            };
            let both = "00110000001101001".to_owned() + "1"; // a level above 7 has a tier
            let (lowest, fewer) = ("00010000001100101", "00010000000100100");
            let expected = header(&[lowest]);
            for points in [&[&both[..], lowest, fewer][..], &[&both, fewer, lowest][..]] {
                let said = header(points);
                let alone = of_lowest_layer(&said).unwrap();
                let read = Sequence::read(&alone).unwrap();
                assert_eq!(read.size, PictureSize { width: 256, height: 128 });
                let first = points.iter().find(|point| point.starts_with("0001")).unwrap();
                assert_eq!(alone, header(&[*first]));
                assert_eq!(of_lowest_layer(&alone), None, "it is said already");
                for cut in 0..said.len() {
                    let _ = of_lowest_layer(&said[..cut]); // no panic
                }
            }
            let alone = of_lowest_layer(&header(&["00110000001100101"])).unwrap();
            assert_eq!(alone, expected, "no point has the lowest alone");
            for others in ["00000000000000101", "00010000011100101"] {
                assert_eq!(of_lowest_layer(&header(&[others])), None, "{others}");
            }
        }
        assert_eq!(of_lowest_layer(&[0x19, 0x6a, 0x67, 0xfd, 0x9e, 0xd0, 0x04]), None, "reduced");
    }

    /// Sequence headers of libaom, SVT-AV1 and rav1e, and what ffprobe says of them.
    #[test]
    fn sequence_headers_of_encoders_are_read() {
        type Row = (&'static str, u8, u8, [bool; 4], [bool; 2], [u8; 4]);
        // Profile and level; high_bitdepth, twelve_bit, mono_chrome and reduced; subsampling; range,
        // primaries, transfer and matrix.
        let rows: [Row; 8] = [
            ("4000002d4cffb3ccaf963080", 2, 5, [true, true, false, false], [true; 2], [0, 2, 2, 2]),
            (
                "4000002d4cffb3ccaf9408",
                2,
                5,
                [true, false, false, false],
                [true, false],
                [0, 2, 2, 2],
            ),
            ("2000002d4cffb3ccaf9204040320", 1, 5, [false; 4], [false; 2], [1, 2, 2, 1]),
            ("2000002d4cffb3ccaf92021a0040", 1, 5, [false; 4], [false; 2], [1, 1, 13, 0]),
            ("0000002d4cffb3ccaf92a0", 0, 5, [false, false, true, false], [true; 2], [1, 2, 2, 2]),
            (
                "0000002d4cffb3c4af9502020904",
                0,
                5,
                [true, false, false, false],
                [true; 2],
                [0, 2, 2, 9],
            ),
            ("000000faa67fd9e210a88101010a", 0, 31, [false; 4], [true; 2], [0, 2, 2, 2]),
            ("196a67fd9ed004", 0, 5, [false, false, false, true], [true; 2], [0, 2, 2, 2]),
        ];
        for (hex, profile, level, flags, subsampling, [range, primaries, transfer, matrix]) in rows
        {
            let bytes =
                (0..hex.len() / 2).map(|n| u8::from_str_radix(&hex[2 * n..][..2], 16).unwrap());
            let bytes: Vec<u8> = bytes.collect();
            let said = Sequence::read(&bytes).unwrap();
            assert_eq!((said.profile, said.level), (profile, level), "{hex}");
            let found = [said.high_bitdepth, said.twelve_bit, said.monochrome, said.reduced];
            assert_eq!((found, said.subsampling), (flags, subsampling), "{hex}");
            let colours = Colours { full_range: range == 1, primaries, transfer, matrix };
            assert_eq!(said.colours, colours, "{hex}");
            assert_eq!(said.size, PictureSize { width: 1280, height: 720 }, "{hex}");
            for cut in 0..bytes.len() {
                let _ = Sequence::read(&bytes[..cut]); // no panic
            }
        }
    }
}
