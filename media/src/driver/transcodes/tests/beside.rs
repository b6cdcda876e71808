//! VP8, VP9 and AV1, which are converted for those alone who do not take them.

use super::*;
use crate::Absent;
use crate::coded::tests::clips::{AV1, Clip, VP8, VP9};
use crate::error::OfferError;
use crate::transcode::OutsideFault;

/// Offers of viewers who take H.264 alone, and VP8 alone.
const H264_ALONE: &str = include_str!("../../../../tests/sdp/gst-whep-whep-offer.sdp");
const VP8_ALONE: &str = include_str!("../../../../tests/sdp/firefox-VP8-whep-offer.sdp");

fn ffmpeg(program: &str) -> Option<Ffmpeg> {
    Some(Ffmpeg::at(program.into()))
}

fn shoot(media: &Media, stream: StreamId, clip: Clip) -> JoinHandle<()> {
    let mut numbers = 0u64..;
    publish(media, stream, clip.coding.codec(), move || {
        let number = numbers.next().unwrap();
        clip.shoot(number, Instant::now())
    })
}

/// What a viewer with this offer is answered.
async fn view(media: &Media, stream: StreamId, offer: &str) -> Result<(), OfferError> {
    media.view(stream, offer.to_owned(), Absent::Refuse).await.map(drop)
}

fn is_ready(status: Option<&TranscodeStatus>) -> bool {
    status.is_some_and(|status| status.state == TranscodeState::Ready)
}

fn is_refused(status: Option<&TranscodeStatus>, refusal: TranscodeRefusal) -> bool {
    status.is_some_and(|status| status.refusal == Some(refusal))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_not_h264_is_converted_as_soon_as_somebody_needs_it() {
    for clip in [VP8, VP9, AV1] {
        let (media, codec) = (start_with(1, ffmpeg("ffmpeg")), clip.coding.codec());
        let a = shoot(&media, A, clip);
        wait_for(&media, A, is_ready).await;
        if clip.coding.codec() == Codec::Vp8 {
            // Who takes it is sent it.
            view(&media, A, VP8_ALONE).await.unwrap();
        }
        view(&media, A, H264_ALONE).await.unwrap();
        wait_for(&media, A, |status| runs(status) && status.unwrap().viewers == Some(1)).await;
        let status = media.status(A).await.transcode.unwrap();
        assert_eq!(status.cause, TranscodeCause::Codec(codec));
        assert_eq!((status.frames_missed, status.frames_lost), (0, 0), "{status:?}");
        let group = media.ask(|reply| Command::KeyFrame(A, reply)).await.unwrap();
        assert!(group.iter().all(|packet| packet.codec == codec), "beside, and not instead");
        a.abort();
        media.shutdown().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn they_share_the_budget_with_others_and_who_cannot_be_served_hears_why() {
    let media = start_with(1, ffmpeg("ffmpeg"));
    let a = shoot(&media, A, VP8);
    wait_for(&media, A, is_ready).await;
    view(&media, A, H264_ALONE).await.unwrap();
    wait_for(&media, A, runs).await;
    let b = shoot(&media, B, AV1);
    wait_for(&media, B, |status| is_refused(status, TranscodeRefusal::Full(1))).await;
    let refused = view(&media, B, H264_ALONE).await.unwrap_err().to_string();
    let says = "the stream's video is AV1, which the offer does not take, and it is not converted: \
        this server converts 1 picture at a time";
    assert_eq!(refused, says);

    a.abort();
    assert!(media.close_publisher(A).await);
    wait_for(&media, B, is_ready).await;
    view(&media, B, H264_ALONE).await.unwrap();
    wait_for(&media, B, runs).await;
    b.abort();
    media.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_they_are_not_converted_who_takes_them_is_served_and_others_hear_why() {
    let ended = TranscodeRefusal::Ffmpeg(OutsideFault::Ended);
    for (most, program, refusal) in [
        (0, ffmpeg("ffmpeg"), TranscodeRefusal::Off),
        (1, None, TranscodeRefusal::NoFfmpeg),
        (1, ffmpeg("/bin/true"), ended),
    ] {
        let media = start_with(most, program);
        let a = shoot(&media, A, VP8);
        if refusal == ended {
            // That is found out when somebody needs it.
            wait_for(&media, A, is_ready).await;
            view(&media, A, H264_ALONE).await.unwrap();
        }
        wait_for(&media, A, |status| is_refused(status, refusal)).await;
        let refused = view(&media, A, H264_ALONE).await.unwrap_err();
        let OfferError::NoCodec(told) = refused else { panic!("{refused}") };
        assert!(told.ends_with(&format!("and it is not converted: {refusal}")), "{told}");
        view(&media, A, VP8_ALONE).await.unwrap();
        a.abort();
        media.shutdown().await;
    }
}
