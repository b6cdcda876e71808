//! RTCP between the server and its clients: reports and requests that go out, and what comes
//! in (RFC 3550, RFC 4585, RFC 5104).

mod feedback;
mod report;
mod request;
mod wall;

pub(crate) use feedback::goodbyes;
pub use feedback::{Feedback, ReceptionReport, parse};
pub(crate) use report::{SenderReport, write_bye, write_sender_reports};
pub(crate) use request::{
    Gap, write_fir, write_nack, write_pli, write_receiver_report, write_transport_feedback,
};
pub(crate) use wall::WallClock;

/// Packet types (RFC 3550, 12.1; RFC 4585, 6.1).
const SENDER_REPORT: u8 = 200;
const RECEIVER_REPORT: u8 = 201;
const SOURCE_DESCRIPTION: u8 = 202;
const GOODBYE: u8 = 203;
const TRANSPORT_FEEDBACK: u8 = 205;
const PAYLOAD_FEEDBACK: u8 = 206;

/// Whether a packet on a port shared with RTP is RTCP (RFC 5761, 4).
pub(crate) fn is_rtcp(data: &[u8]) -> bool {
    data.len() >= 8 && data[0] >> 6 == 2 && (192..=223).contains(&data[1])
}
