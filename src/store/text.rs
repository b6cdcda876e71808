//! Enumerations kept as their contract text.

use serde::{Deserialize, Serialize};

macro_rules! text_enum {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, sqlx::Type)]
        #[serde(rename_all = "SCREAMING_SNAKE_CASE")]
        #[sqlx(type_name = "TEXT", rename_all = "SCREAMING_SNAKE_CASE")]
        pub enum $name { $($(#[$vdoc])* $variant),+ }
    };
}

text_enum! {
    /// Whether a person may sign in.
    AccountStatus {
        /// Invited, and not signed in yet.
        Invited,
        /// In use.
        Active,
        /// Gone; kept for what it made.
        Deleted,
    }
}

text_enum! {
    /// What a token proves.
    TokenKind {
        /// A signed-in person.
        User,
        /// A guest of one room.
        Guest,
        /// Good for signing in once.
        OneTime,
        /// A signed-in device.
        Device,
    }
}

text_enum! {
    /// Where a production is in its life.
    GroupStatus {
        /// In use.
        Active,
        /// Waiting to be set up.
        Pending,
        /// Deleted; nobody sees it.
        Deleted,
    }
}

text_enum! {
    /// Where a folder is in its life.
    ProjectStatus {
        /// In use.
        Active,
        /// Deleted; nobody sees it.
        Deleted,
        /// Out of use, and still there to read.
        Archived,
    }
}

text_enum! {
    /// Where a batch is in its life.
    BatchStatus {
        /// In use.
        Active,
        /// Deleted; nobody sees it.
        Deleted,
    }
}

text_enum! {
    /// How a live source publishes.
    SourceKind {
        /// Over WebRTC, by WHIP.
        Whip,
        /// A screen, over WHIP too: a browser's, or that of an app.
        Desktop,
        /// Over SRT, an MPEG transport stream.
        Srt,
        /// Over plain RTP, known by its address.
        Raw,
        /// A project of QTAKE, under which its devices publish over WHIP; itself it publishes nothing.
        Qtake,
        /// The channel of an Elemental Link device, over SRT.
        Elementallink,
        /// Nothing publishes it: the server puts it together of other sources.
        Composite,
    }
}

text_enum! {
    /// Where an asset is in its life.
    AssetStatus {
        /// In use.
        Active,
        /// Its files are being made.
        Transcoding,
        /// It is being taken in.
        Processing,
        /// Deleted; nobody sees it.
        Deleted,
    }
}

text_enum! {
    /// What kind of thing an asset is.
    AssetType {
        /// Moving picture.
        Video,
        /// Still picture.
        Image,
        /// Sound alone.
        Audio,
        /// A document.
        Pdf,
        /// None of the others.
        Unknown,
        /// The leading angle of several.
        MultiPrimary,
        /// A further angle of several.
        MultiSecondary,
        /// The camera's own file.
        Original,
    }
}

text_enum! {
    /// What an asset is more precisely.
    AssetSubtype {
        /// A live source.
        Streaming,
        /// A recording of a live source.
        Live,
        /// Made on set, moments ago.
        Immediate,
        /// A camera.
        CameraTypeId,
        /// A slate.
        SlateTypeId,
        /// A capture.
        CaptureTypeId,
        /// Metadata of a camera.
        CameraMetadataTypeId,
        /// A scene.
        ProductionSceneTypeId,
        /// A camera unit.
        CameraUnitTypeId,
        /// A shot.
        ShotTypeId,
        /// A sequence.
        SequenceTypeId,
    }
}

text_enum! {
    /// Where a file of an asset is in its life.
    FileStatus {
        /// Complete.
        Active,
        /// Deleted.
        Deleted,
        /// Being written.
        Processing,
    }
}

text_enum! {
    /// Whose a playlist is.
    PlaylistType {
        /// A person's.
        User,
        /// A room's own.
        ReviewSession,
    }
}

text_enum! {
    /// How a playlist of a folder came to its assets.
    PlaylistSource {
        /// As they were at one moment.
        Snapshot,
        /// As they are in the folder.
        Folder,
    }
}

text_enum! {
    /// Where the thumbnail of a playlist comes from.
    ThumbnailType {
        /// There is none.
        None,
        /// Made by the server.
        Generated,
        /// Uploaded.
        Uploaded,
        /// That of one of the assets.
        SelectedAsset,
    }
}

text_enum! {
    /// How far a room has come.
    RoomStatus {
        /// Being prepared.
        Draft,
        /// Planned.
        Scheduled,
        /// Running.
        Started,
        /// Over.
        Complete,
    }
}

text_enum! {
    /// Where comments made in a room are seen.
    CommentScope {
        /// With the asset.
        Asset,
        /// In the room.
        ReviewSession,
        /// With a playlink.
        Playlink,
    }
}

text_enum! {
    /// What a licence licenses.
    LicenseType {
        /// As agreed in a contract.
        Contracted,
        /// The whole company.
        Enterprise,
        /// So many people, by name.
        NamedUser,
        /// So many people at once.
        TokenUser,
        /// Rooms only.
        RoomsOnly,
        /// A trial.
        Trial,
        /// A partner.
        Partner,
        /// The owner of the server.
        Internal,
    }
}

impl LicenseType {
    /// Its name in the contract.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Contracted => "CONTRACTED",
            Self::Enterprise => "ENTERPRISE",
            Self::NamedUser => "NAMED_USER",
            Self::TokenUser => "TOKEN_USER",
            Self::RoomsOnly => "ROOMS_ONLY",
            Self::Trial => "TRIAL",
            Self::Partner => "PARTNER",
            Self::Internal => "INTERNAL",
        }
    }
}

text_enum! {
    /// What a device that signs in with a code wants to do.
    DeviceScope {
        /// All that its person may do.
        Default,
        /// Stream live.
        Live,
        /// Deliver immediates.
        Immediates,
    }
}

text_enum! {
    /// What people agree to.
    ConsentType {
        /// What becomes of what the server knows of them.
        PrivacyPolicy,
        /// On what terms they use it.
        TermsOfService,
    }
}

text_enum! {
    /// What a list of people is sorted by.
    UserSort {
        /// Their name.
        Name,
        /// When they were created.
        Date,
    }
}

text_enum! {
    /// Which way round a list is sorted.
    SortDirection {
        /// The least first.
        Asc,
        /// The greatest first.
        Desc,
    }
}

text_enum! {
    /// What a list of teams and people is sorted by.
    TeamSort {
        /// Their name.
        Name,
    }
}

text_enum! {
    /// How far a background task has come.
    TaskStatus {
        /// It goes on.
        Running,
        /// It has done what it was for.
        Done,
        /// It has not, and is over.
        Failed,
    }
}

text_enum! {
    /// Where a field of metadata is in its life.
    MetadataStatus {
        /// Not in use yet.
        New,
        /// In use.
        Active,
        /// Deleted; nobody sees it.
        Deleted,
        /// Out of use.
        Disabled,
    }
}

impl MetadataStatus {
    /// Its name in the contract.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::New => "NEW",
            Self::Active => "ACTIVE",
            Self::Deleted => "DELETED",
            Self::Disabled => "DISABLED",
        }
    }
}

text_enum! {
    /// What shows the messages of a destination.
    DestinationKind {
        /// QTAKE, the video assist.
        Qtake,
    }
}

text_enum! {
    /// How far a message to a destination has come.
    MessageStatus {
        /// Nobody has taken it yet.
        Pending,
        /// A device has it.
        Delivered,
        /// Its person has it, with its assets.
        Received,
        /// It, or one of its assets, could not be had.
        Error,
    }
}

text_enum! {
    /// Which end of a list of messages comes first.
    MessageSort {
        /// The newest.
        Newest,
        /// The oldest.
        Oldest,
    }
}

text_enum! {
    /// What something on a home page shows.
    WidgetType {
        /// Playlists that others share.
        SharedPlaylists,
        /// Productions.
        Productions,
    }
}

text_enum! {
    /// What the details of something on a home page are sorted by.
    DetailSort {
        /// The unread first.
        Unread,
        /// Their date.
        Date,
        /// Their id.
        MessageId,
        /// Their name.
        Name,
    }
}
