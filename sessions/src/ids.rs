//! The names of rooms, people, assets and connections.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A text that is not an id: 32 hexadecimal digits, dashes allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not an id of 32 hexadecimal digits")]
pub struct ParseIdError;

fn parse(text: &str) -> Result<u128, ParseIdError> {
    let mut value = 0u128;
    let mut digits = 0;
    for c in text.chars().filter(|c| *c != '-') {
        let digit = c.to_digit(16).ok_or(ParseIdError)?;
        digits += 1;
        if digits > 32 {
            return Err(ParseIdError);
        }
        value = (value << 4) | u128::from(digit);
    }
    if digits == 32 { Ok(value) } else { Err(ParseIdError) }
}

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        ///
        /// Written as 32 upper-case hexadecimal digits; read in any casing, with dashes or without.
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub u128);

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
            type Err = ParseIdError;
            fn from_str(text: &str) -> Result<Self, ParseIdError> {
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

id!(
    /// A room, which is a review session.
    RoomId
);
id!(
    /// A person: a user of the server, or a guest of one room.
    UserId
);
id!(
    /// What a room shows: a clip or a live source.
    AssetId
);

/// One connection of a person to the server. A person may have several, in several windows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConnectionId(pub u64);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_read_in_any_casing_and_written_in_one() {
        let id: RoomId = "0190f5a0-0000-7000-8000-00000000abcd".parse().unwrap();
        assert_eq!(id.to_string(), "0190F5A0000070008000".to_owned() + "00000000ABCD");
        assert_eq!(id.to_string().parse::<RoomId>(), Ok(id));
        let json = serde_json::to_string(&id).unwrap();
        assert_eq!(serde_json::from_str::<RoomId>(&json).unwrap(), id);
    }

    #[test]
    fn what_is_not_an_id_is_refused() {
        for text in
            ["", "12", "0190F5A000007000800000000000ABCDE", "0190F5A000007000800000000000ABCG"]
        {
            assert_eq!(text.parse::<RoomId>(), Err(ParseIdError), "{text}");
        }
    }
}
