//! Composites in virtual time.

use std::time::{Duration, Instant};

use super::*;
use crate::ids::StreamId;
use crate::picture::tests::{BLUE, RED, is_near, plain, size};
use crate::picture::{Colour, Place, Planes, Refused, Seen};
use crate::rtp::Codec;
use crate::transcode::{OutsideFault, TranscodeRefusal};

const A: StreamId = StreamId(1);
const B: StreamId = StreamId(2);

fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

fn place(x: i32, y: i32, width: u32, height: u32) -> Place {
    Place { x, y, width, height }
}

fn cell(source: StreamId, place: Place, fit: Fit) -> Cell {
    Cell { source, place, fit, label: String::new() }
}

fn canvas() -> Canvas {
    Canvas::new(size(128, 64), 25, Colour::BLACK).unwrap()
}

fn layout(cells: Vec<Cell>) -> Layout {
    Layout::new(canvas(), cells, SoundFrom::Nothing, true).unwrap()
}

fn beside() -> Layout {
    let fit = Fit::Contain;
    layout(vec![cell(A, place(0, 0, 64, 64), fit), cell(B, place(64, 0, 64, 64), fit)])
}

fn seen(colour: (u8, u8, u8), captured: Instant) -> Seen {
    Seen { planes: plain(colour, size(64, 64)), captured, timestamp: 0 }
}

fn is(picture: &Planes, (x, y): (usize, usize), colour: (u8, u8, u8)) -> bool {
    is_near(picture.colour(x, y), colour)
}

#[test]
fn ticks_are_steady_and_those_that_were_missed_are_left_out() {
    let start = Instant::now();
    let mut pace = Pace::new(start, 30);
    assert_eq!(pace.due(start), Some(Tick { number: 0, at: start }));
    assert_eq!(pace.due(start), None);
    assert_eq!(pace.next(), start + Duration::from_nanos(33_333_333));
    let late = pace.due(start + ms(1_010)).unwrap();
    assert_eq!((late.number, late.at), (30, start + ms(1_000)));
    for number in 31..100_000 {
        let at = pace.next();
        assert_eq!(pace.due(at - Duration::from_nanos(1)), None);
        assert_eq!(pace.due(at).unwrap().number, number);
    }
    assert_eq!(pace.at(30 * 86_400 * 365), start + Duration::from_secs(86_400 * 365), "no drift");
}

#[test]
fn what_was_captured_at_one_moment_is_shown_at_one_moment() {
    let start = Instant::now();
    let mut composer = Composer::new(beside());
    // Both change to blue at 200 ms; what B sends comes 100 ms late.
    for (source, late) in [(A, 0), (B, 100)] {
        for at in (0..400).step_by(40) {
            let colour = if at < 200 { RED } else { BLUE };
            let captured = start + ms(at);
            composer.seen(captured + ms(late), source, seen(colour, captured));
        }
    }
    for at in (150..550).step_by(10) {
        let colour = if at < 350 { RED } else { BLUE };
        let picture = composer.paint(start + ms(at));
        assert!(is(picture, (32, 32), colour) && is(picture, (96, 32), colour), "at {at}");
    }
}

#[test]
fn a_source_that_is_away_is_a_slate_and_comes_back() {
    let start = Instant::now();
    let mut composer = Composer::new(beside());
    let slate = |picture: &Planes, x: usize| picture.colour(x, 4) == Some(Colour::GREY);
    let picture = composer.paint(start);
    assert!(slate(picture, 2) && slate(picture, 66), "nobody has sent anything");
    composer.seen(start, A, seen(RED, start));
    composer.seen(start, B, seen(BLUE, start));
    let picture = composer.paint(start + ms(200));
    assert!(is(picture, (2, 4), RED) && is(picture, (66, 4), BLUE));
    composer.seen(start + ms(1_900), A, seen(RED, start + ms(1_900)));
    let picture = composer.paint(start + ms(1_999));
    assert!(is(picture, (2, 4), RED) && is(picture, (66, 4), BLUE));
    let picture = composer.paint(start + ms(2_000));
    assert!(is(picture, (2, 4), RED) && slate(picture, 66), "B is silent for two seconds");
    composer.seen(start + ms(5_000), B, seen(BLUE, start + ms(5_000)));
    let picture = composer.paint(start + ms(5_150));
    assert!(slate(picture, 2) && is(picture, (66, 4), BLUE));
    composer.unseen(B, Some(Unseen::Refused(Refused::Codec(Codec::Vp8))));
    let refused = composer.paint(start + ms(5_190)).clone();
    assert!(slate(&refused, 66), "and the slate says why");
    composer.unseen(B, None);
    assert!(is(composer.paint(start + ms(5_200)), (66, 4), BLUE));
}

#[test]
fn a_slate_says_whose_it_is_and_why_and_only_where_it_is_wanted() {
    let wide = |label: &str| Cell {
        label: label.to_owned(),
        ..cell(A, place(0, 0, 128, 64), Fit::Contain)
    };
    let now = Instant::now();
    let paint = |cell: Cell, slate: bool, unseen: Option<Unseen>| {
        let layout = Layout::new(canvas(), vec![cell], SoundFrom::Nothing, slate).unwrap();
        let mut composer = Composer::new(layout);
        composer.unseen(A, unseen);
        composer.paint(now).clone()
    };
    let plain = paint(wide(""), true, None);
    let named = paint(wide("A cam"), true, None);
    let refused = paint(wide("A cam"), true, Some(Unseen::Refused(Refused::Codec(Codec::Av1))));
    let too_large = Some(Unseen::Refused(Refused::TooLarge(size(8192, 4320))));
    let large = paint(wide("A cam"), true, too_large);
    assert!(plain != named && named != refused && refused != large);
    let white = |picture: &Planes| picture.y.iter().filter(|luma| **luma > 200).count();
    assert!(white(&named) > white(&plain) && white(&plain) > 20);
    assert_eq!(paint(wide("A cam"), false, None), Planes::filled(size(128, 64), Colour::BLACK));
}

#[test]
fn what_ffmpeg_does_not_decode_is_said_in_words_that_fit_and_in_more_to_who_set_it_up() {
    let of = |refusal| Unseen::Outside(Codec::Av1, refusal);
    let too_large = TranscodeRefusal::TooLarge { pixels: 100_000_000, most: 62_208_000 };
    let reasons = [
        (of(TranscodeRefusal::Off), "this server converts no pictures"),
        (of(TranscodeRefusal::Full(3)), "this server converts 3 pictures at a time"),
        (
            of(TranscodeRefusal::NoFfmpeg),
            "this server has no ffmpeg, which a picture that is not H.264 needs",
        ),
        (of(TranscodeRefusal::Ffmpeg(OutsideFault::Ended)), "ffmpeg has ended"),
        (of(too_large), "100000000 pixels a second are more than 62208000"),
    ];
    let now = Instant::now();
    let mut painted = Vec::new();
    for (unseen, told) in reasons {
        let problem = format!("The AV1 of a source is not shown: {told}.");
        assert_eq!(unseen.problem(), Some(problem));
        let mut composer = Composer::new(layout(vec![cell(A, place(0, 0, 128, 64), Fit::Contain)]));
        composer.unseen(A, Some(unseen));
        painted.push(composer.paint(now).clone());
    }
    for (number, one) in painted.iter().enumerate() {
        assert!(!painted[number + 1..].contains(one), "each says something else: {number}");
    }
    assert_eq!(Unseen::Refused(Refused::Codec(Codec::Vp8)).problem(), None);
}

#[test]
fn pictures_fill_their_cells_as_the_layout_says() {
    let now = Instant::now();
    // Red at the left, blue in the middle, red at the right.
    let mut wide = plain(RED, size(128, 32));
    wide.put((32, 0), &plain(BLUE, size(64, 32)));
    let paint = |fit| {
        let mut composer = Composer::new(layout(vec![cell(A, place(64, 0, 64, 64), fit)]));
        composer.seen(now, A, Seen { planes: wide.clone(), captured: now, timestamp: 0 });
        composer.paint(now + DELAY).clone()
    };
    let black = |picture: &Planes, at: (usize, usize)| is(picture, at, (0, 0, 0));
    let contain = paint(Fit::Contain);
    assert!(is(&contain, (66, 32), RED) && is(&contain, (96, 32), BLUE));
    assert!(black(&contain, (96, 8)) && black(&contain, (96, 56)) && black(&contain, (62, 32)));
    let cover = paint(Fit::Cover);
    for at in [(66, 32), (96, 2), (125, 60)] {
        assert!(is(&cover, at, BLUE), "{at:?}: the sides are cut off");
    }
    let stretch = paint(Fit::Stretch);
    assert!(is(&stretch, (66, 2), RED) && is(&stretch, (96, 60), BLUE));
    assert!(black(&stretch, (62, 32)));
}

#[test]
fn later_cells_lie_above_and_labels_above_their_pictures() {
    let now = Instant::now();
    let mut below = cell(A, place(0, 0, 128, 64), Fit::Cover);
    below.label = "Ä cam".to_owned();
    let above = cell(B, place(96, 0, 32, 32), Fit::Cover);
    let mut composer = Composer::new(layout(vec![below, above]));
    composer.seen(now, A, seen(RED, now));
    composer.seen(now, B, seen(BLUE, now));
    let picture = composer.paint(now + DELAY);
    assert!(is(picture, (110, 10), BLUE) && is(picture, (110, 40), RED));
    assert!(is(picture, (1, 62), (0, 0, 0)) && is(picture, (126, 62), RED));
    let white = (0..60).any(|x| is(picture, (x, 54), (255, 255, 255)));
    assert!(white || picture.y.iter().any(|luma| *luma > 200), "there are letters");
}

#[test]
fn another_layout_goes_on_with_the_same_pictures() {
    let now = Instant::now();
    let mut composer = Composer::new(beside());
    composer.seen(now, A, seen(RED, now));
    composer.seen(now, B, seen(BLUE, now));
    composer.paint(now + DELAY);
    let larger = Canvas::new(size(256, 64), 50, Colour::WHITE).unwrap();
    let cells = vec![cell(B, place(0, 0, 64, 64), Fit::Contain)];
    composer.update(Layout::new(larger, cells, SoundFrom::Nothing, true).unwrap());
    let picture = composer.paint(now + DELAY + ms(20));
    assert_eq!(picture.size(), size(256, 64));
    assert!(is(picture, (32, 32), BLUE) && is(picture, (200, 32), (255, 255, 255)));
    assert_eq!(composer.shown(now + DELAY).collect::<Vec<_>>(), [B]);
    composer.seen(now, A, seen(RED, now)); // who is not shown is not kept
    assert_eq!(composer.shown(now + DELAY).count(), 1);
}

#[test]
fn what_is_no_layout_is_refused() {
    let of = |width, height, rate| Canvas::new(size(width, height), rate, Colour::BLACK);
    assert!(of(1920, 1080, 30).is_ok() && of(64, 64, 60).is_ok());
    for (width, height) in [(1922, 1080), (1920, 1082), (62, 64), (641, 360), (640, 361)] {
        assert_eq!(of(width, height, 25), Err(LayoutError::Canvas), "{width}x{height}");
    }
    assert_eq!(of(640, 360, 0), Err(LayoutError::Rate));
    assert_eq!(of(640, 360, 61), Err(LayoutError::Rate));
    assert_eq!(of(1920, 1080, 31), Err(LayoutError::TooMuch));
    let fit = Fit::Contain;
    let with = |cells: Vec<Cell>, sound| Layout::new(canvas(), cells, sound, true).err();
    let good = cell(A, place(0, 0, 128, 64), fit);
    for (x, y, width, height) in [
        (1, 0, 64, 64),
        (0, 1, 64, 62),
        (0, 0, 63, 64),
        (0, 0, 130, 64),
        (66, 0, 64, 64),
        (-2, 0, 64, 64),
        (0, 0, 14, 64),
        (i32::MAX - 1, 0, 64, 64),
        (0, 0, u32::MAX - 1, 64),
    ] {
        let bad = cell(A, place(x, y, width, height), fit);
        let cells = vec![good.clone(), bad];
        assert_eq!(with(cells, SoundFrom::Nothing), Some(LayoutError::Place(1)), "{x} {y}");
    }
    let many = vec![good.clone(); 10];
    assert_eq!(with(many, SoundFrom::Nothing), Some(LayoutError::Cells(10)));
    let labelled = |label: String| Cell { label, ..good.clone() };
    for label in ["a\nb".to_owned(), "a".repeat(61)] {
        let error = with(vec![labelled(label)], SoundFrom::Nothing);
        assert_eq!(error, Some(LayoutError::Label(0)));
    }
    assert_eq!(with(vec![labelled("ä".repeat(60))], SoundFrom::Mix), None);
    assert_eq!(with(vec![good.clone()], SoundFrom::Source(A)), None);
    assert_eq!(with(vec![good], SoundFrom::Source(B)), Some(LayoutError::Sound));
}

#[test]
fn nine_cells_are_all_shown() {
    // Three rows of three of 32 x 16, each of another source and of its own grey.
    let cells: Vec<Cell> = (0..9i32)
        .map(|n| {
            let at = place(n % 3 * 40, n / 3 * 20, 32, 16);
            cell(StreamId(n as u128 + 1), at, Fit::Stretch)
        })
        .collect();
    let now = Instant::now();
    let mut composer = Composer::new(layout(cells));
    let grey = |n: usize| {
        let level = 40 + 20 * n as u8;
        (level, level, level)
    };
    for n in 0..9usize {
        composer.seen(now, StreamId(n as u128 + 1), seen(grey(n), now));
    }
    let picture = composer.paint(now + DELAY);
    for n in 0..9usize {
        assert!(is(picture, (n % 3 * 40 + 16, n / 3 * 20 + 8), grey(n)), "cell {n}");
    }
    assert_eq!(composer.shown(now + DELAY).count(), 9);
}

mod sound {

    use super::*;
    use crate::rtp::inspect;
    use crate::stream::Packet;

    /// A steady level as packets of Opus, 20 ms each.
    struct Hum(opus::Encoder, f32);

    impl Hum {
        fn new(level: f32) -> Self {
            let (stereo, music) = (opus::Channels::Stereo, opus::Application::Audio);
            Self(opus::Encoder::new(48_000, stereo, music).unwrap(), level)
        }

        /// The packet that begins at a sample: a tone of 300 Hz.
        fn packet(&mut self, at: i64) -> Vec<u8> {
            let wave = |n: i64| (n as f32 * 300.0 * std::f32::consts::TAU / 48_000.0).sin();
            let samples: Vec<f32> = (at..at + 960).flat_map(|n| [wave(n) * self.1; 2]).collect();
            self.0.encode_vec_float(&samples, 1200).unwrap()
        }
    }

    fn loudest(decoder: &mut opus::Decoder, heard: &Heard) -> f32 {
        let mut samples = vec![0.0; 960 * 2];
        decoder.decode_float(&heard.payload, &mut samples, false).unwrap();
        samples.iter().fold(0.0, |most: f32, sample| most.max(sample.abs()))
    }

    /// The loudness of a second of sources of these levels, after they have begun.
    fn mixed(levels: &[f32]) -> (Vec<f32>, Vec<Heard>) {
        let start = Instant::now();
        let mut mixer = Mixer::new(start).unwrap();
        let mut hums: Vec<Hum> = levels.iter().map(|level| Hum::new(*level)).collect();
        let mut decoder = opus::Decoder::new(48_000, opus::Channels::Stereo).unwrap();
        let (mut loud, mut all) = (Vec::new(), Vec::new());
        for step in 0..60i64 {
            let at = step * 960;
            for (number, hum) in hums.iter_mut().enumerate() {
                let now = start + ms(20 * step as u64);
                mixer.push(now, StreamId(number as u128), &hum.packet(at), at);
            }
            for heard in mixer.due(start + ms(20 * step as u64)).unwrap() {
                loud.push(loudest(&mut decoder, &heard));
                all.push(heard);
            }
        }
        (loud.split_off(20), all)
    }

    #[test]
    fn what_is_mixed_is_the_sum_and_never_too_loud() {
        let (quiet, heard) = mixed(&[0.2, 0.3]);
        assert!(quiet.iter().all(|loud| (0.42..0.58).contains(loud)), "{quiet:?}");
        let (loud, _) = mixed(&[0.9, 0.9, 0.9]);
        assert!(loud.iter().all(|loud| (0.8..1.1).contains(loud)), "{loud:?}");
        let steps = heard.windows(2).all(|pair| pair[1].samples - pair[0].samples == 960);
        assert!(steps && heard.len() > 45);
        let (silence, _) = mixed(&[]);
        assert!(silence.iter().all(|loud| *loud < 0.001));
    }

    #[test]
    fn sound_that_a_muxer_bundles_is_waited_for() {
        let start = Instant::now();
        let mut mixer = Mixer::new(start).unwrap();
        let (mut hum, mut waiting, mut loud) = (Hum::new(0.5), Vec::new(), Vec::new());
        let mut decoder = opus::Decoder::new(48_000, opus::Channels::Stereo).unwrap();
        for step in 0..120i64 {
            let now = start + ms(20 * step as u64);
            waiting.push((hum.packet(step * 960), step * 960));
            // Ten packets at once: the first of them is 190 ms old, and later than pictures wait.
            if waiting.len() == 10 {
                for (packet, at) in waiting.drain(..) {
                    mixer.push(now, A, &packet, at);
                }
            }
            for heard in mixer.due(now).unwrap() {
                loud.push(loudest(&mut decoder, &heard));
            }
        }
        // The first bundle is what it learns by.
        let heard = loud.split_off(20);
        assert!(heard.len() > 60 && heard.iter().all(|loud| *loud > 0.4), "{heard:?}");
    }

    #[test]
    fn rubbish_is_a_gap() {
        let start = Instant::now();
        let mut mixer = Mixer::new(start).unwrap();
        for bytes in [&[][..], &[0xff; 3], &[0x03; 40]] {
            mixer.push(start, A, bytes, 0);
            mixer.push(start, A, bytes, i64::MAX / 4);
            mixer.push(start, A, bytes, -5);
        }
        mixer.push(start, A, &Hum::new(0.5).packet(0), i64::MAX / 4);
        assert!(mixer.due(start + ms(300)).unwrap().is_empty(), "it begins there");
        assert_eq!(mixer.due(start + ms(345)).unwrap().len(), 2);
        assert!(mixer.due(start + Duration::from_secs(3_600)).unwrap().len() < 30);
    }

    fn opus(seq: u64, timestamp: u32, captured: Instant) -> Packet {
        let payload = Hum::new(0.1).packet(0);
        Packet {
            codec: Codec::Opus,
            layer: 0,
            seq,
            timestamp,
            marker: false,
            inspection: inspect(Codec::Opus, &payload),
            payload: payload.into(),
            captured,
        }
    }

    #[test]
    fn a_voice_follows_its_own_clock_and_begins_anew_after_a_break() {
        let start = Instant::now();
        let mut voice = Voice::default();
        let mut places = Vec::new();
        let mut take = |voice: &mut Voice, seq, timestamp, at: u64| {
            let now = start + ms(at);
            let got = voice.packet(now, start, &opus(seq, timestamp, now));
            places.extend(got.into_iter().map(|(_, place)| place));
        };
        take(&mut voice, 1, u32::MAX - 959, 0);
        take(&mut voice, 2, 0, 27); // a little late
        take(&mut voice, 4, 1_920, 60); // before the third
        take(&mut voice, 3, 960, 61);
        voice.publish();
        take(&mut voice, 900, 77_777, 1_000);
        take(&mut voice, 901, 77_777 + 960, 5_000);
        assert_eq!(places, [0, 960, 1_920, 2_880, 48_000, 240_000]);
    }
}
