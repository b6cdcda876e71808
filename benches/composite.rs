//! What a composite costs: four H.264 streams decoded, put together and encoded on one thread, and the
//! same by ffmpeg's `xstack`; and what a converted picture costs: one stream with B-frames decoded and
//! encoded without, and the same by ffmpeg. All are told in pictures for each second of processor time, so
//! that whatever else runs on the machine counts less. `cargo bench --bench composite`; needs ffmpeg.

#![allow(clippy::print_stdout, reason = "it prints what it has measured")]
#![allow(clippy::unwrap_used, reason = "a bench ends at what it did not expect")]

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, Instant},
};

use rushes_media::{
    StreamId,
    composite::{Canvas, Cell, Composer, Fit, Layout, Pace, SoundFrom},
    picture::{Colour, Decoder, Encoder, Encoding, Place, Seen},
    rtp::{Colours, PictureSize},
};

const SECONDS: u32 = 10;
const FPS: u32 = 25;
const BITS: u32 = 2_300_000;
const BASELINE: [&str; 4] = ["-profile:v", "baseline", "-bf", "0"];
const B_FRAMES: [&str; 4] = ["-profile:v", "high", "-bf", "3"];

fn main() {
    let folder = tempfile::TempDir::new().unwrap();
    let folder = folder.path();
    for (width, height, rate) in [(640, 360, "1500k"), (1280, 720, "4000k")] {
        let sources: Vec<PathBuf> =
            (0..4).map(|number| source(folder, number, (width, height), rate, BASELINE)).collect();
        let ours = ours(&sources);
        let theirs = theirs(&sources);
        println!(
            "4 x {width}x{height} at {rate}bit/s -> 1280x720: {ours:.0} pictures for a second of the \
             processor; ffmpeg with xstack and x264 ultrafast {theirs:.0}"
        );
    }
    for (width, height, rate, bits) in
        [(1280, 720, "4000k", 6_000_000), (1920, 1080, "8000k", 12_000_000)]
    {
        let source = source(folder, 9, (width, height), rate, B_FRAMES);
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

fn ours(sources: &[PathBuf]) -> f64 {
    let inputs: Vec<Vec<(Vec<u8>, bool)>> = sources.iter().map(|path| units(path)).collect();
    let size = PictureSize { width: 1280, height: 720 };
    let canvas = Canvas::new(size, FPS, Colour::BLACK).unwrap();
    let cell = |number: usize| Cell {
        source: StreamId(number as u128),
        place: Place {
            x: (number % 2 * 640) as i32,
            y: (number / 2 * 360) as i32,
            width: 640,
            height: 360,
        },
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

fn theirs(sources: &[PathBuf]) -> f64 {
    let mut command = Command::new("ffmpeg");
    command.args(["-hide_banner", "-loglevel", "info", "-benchmark", "-nostats"]);
    for source in sources {
        command.args(["-threads", "1", "-r", &FPS.to_string(), "-i"]).arg(source);
    }
    let scaled = "[0]scale=640:360:flags=bilinear[a];[1]scale=640:360:flags=bilinear[b];\
                  [2]scale=640:360:flags=bilinear[c];[3]scale=640:360:flags=bilinear[d];\
                  [a][b][c][d]xstack=inputs=4:layout=0_0|w0_0|0_h0|w0_h0";
    command.args(["-filter_complex_threads", "1", "-filter_complex", scaled]);
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
