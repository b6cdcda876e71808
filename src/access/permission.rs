//! The things that a security group may allow.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

macro_rules! permissions {
    ($($(#[$doc:meta])* $variant:ident = $name:literal,)+) => {
        /// One thing that a member of a folder may be allowed to do.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(u8)]
        pub enum Permission { $($(#[$doc])* $variant),+ }

        impl Permission {
            /// All of them, in a fixed order.
            pub const ALL: &[Self] = &[$(Self::$variant),+];

            /// Its name in the contract and in the database.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name),+ }
            }

            /// The permission with this name in the contract.
            #[must_use]
            pub fn from_name(name: &str) -> Option<Self> {
                match name {
                    $($name => Some(Self::$variant),)+
                    _ => None,
                }
            }
        }
    };
}

permissions! {
    /// See the assets of a folder.
    View = "can_view",
    /// Read and write comments.
    Comment = "can_comment",
    /// Upload assets.
    Upload = "can_upload",
    /// Download assets.
    Download = "can_download",
    /// Download assets without a watermark.
    DownloadNonwatermarked = "can_download_nonwatermarked",
    /// Delete assets.
    DeleteAssets = "can_delete_assets",
    /// Change assets.
    UpdateAssets = "can_update_assets",
    /// Remove people from the folder.
    DeleteUsers = "can_delete_users",
    /// Invite people to the folder.
    InviteUsers = "can_invite_users",
    /// See who is in the folder.
    ViewParticipants = "can_view_participants",
    /// Change what others may do in the folder.
    UpdateParticipants = "can_update_participants",
    /// Send links to assets.
    CreatePlaylinks = "can_create_playlinks",
    /// Put the assets into playlists.
    CreatePlaylists = "can_create_playlists",
    /// Send links to people from outside.
    InvitePlaylinkUsers = "can_invite_playlink_users",
    /// Give jobs to others.
    AssignJobToOthers = "can_assign_job_to_others",
    /// Search for assets.
    AssetSearch = "can_asset_search",
    /// Stream live into the folder.
    CreateLiveStream = "can_create_live_stream",
    /// Cut a part out of an asset.
    CreateSubclip = "can_create_subclip",
    /// Create folders in the folder.
    CreateSubproject = "can_create_subproject",
    /// Set up workflows.
    CreateWorkflow = "can_create_workflow",
    /// Delete the folder.
    DeleteProject = "can_delete_project",
    /// Keep assets for use without a network.
    Offline = "can_offline",
    /// Send assets to QTAKE.
    SendToQtake = "can_send_to_qtake",
    /// Show the assets in a room.
    ShareInReviewSession = "can_share_assets_in_review_session",
    /// Keep a frame as a picture.
    TakeScreenshot = "can_take_screenshot",
    /// Turn content protection on and off.
    ToggleDrm = "can_toggle_drm",
    /// Turn the second factor on and off.
    ToggleMfa = "can_toggle_mfa",
    /// Hide and show batches.
    UpdateBatchVisibility = "can_update_batch_visibility",
    /// Create and change batches.
    UpdateBatches = "can_update_batches",
    /// Change the watermark.
    UpdateWatermark = "can_update_watermark",
    /// See what happened in the folder.
    ViewActivity = "can_view_activity",
    /// See batches that are hidden.
    ViewHiddenBatches = "can_view_hidden_batches",
    /// Make a playlist that follows the folder.
    AddDynamicFolderPlaylist = "can_add_dynamic_folder_playlist",
}

/// A set of permissions. JSON: the list of their names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PermissionSet(u64);

impl PermissionSet {
    /// Whether the set has this permission.
    #[must_use]
    pub const fn contains(self, permission: Permission) -> bool {
        self.0 & (1 << permission as u8) != 0
    }

    /// The set, with this permission.
    #[must_use]
    pub const fn with(self, permission: Permission) -> Self {
        Self(self.0 | 1 << permission as u8)
    }

    /// What is in either set.
    #[must_use]
    pub const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// The permissions in the set, in their fixed order.
    pub fn iter(self) -> impl Iterator<Item = Permission> {
        Permission::ALL.iter().copied().filter(move |permission| self.contains(*permission))
    }
}

impl FromIterator<Permission> for PermissionSet {
    fn from_iter<I: IntoIterator<Item = Permission>>(permissions: I) -> Self {
        permissions.into_iter().fold(Self::default(), Self::with)
    }
}

impl Serialize for PermissionSet {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.iter().map(Permission::name))
    }
}

impl<'de> Deserialize<'de> for PermissionSet {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_seq(Names)
    }
}

/// Reads the list of names without keeping them: lists of folders have a set in each row.
struct Names;

impl<'de> de::Visitor<'de> for Names {
    type Value = PermissionSet;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of permissions")
    }

    fn visit_seq<A: de::SeqAccess<'de>>(self, mut names: A) -> Result<PermissionSet, A::Error> {
        let mut set = PermissionSet::default();
        while let Some(Named(permission)) = names.next_element()? {
            set = set.with(permission);
        }
        Ok(set)
    }
}

/// A permission by its name.
struct Named(Permission);

impl<'de> Deserialize<'de> for Named {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(Name)
    }
}

struct Name;

impl de::Visitor<'_> for Name {
    type Value = Named;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the name of a permission")
    }

    fn visit_str<E: de::Error>(self, name: &str) -> Result<Named, E> {
        let found = Permission::from_name(name).map(Named);
        found.ok_or_else(|| E::custom(format_args!("no permission is named {name}")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_set_has_what_it_was_made_of(picked in proptest::collection::vec(0..Permission::ALL.len(), 0..40)) {
            let set: PermissionSet = picked.iter().map(|&i| Permission::ALL[i]).collect();
            for (i, permission) in Permission::ALL.iter().enumerate() {
                prop_assert_eq!(set.contains(*permission), picked.contains(&i));
            }
            let json = serde_json::to_string(&set).unwrap();
            prop_assert_eq!(serde_json::from_str::<PermissionSet>(&json).unwrap(), set);
        }
    }

    #[test]
    fn the_set_is_wide_enough_for_all() {
        assert!(Permission::ALL.len() <= 64);
        assert_eq!(
            Permission::ALL.iter().copied().collect::<PermissionSet>().iter().count(),
            Permission::ALL.len()
        );
    }

    #[test]
    fn an_unknown_name_is_refused() {
        assert!(serde_json::from_str::<PermissionSet>(r#"["can_fly"]"#).is_err());
    }
}
