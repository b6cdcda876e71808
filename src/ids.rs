//! Identifiers: opaque to clients, UUIDv7 inside, 32 upper-case hex digits as text.

use std::{
    cmp::Ordering,
    fmt,
    hash::{Hash, Hasher},
    marker::PhantomData,
    str::FromStr,
};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use uuid::Uuid;

/// The identifier of a `K`, which exists only to tell kinds of ids apart at compile time.
///
/// Text form: 32 upper-case hex digits. Parsing takes any casing, and the dashed UUID form.
pub struct Id<K>(Uuid, PhantomData<fn() -> K>);

/// A text that is not an identifier.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an identifier of 32 hex digits")]
pub struct InvalidId;

impl<K> Id<K> {
    /// A new identifier; later ones sort after earlier ones (UUIDv7, RFC 9562 section 5.7).
    #[must_use]
    #[allow(clippy::new_without_default, reason = "two defaults would differ")]
    pub fn new() -> Self {
        Self(Uuid::now_v7(), PhantomData)
    }

    /// The identifier with these bits.
    #[must_use]
    pub const fn from_u128(bits: u128) -> Self {
        Self(Uuid::from_u128(bits), PhantomData)
    }

    /// The bits, as the media and session crates keep them.
    #[must_use]
    pub const fn as_u128(self) -> u128 {
        self.0.as_u128()
    }

    /// The same bits as the id of another kind of thing. For the few places where two
    /// entities share an identifier on purpose (a live asset and its stream, say).
    #[must_use]
    pub const fn cast<L>(self) -> Id<L> {
        Id(self.0, PhantomData)
    }
}

impl<K> FromStr for Id<K> {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Self, InvalidId> {
        // The parser of `uuid` also takes braces and URNs, which no client of ours sends.
        if !matches!(text.len(), 32 | 36) {
            return Err(InvalidId);
        }
        Uuid::try_parse(text).map(|id| Self(id, PhantomData)).map_err(|_| InvalidId)
    }
}

impl<K> fmt::Display for Id<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.simple().encode_upper(&mut Uuid::encode_buffer()))
    }
}

impl<K> fmt::Debug for Id<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl<K> Clone for Id<K> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<K> Copy for Id<K> {}
impl<K> PartialEq for Id<K> {
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0
    }
}
impl<K> Eq for Id<K> {}
impl<K> PartialOrd for Id<K> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
impl<K> Ord for Id<K> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.cmp(&other.0)
    }
}
impl<K> Hash for Id<K> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.hash(state);
    }
}

impl<K> Serialize for Id<K> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de, K> Deserialize<'de> for Id<K> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(de::Error::custom)
    }
}

/// What an [`Id`] may identify.
pub mod kind {
    macro_rules! kinds {
        ($($(#[$doc:meta])* $kind:ident => $alias:ident;)*) => {
            $($(#[$doc])* #[derive(Debug, Clone, Copy)] pub enum $kind {})*
            pub(super) mod alias { $(
                #[doc = concat!("Identifies a [`", stringify!($kind), "`](super::", stringify!($kind), ").")]
                pub type $alias = super::super::Id<super::$kind>;
            )* }
        };
    }
    kinds! {
        /// A company: the tenant everything else belongs to.
        Company => CompanyId;
        /// A person, or a guest of one room.
        User => UserId;
        /// A production (a `group` in the API).
        Group => GroupId;
        /// A folder of productions.
        ProductionFolder => ProductionFolderId;
        /// A folder of a production (a `project` in the API).
        Project => ProjectId;
        /// A batch of assets.
        Batch => BatchId;
        /// An asset.
        Asset => AssetId;
        /// A file of an asset.
        File => FileId;
        /// A playlist.
        Playlist => PlaylistId;
        /// An asset's place in a playlist.
        PlaylistAsset => PlaylistAssetId;
        /// A review session, which is to say a room.
        Room => RoomId;
        /// A user's place in a room, by which a guest's link finds it.
        RoomUser => RoomUserId;
        /// A live registration: a named source that may publish.
        Registration => RegistrationId;
        /// A recording of a live source that is no asset yet.
        Recording => RecordingId;
        /// An API key.
        ApiKey => ApiKeyId;
        /// A comment on an asset.
        Comment => CommentId;
        /// A background task.
        Task => TaskId;
        /// A team.
        Team => TeamId;
        /// What somebody is called in a team.
        Role => RoleId;
        /// A licence of a company.
        License => LicenseId;
        /// What a production is for.
        Usecase => UsecaseId;
        /// A mail that waits to be sent.
        Mail => MailId;
        /// Whom messages with assets are sent to.
        Destination => DestinationId;
        /// Somebody who is told of the messages of a destination.
        Subscription => SubscriptionId;
        /// A message to a destination.
        Message => MessageId;
        /// Something whose kind does not matter here.
        Any => AnyId;
    }
}

pub use kind::alias::*;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn takes_any_casing_and_dashes_only() {
        let id: UserId = "0189abcdef0123456789abcdef012345".parse().unwrap();
        assert_eq!(id.to_string(), "0189ABCDEF0123456789ABCDEF012345");
        assert_eq!("0189abcd-ef01-2345-6789-ABCDEF012345".parse::<UserId>(), Ok(id));
        for bad in [
            "",
            "0189",
            "{0189abcd-ef01-2345-6789-abcdef012345}",
            "0189abcdef0123456789abcdef01234g",
        ] {
            assert_eq!(bad.parse::<UserId>(), Err(InvalidId), "{bad}");
        }
    }

    #[test]
    fn later_ids_sort_later() {
        let ids: Vec<AssetId> = (0..100).map(|_| AssetId::new()).collect();
        assert!(ids.is_sorted());
    }

    proptest! {
        #[test]
        fn text_and_json_round_trip(bits: u128) {
            let id = RoomId::from_u128(bits);
            prop_assert_eq!(id.to_string().parse::<RoomId>(), Ok(id));
            let json = serde_json::to_string(&id).unwrap();
            prop_assert_eq!(serde_json::from_str::<RoomId>(&json).unwrap(), id);
            prop_assert_eq!(id.as_u128(), bits);
        }
    }
}
