//! What a composite costs: four or nine H.264 streams decoded, put together and encoded on one thread,
//! and the same by ffmpeg's `xstack`; what its sound costs where that of all sources is mixed; and what a
//! converted picture costs: one stream with B-frames decoded and encoded without, and the same by ffmpeg.
//! Pictures are told for each second of processor time, and sound as a share of a core, so that whatever
//! else runs on the machine counts less. `cargo bench --bench composite`; needs ffmpeg.

#![allow(clippy::print_stdout, reason = "it prints what it has measured")]
#![allow(clippy::unwrap_used, reason = "a bench ends at what it did not expect")]

use std::{
    f32::consts::TAU,
    fs,
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, Instant},
};

use rushes_media::{
    StreamId,
    composite::{Canvas, Cell, Composer, Fit, Layout, Mixer, Pace, SoundFrom},
    feed::{Decoded, Transcoder},
    picture::{Colour, Decoder, Encoder, Encoding, Place, Seen},
    rtp::{Colours, PictureSize},
};

const SECONDS: u32 = 10;
const FPS: u32 = 25;
const BITS: u32 = 2_300_000;
/// Of the canvas.
const SIZE: PictureSize = PictureSize { width: 1280, height: 720 };
/// So much sound is mixed.
const HEARD: u32 = 60;
/// Samples a second.
const RATE: u32 = 48_000;
const BASELINE: [&str; 4] = ["-profile:v", "baseline", "-bf", "0"];
const B_FRAMES: [&str; 4] = ["-profile:v", "high", "-bf", "3"];

fn main() {
    let folder = tempfile::TempDir::new().unwrap();
    let folder = folder.path();
    let grids = [
        (2, (640, 360), "1500k"),
        (2, (1280, 720), "4000k"),
        (3, (640, 360), "1500k"),
        (3, (1280, 720), "4000k"),
    ];
    for (side, (width, height), rate) in grids {
        let count = side * side;
        let sources: Vec<PathBuf> = (0..count)
            .map(|number| source(folder, number, (width, height), rate, BASELINE))
            .collect();
        let (ours, theirs) = (ours(&sources, side), theirs(&sources, side));
        println!(
            "{count} x {width}x{height} at {rate}bit/s -> 1280x720: {ours:.0} pictures for a second of the \
             processor; ffmpeg with xstack and x264 ultrafast {theirs:.0}"
        );
    }
    for count in [1, 4, 9] {
        println!("the sound of {count} sources mixed: {:.2} % of a core", mixed(count));
    }
    for (width, height, rate, bits) in
        [(1280, 720, "4000k", 6_000_000), (1920, 1080, "8000k", 12_000_000)]
    {
        let source = source(folder, 99, (width, height), rate, B_FRAMES);
        let ((ours, came), theirs) = (converted(&source, bits), converted_by_ffmpeg(&source, bits));
        println!(
            "{width}x{height} at {rate}bit/s with B-frames -> without: {ours:.0} pictures for a second of \
             the processor, {came} bit/s of {bits}; ffmpeg with x264 ultrafast {theirs:.0}"
        );
    }
}

/// A moving picture with noise, each access unit behind a delimiter.
fn source(
    folder: &Path,
    number: u32,
    (width, height): (u32, u32),
    rate: &str,
    profile: [&str; 4],
) -> PathBuf {
    let path = folder.join(format!("{width}-{number}.h264"));
    let picture = format!("testsrc2=s={width}x{height}:r={FPS}:d={SECONDS},noise=alls=12:allf=t");
    let done = Command::new("ffmpeg")
        .args(["-hide_banner", "-loglevel", "error", "-y", "-f", "lavfi", "-i", &picture])
        .args(["-c:v", "libx264", "-preset", "veryfast"])
        .args(profile)
        .args(["-pix_fmt", "yuv420p", "-g", "50", "-b:v", rate])
        .args(["-bsf:v", "h264_metadata=aud=insert"])
        .arg(&path)
        .status();
    assert!(done.unwrap().success(), "ffmpeg made no source");
    path
}

/// The access units of a file, and whether decoding can begin with each.
fn units(path: &Path) -> Vec<(Vec<u8>, bool)> {
    const DELIMITER: [u8; 5] = [0, 0, 0, 1, 9];
    let bytes = fs::read(path).unwrap();
    let mut starts: Vec<usize> = bytes
        .windows(DELIMITER.len())
        .enumerate()
        .filter(|(_, window)| *window == DELIMITER)
        .map(|(at, _)| at)
        .collect();
    starts.push(bytes.len());
    let unit = |pair: &[usize]| {
        let unit = bytes[pair[0]..pair[1]].to_vec();
        let key = unit.windows(4).any(|w| w[..3] == [0, 0, 1] && w[3] & 0x1f == 5);
        (unit, key)
    };
    starts.windows(2).map(unit).collect()
}

/// Where a source's picture is, of as many as are shown.
fn place(number: u32, side: u32) -> Place {
    let (width, height) = (SIZE.width / side / 2 * 2, SIZE.height / side / 2 * 2);
    let (x, y) = ((number % side * width) as i32, (number / side * height) as i32);
    Place { x, y, width, height }
}

fn ours(sources: &[PathBuf], side: u32) -> f64 {
    let inputs: Vec<Vec<(Vec<u8>, bool)>> = sources.iter().map(|path| units(path)).collect();
    let canvas = Canvas::new(SIZE, FPS, Colour::BLACK).unwrap();
    let cell = |number: usize| Cell {
        source: StreamId(number as u128),
        place: place(number as u32, side),
        fit: Fit::Contain,
        label: format!("Camera {number}"),
    };
    let cells = (0..inputs.len()).map(cell).collect();
    let mut composer = Composer::new(Layout::new(canvas, cells, SoundFrom::Nothing, true).unwrap());
    let mut encoder = Encoder::new(Encoding { rate: FPS, bits: BITS }).unwrap();
    let mut decoders: Vec<Decoder> = inputs.iter().map(|_| Decoder::default()).collect();
    let pace = Pace::new(Instant::now(), FPS);
    let frames = inputs.iter().map(Vec::len).min().unwrap();
    let before = on_processor();
    for frame in 0..frames {
        let now = pace.at(frame as u64);
        for (number, input) in inputs.iter().enumerate() {
            let (unit, key) = &input[frame];
            if let Some(planes) = decoders[number].decode(unit, *key).unwrap() {
                let timestamp = 0;
                composer.seen(
                    now,
                    StreamId(number as u128),
                    Seen { planes, captured: now, timestamp },
                );
            }
        }
        encoder.encode(composer.paint(now), false).unwrap();
    }
    frames as f64 / (on_processor() - before).as_secs_f64()
}

/// What it takes to decode the Opus of so many sources, to mix it and to encode that, in percent of a core.
fn mixed(count: u128) -> f64 {
    let origin = Instant::now();
    let packets = opus(origin);
    let mut mixer = Mixer::new(origin).unwrap();
    let (before, mut made) = (on_processor(), 0);
    for (number, packet) in packets.iter().enumerate() {
        let place = number as i64 * i64::from(RATE) / 50;
        let now = origin + Duration::from_millis(20) * number as u32;
        for source in 0..count {
            mixer.push(now, StreamId(source), packet, place);
        }
        made += mixer.due(now).unwrap().len();
    }
    let share = (on_processor() - before).as_secs_f64() / (packets.len() as f64 / 50.0);
    assert!(made + 20 > packets.len(), "{made} packets of {} came out", packets.len());
    100.0 * share
}

/// Packets of 20 ms, with a chord and some noise in both channels.
fn opus(captured: Instant) -> Vec<Vec<u8>> {
    const BLOCK: u32 = 960;
    let (mut transcoder, mut state, mut packets) = (Transcoder::new(), 1_u32, Vec::new());
    for number in 0..HEARD * RATE / BLOCK {
        let mut sample = |at: u32| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let noise = state as i32 as f32 / i32::MAX as f32;
            let tone = |hertz: f32| (TAU * hertz * at as f32 / RATE as f32).sin();
            0.1 * (tone(110.0) + tone(275.0) + tone(1001.0)) + 0.05 * noise
        };
        let pcm = (0..BLOCK * 2).map(|at| sample((number % 50 * BLOCK) + at / 2)).collect();
        let ticks = i64::from(number) * i64::from(BLOCK) * 90_000 / i64::from(RATE);
        let decoded = Decoded { pcm, channels: 2, rate: RATE, ticks, captured };
        packets.extend(transcoder.decoded(decoded).unwrap().into_iter().map(|made| made.payload));
    }
    packets
}

/// Pictures for a second of the processor, and the bits a second that came out.
fn converted(source: &Path, bits: u32) -> (f64, usize) {
    let units = units(source);
    let encoding = Encoding { rate: FPS, bits };
    let mut encoder = Encoder::every(encoding, Colours::default()).unwrap();
    let mut decoder = Decoder::default();
    let (mut frames, mut bytes) = (0, 0);
    let before = on_processor();
    for (unit, key) in &units {
        if let Some(planes) = decoder.decode(unit, *key).unwrap() {
            bytes += encoder.encode(&planes, false).unwrap().map_or(0, |frame| frame.len());
            frames += 1;
        }
    }
    let pace = frames as f64 / (on_processor() - before).as_secs_f64();
    (pace, bytes * 8 * FPS as usize / frames.max(1))
}

fn converted_by_ffmpeg(source: &Path, bits: u32) -> f64 {
    let mut command = Command::new("ffmpeg");
    command.args(["-hide_banner", "-loglevel", "info", "-benchmark", "-nostats"]);
    command.args(["-threads", "1", "-r", &FPS.to_string(), "-i"]).arg(source);
    encode_by_ffmpeg(command, bits)
}

/// How long this thread has run on a processor.
fn on_processor() -> Duration {
    let text = fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    Duration::from_nanos(text.split(' ').next().unwrap().parse().unwrap())
}

fn theirs(sources: &[PathBuf], side: u32) -> f64 {
    let mut command = Command::new("ffmpeg");
    command.args(["-hide_banner", "-loglevel", "info", "-benchmark", "-nostats"]);
    let (mut scaled, mut stacked, mut layout) = (String::new(), String::new(), Vec::new());
    for (number, source) in (0..).zip(sources) {
        command.args(["-threads", "1", "-r", &FPS.to_string(), "-i"]).arg(source);
        let Place { x, y, width, height } = place(number, side);
        scaled += &format!("[{number}]scale={width}:{height}:flags=bilinear[s{number}];");
        stacked += &format!("[s{number}]");
        layout.push(format!("{x}_{y}"));
    }
    let count = sources.len();
    let scaled = format!("{scaled}{stacked}xstack=inputs={count}:layout={}", layout.join("|"));
    command.args(["-filter_complex_threads", "1", "-filter_complex", &scaled]);
    encode_by_ffmpeg(command, BITS)
}

/// Pictures for a second of the processor.
fn encode_by_ffmpeg(mut command: Command, bits: u32) -> f64 {
    let output = command
        .args(["-c:v", "libx264", "-preset", "ultrafast", "-tune", "zerolatency"])
        .args(["-profile:v", "baseline", "-threads", "1", "-b:v", &bits.to_string()])
        .args(["-f", "null", "-"])
        .output()
        .unwrap();
    let log = String::from_utf8_lossy(&output.stderr);
    let time = |name: &str| -> f64 {
        let after = log.split(name).nth(1).unwrap_or_else(|| panic!("{log}"));
        after.split('s').next().unwrap().parse().unwrap()
    };
    f64::from(SECONDS * FPS) / (time("utime=") + time("stime="))
}
