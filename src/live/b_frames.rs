//! What is said of a picture with B-frames.

use rushes_media::{TranscodeRefusal, TranscodeState, TranscodeStatus};

const SHOWN: &str = "The picture has B-frames, which browsers show out of order or not at all.";
const TURN_OFF: &str = "Turn them off: OBS: Settings, Output, Advanced, \"B-frames\" 0 or tune \
    zerolatency; ffmpeg: -bf 0; hardware encoders: B-frames 0, or the profile Baseline.";
const BEHIND: &str = "The picture has B-frames and is converted for browsers, but this machine \
    does not do so as fast as it comes: parts of it are left out, each up to the next key frame.";

/// What is wrong, in words for those who set the encoder up; nothing where the picture is
/// converted.
pub(crate) fn problem(transcode: Option<&TranscodeStatus>) -> Option<String> {
    let Some(transcode) = transcode else { return Some(format!("{SHOWN} {TURN_OFF}")) };
    match transcode.state {
        TranscodeState::Running if transcode.behind => Some(format!("{BEHIND} {TURN_OFF}")),
        TranscodeState::Starting | TranscodeState::Running => None,
        TranscodeState::Refused => {
            let why = transcode.refusal.map(why).unwrap_or_default();
            Some(format!("{SHOWN} {why} {TURN_OFF}"))
        }
    }
}

fn why(refusal: TranscodeRefusal) -> String {
    match refusal {
        TranscodeRefusal::Off => "This server does not convert it (--transcodes is 0).".to_owned(),
        TranscodeRefusal::Full(most) => format!(
            "This server converts {most} pictures at a time (--transcodes), and this is none of them."
        ),
        TranscodeRefusal::TooLarge { pixels, most } => format!(
            "It has {} million pixels a second, and this server converts up to {} \
             (--transcode-pixels): send a smaller picture or fewer frames, or no B-frames.",
            millions(pixels),
            millions(most)
        ),
        TranscodeRefusal::Size(size) => {
            format!("Of {} x {} pixels it is too large to be converted.", size.width, size.height)
        }
        TranscodeRefusal::Codec(codec) => {
            format!("It is {}, and nothing but H.264 is converted.", codec.name())
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
    use super::*;

    fn status(state: TranscodeState, refusal: Option<TranscodeRefusal>) -> TranscodeStatus {
        TranscodeStatus {
            state,
            frames: 0,
            frames_missed: 0,
            frames_lost: 0,
            bitrate: 0,
            busy: 0.0,
            behind: false,
            refusal,
        }
    }

    #[test]
    fn what_is_not_converted_is_said_with_the_reason_and_what_to_do() {
        let refused = |refusal| {
            let status = status(TranscodeState::Refused, Some(refusal));
            let said = problem(Some(&status)).unwrap();
            assert!(said.starts_with(SHOWN) && said.ends_with(TURN_OFF), "{said}");
            said
        };
        assert!(refused(TranscodeRefusal::Off).contains("--transcodes is 0"));
        assert!(refused(TranscodeRefusal::Full(2)).contains("converts 2 pictures at a time"));
        let large = TranscodeRefusal::TooLarge { pixels: 124_416_000, most: 62_208_000 };
        assert!(refused(large).contains("It has 124.4 million pixels a second"));
        assert!(refused(large).contains("up to 62.2 (--transcode-pixels)"));
        assert!(problem(None).unwrap().contains("-bf 0"));
    }

    #[test]
    fn of_what_is_converted_nothing_is_said_unless_it_falls_behind() {
        assert_eq!(problem(Some(&status(TranscodeState::Starting, None))), None);
        let mut running = status(TranscodeState::Running, None);
        assert_eq!(problem(Some(&running)), None);
        running.behind = true;
        assert!(problem(Some(&running)).unwrap().starts_with(BEHIND));
    }
}
