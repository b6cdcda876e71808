//! Identifiers of streams, sessions and meetings.

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::net::SocketAddr;
use std::num::NonZero;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use thiserror::Error;

/// A text that is not 32 hexadecimal digits (dashes aside).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("an identifier is 32 hexadecimal digits")]
pub struct BadId;

fn parse(text: &str) -> Result<u128, BadId> {
    let mut value: u128 = 0;
    let mut digits = 0;
    for c in text.chars().filter(|c| *c != '-') {
        let digit = c.to_digit(16).ok_or(BadId)?;
        digits += 1;
        if digits > 32 {
            return Err(BadId);
        }
        value = value << 4 | u128::from(digit);
    }
    if digits == 32 { Ok(value) } else { Err(BadId) }
}

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(
            /// The 128 bits of the identifier.
            pub u128,
        );

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{:032X}", self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({:032X})"), self.0)
            }
        }

        impl FromStr for $name {
            type Err = BadId;

            fn from_str(text: &str) -> Result<Self, BadId> {
                parse(text).map(Self)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
                s.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
                let text = std::borrow::Cow::<'de, str>::deserialize(d)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }
    };
}

id! {
    /// What a source publishes and viewers watch. Chosen by the caller.
    StreamId
}

id! {
    /// One peer connection, a publisher's or a viewer's. Random, hence fit for
    /// a URL that nobody may guess.
    SessionId
}

id! {
    /// The voice and cameras of one room. Chosen by the caller.
    MeetingId
}

id! {
    /// Somebody in a meeting. Chosen by the caller, the same whenever they come.
    AttendeeId
}

id! {
    /// A recording of a stream. Chosen by the caller.
    RecordingId
}

/// A TCP connection of a client's: no other has its number while it is open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct ConnectionId(pub(crate) NonZero<u32>);

impl SessionId {
    /// A new identifier of 128 random bits.
    #[must_use]
    pub fn random() -> Self {
        Self(rand::random())
    }
}

/// What is looked up for each packet, by what this server chose: nobody can make such keys meet, and
/// the usual hash costs more than the rest of the look-up.
pub(crate) type IdMap<K, V> = HashMap<K, V, foldhash::fast::RandomState>;
/// Likewise.
pub(crate) type IdSet<K> = HashSet<K, foldhash::fast::RandomState>;
/// What is looked up for each packet by an address that a session has proven. There are a few for each
/// session, and where they fall is drawn anew with each start.
pub(crate) type AddressMap<V> = HashMap<SocketAddr, V, foldhash::quality::RandomState>;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_form_is_upper_case_hex() {
        let id = StreamId(0xab);
        assert_eq!(id.to_string(), "000000000000000000000000000000AB");
        assert_eq!(id.to_string().to_lowercase().parse(), Ok(id));
    }

    #[test]
    fn a_dashed_uuid_is_read() {
        let id: StreamId = "01890a5d-ac96-774b-bcce-b302099a8057".parse().unwrap();
        assert_eq!(id.to_string(), "01890A5DAC96774BBCCEB302099A8057");
    }

    #[test]
    fn anything_else_is_refused() {
        for text in
            ["", "12", "zz890a5dac96774bbcceb302099a8057", "01890a5dac96774bbcceb302099a80571"]
        {
            assert_eq!(text.parse::<StreamId>(), Err(BadId), "{text}");
        }
    }
}
