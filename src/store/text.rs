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
