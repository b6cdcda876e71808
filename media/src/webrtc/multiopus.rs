//! `multiopus`, as Chromium has it in SDP: how six channels lie in the streams of an Opus packet.
//!
//! No standard describes it. What it says is what a decoder of several streams is set up with (RFC 7845,
//! 5.1.1): how many there are, how many of them are stereo, and for each channel of its output
//! where that is among theirs.

/// Channels of the only layout there is: 5.1.
const CHANNELS: &str = "6";
const STREAMS: &str = "4";
const COUPLED: &str = "2";

/// In which order a decoder gives the channels out. The packets are the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ChannelOrder {
    /// Left, centre, right, both behind, low frequencies (RFC 7845, 5.1.1.2).
    Vorbis,
    /// Left, right, centre, low frequencies, both behind: as browsers and WAVE files have them.
    Wave,
}

impl ChannelOrder {
    const ALL: [Self; 2] = [Self::Vorbis, Self::Wave];

    fn mapping(self) -> &'static str {
        match self {
            Self::Vorbis => "0,4,1,2,3,5",
            Self::Wave => "0,1,4,5,2,3",
        }
    }

    /// The order that an offer asks for, by the channels of its `a=rtpmap` and by its `a=fmtp`; none
    /// where it is of another layout.
    pub(super) fn of(channels: Option<&str>, format: &str) -> Option<Self> {
        let value = |name: &str| {
            let mut pairs = format.split(';').filter_map(|pair| pair.trim().split_once('='));
            pairs.find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim())
        };
        let fits = channels == Some(CHANNELS)
            && value("num_streams") == Some(STREAMS)
            && value("coupled_streams") == Some(COUPLED);
        let mapping = value("channel_mapping").filter(|_| fits)?;
        Self::ALL.into_iter().find(|order| order.mapping() == mapping)
    }

    /// What the answer says of it in `a=fmtp`.
    pub(super) fn format(self) -> String {
        let mapping = self.mapping();
        format!("channel_mapping={mapping};coupled_streams={COUPLED};num_streams={STREAMS}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ChannelOrder::{Vorbis, Wave};

    #[test]
    fn five_and_one_channels_are_taken_in_both_orders_however_that_is_written() {
        let of = |format: &str| ChannelOrder::of(Some("6"), format);
        let chromium = "channel_mapping=0,4,1,2,3,5;coupled_streams=2;minptime=10;\
            num_streams=4;useinbandfec=1";
        assert_eq!(of(chromium), Some(Vorbis));
        let turned = "num_streams=4; coupled_streams=2; channel_mapping=0,1,4,5,2,3";
        assert_eq!(of(turned), Some(Wave));
        for order in ChannelOrder::ALL {
            assert_eq!(of(&order.format()), Some(order));
        }
    }

    #[test]
    fn other_layouts_are_not() {
        let good = Wave.format();
        assert_eq!(ChannelOrder::of(Some("6"), &good), Some(Wave));
        for channels in [None, Some("2"), Some("8"), Some("")] {
            assert_eq!(ChannelOrder::of(channels, &good), None);
        }
        for (from, to) in [
            ("0,1,4,5,2,3", "0,1,2,3,4,5"),
            ("0,1,4,5,2,3", "0,1,4,5,2"),
            ("num_streams=4", "num_streams=5"),
            ("num_streams=4", "num_streams="),
            ("coupled_streams=2", "coupled_streams=1"),
            ("channel_mapping=", "mapping="),
        ] {
            assert_eq!(ChannelOrder::of(Some("6"), &good.replace(from, to)), None, "{to}");
        }
        assert_eq!(ChannelOrder::of(Some("6"), ""), None);
    }
}
