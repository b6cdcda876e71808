//! What is said of a picture with B-frames, or of one that is not H.264.

use rushes_media::rtp::Codec;
use rushes_media::{TranscodeRefusal, TranscodeState, TranscodeStatus, VideoStatus};

const SHOWN: &str = "The picture has B-frames, which browsers show out of order or not at all.";
const TURN_OFF: &str = "Turn them off: OBS: Settings, Output, Advanced, \"B-frames\" 0 or tune \
    zerolatency; ffmpeg: -bf 0; hardware encoders: B-frames 0, or the profile Baseline.";
const BEHIND: &str = "The picture has B-frames and is converted for browsers, but this machine \
    does not do so as fast as it comes: parts of it are left out, each up to the next key frame.";

const H265: &str = "The picture is H.265, which browsers show where the machine has a decoder for it \
    (Safari, and Chrome on many machines) and others do not.";
const AV1: &str = "The picture is AV1, which recent browsers show, but Safari only where the device has a \
    decoder for it, and older ones and many other players do not.";
const USE_H264: &str = "Set the encoder to H.264 for everybody.";
const H265_B_FRAMES: &str = "The picture has B-frames, which browsers that take H.265 show out of order \
    or not at all. Turn them off: ffmpeg: -x265-params bframes=0; OBS and hardware encoders: B-frames 0.";

/// What is wrong with a picture, in words for those who set the encoder up; nothing where it is
/// converted.
pub(crate) fn problems(video: &VideoStatus, transcode: Option<&TranscodeStatus>) -> Vec<String> {
    let mut problems = Vec::new();
    if video.codec != Codec::H264 {
        problems.extend(beside(video.codec, transcode));
        let is_h265 = video.codec == Codec::H265;
        problems.extend((is_h265 && video.b_frames).then(|| H265_B_FRAMES.to_owned()));
    } else if video.b_frames {
        problems.extend(b_frames(transcode));
    }
    problems
}

fn b_frames(transcode: Option<&TranscodeStatus>) -> Option<String> {
    let Some(transcode) = transcode else { return Some(format!("{SHOWN} {TURN_OFF}")) };
    match transcode.state {
        TranscodeState::Running if transcode.behind => Some(format!("{BEHIND} {TURN_OFF}")),
        TranscodeState::Starting | TranscodeState::Running | TranscodeState::Ready => None,
        TranscodeState::Refused => {
            let why = transcode.refusal.map(why).unwrap_or_default();
            Some(format!("{SHOWN} {why} {TURN_OFF}"))
        }
    }
}

/// Of what is converted for those alone who do not take it. Nothing as long as it is not known whether
/// it is; nor where it is not, and all browsers show it: whoever else cannot be served hears why.
fn beside(codec: Codec, transcode: Option<&TranscodeStatus>) -> Option<String> {
    let transcode = transcode?;
    match transcode.state {
        TranscodeState::Running if transcode.behind => Some(format!(
            "The picture is {} and is converted for viewers who do not take that, but this machine does \
             not do so as fast as it comes: they miss parts of it, each up to the next key frame. \
             {USE_H264}",
            codec.title()
        )),
        TranscodeState::Starting | TranscodeState::Running | TranscodeState::Ready => None,
        TranscodeState::Refused => {
            let shown = match codec {
                Codec::H265 => H265,
                Codec::Av1 => AV1,
                _ => return None,
            };
            let why = transcode.refusal.map(why).unwrap_or_default();
            Some(format!("{shown} {why} {USE_H264}"))
        }
    }
}

fn why(refusal: TranscodeRefusal) -> String {
    match refusal {
        TranscodeRefusal::Off => "This server does not convert it (--transcodes is 0).".to_owned(),
        TranscodeRefusal::Full(_) => {
            format!("It is not converted: {refusal} (--transcodes), and this is none of them.")
        }
        TranscodeRefusal::TooLarge { pixels, most } => format!(
            "It has {} million pixels a second, and this server converts up to {} \
             (--transcode-pixels): send a smaller picture or fewer frames, or one that need not be.",
            millions(pixels),
            millions(most)
        ),
        TranscodeRefusal::Size(size) => {
            format!("Of {} x {} pixels it is too large to be converted.", size.width, size.height)
        }
        TranscodeRefusal::Codec(codec) => {
            format!("It is {}, of which nothing is converted.", codec.name())
        }
        TranscodeRefusal::NoFfmpeg => {
            "This server converts it when ffmpeg is installed (--ffmpeg).".to_owned()
        }
        TranscodeRefusal::Ffmpeg(fault) => {
            format!("It is converted no more: {fault}. That is tried again after a while.")
        }
        TranscodeRefusal::Layers => "It has several layers, which are not converted.".to_owned(),
        TranscodeRefusal::Undecodable => "This server cannot decode it: it is not 8 bits and \
            4:2:0, or interlaced, or damaged."
            .to_owned(),
        TranscodeRefusal::Unencodable => "This server cannot encode it.".to_owned(),
        TranscodeRefusal::Defect => {
            "A defect of this server keeps it from being converted.".to_owned()
        }
    }
}

/// With one decimal.
fn millions(pixels: u64) -> String {
    let tenths = pixels.saturating_add(50_000) / 100_000;
    format!("{}.{}", tenths / 10, tenths % 10)
}

#[cfg(test)]
mod tests {
    use rushes_media::{OutsideFault, TranscodeCause};

    use super::*;

    fn status(state: TranscodeState, refusal: Option<TranscodeRefusal>) -> TranscodeStatus {
        TranscodeStatus {
            cause: TranscodeCause::BFrames,
            state,
            viewers: None,
            frames: 0,
            frames_missed: 0,
            frames_lost: 0,
            bitrate: 0,
            busy: 0.0,
            behind: false,
            refusal,
        }
    }

    fn video(codec: Codec, b_frames: bool) -> VideoStatus {
        VideoStatus {
            codec,
            width: None,
            height: None,
            fps: 25.0,
            bitrate: 0,
            keyframe_interval: None,
            packets: 1,
            lost: 0,
            jitter: 0.0,
            gaps: 0,
            b_frames,
            profile: None,
        }
    }

    #[test]
    fn what_is_not_converted_is_said_with_the_reason_and_what_to_do() {
        let refused = |refusal| {
            let status = status(TranscodeState::Refused, Some(refusal));
            let said = b_frames(Some(&status)).unwrap();
            assert!(said.starts_with(SHOWN) && said.ends_with(TURN_OFF), "{said}");
            said
        };
        assert!(refused(TranscodeRefusal::Off).contains("--transcodes is 0"));
        assert!(refused(TranscodeRefusal::Full(2)).contains("converts 2 pictures at a time"));
        let large = TranscodeRefusal::TooLarge { pixels: 124_416_000, most: 62_208_000 };
        assert!(refused(large).contains("It has 124.4 million pixels a second"));
        assert!(refused(large).contains("up to 62.2 (--transcode-pixels)"));
        assert!(b_frames(None).unwrap().contains("-bf 0"));
    }

    #[test]
    fn of_what_is_converted_nothing_is_said_unless_it_falls_behind() {
        assert_eq!(b_frames(Some(&status(TranscodeState::Starting, None))), None);
        let mut running = status(TranscodeState::Running, None);
        assert_eq!(b_frames(Some(&running)), None);
        running.behind = true;
        assert!(b_frames(Some(&running)).unwrap().starts_with(BEHIND));
    }

    #[test]
    fn of_h265_and_av1_it_is_said_why_they_are_not_converted() {
        let refused = |codec, refusal| {
            let status = status(TranscodeState::Refused, Some(refusal));
            let said = beside(codec, Some(&status)).unwrap();
            assert!(said.ends_with(USE_H264), "{said}");
            said
        };
        for (codec, shown) in [(Codec::H265, H265), (Codec::Av1, AV1)] {
            let off = refused(codec, TranscodeRefusal::Off);
            assert!(off.starts_with(shown) && off.contains("--transcodes is 0"), "{off}");
            let none = refused(codec, TranscodeRefusal::NoFfmpeg);
            assert!(none.contains("when ffmpeg is installed (--ffmpeg)"), "{none}");
            let hangs = refused(codec, TranscodeRefusal::Ffmpeg(OutsideFault::Hangs));
            let again = "ffmpeg takes pictures and gives none out. That is tried again";
            assert!(hangs.contains(again), "{hangs}");
        }
    }

    #[test]
    fn of_what_all_browsers_show_it_is_not_said_that_it_is_not_converted() {
        let status = status(TranscodeState::Refused, Some(TranscodeRefusal::NoFfmpeg));
        for codec in [Codec::Vp8, Codec::Vp9] {
            assert_eq!(beside(codec, Some(&status)), None);
        }
    }

    #[test]
    fn of_what_is_converted_besides_nothing_is_said_unless_it_falls_behind() {
        for codec in [Codec::H265, Codec::Vp8, Codec::Vp9, Codec::Av1] {
            assert_eq!(beside(codec, None), None, "it is not known yet");
            assert_eq!(beside(codec, Some(&status(TranscodeState::Ready, None))), None);
            let mut running = status(TranscodeState::Running, None);
            assert_eq!(beside(codec, Some(&running)), None);
            running.behind = true;
            let said = beside(codec, Some(&running)).unwrap();
            let begins = format!("The picture is {} and is converted for", codec.title());
            assert!(said.starts_with(&begins) && said.ends_with(USE_H264), "{said}");
        }
    }

    #[test]
    fn each_picture_has_the_problems_of_its_codec() {
        let refused = status(TranscodeState::Refused, Some(TranscodeRefusal::Off));
        for (codec, b_frames, begins) in [
            (Codec::H264, false, &[][..]),
            (Codec::H264, true, &[SHOWN]),
            (Codec::H265, false, &[H265]),
            (Codec::H265, true, &[H265, H265_B_FRAMES]),
            (Codec::Vp8, false, &[]),
            (Codec::Vp9, false, &[]),
            (Codec::Av1, false, &[AV1]),
        ] {
            let problems = problems(&video(codec, b_frames), Some(&refused));
            assert_eq!(problems.len(), begins.len(), "{problems:?}");
            assert!(problems.iter().zip(begins).all(|(said, begins)| said.starts_with(begins)));
        }
    }
}
