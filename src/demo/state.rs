//! What the demo has made so far, kept in `demo.json` in the data folder.
//!
//! It is written after every step: a second start, or one after a start that was cut short, goes
//! on from there.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::api::Api;
use super::seed::{self, LiveSource, Room, SeedError, Tree};
use crate::bootstrap::write_whole;
use crate::store::{Store, users};

const FILE: &str = "demo.json";

/// What there is, step by step.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct State {
    tree: Option<Tree>,
    pattern: Option<LiveSource>,
    obs: Option<LiveSource>,
    room: Option<Room>,
    #[serde(skip)]
    data: PathBuf,
}

impl State {
    /// What an earlier start left in `data`; nothing when there was none, or when its database
    /// is gone.
    pub(super) async fn load(store: &Store, data: &Path) -> Result<Self, SeedError> {
        let file = data.join(FILE);
        let found: Self = match fs::read(&file) {
            Ok(text) => serde_json::from_slice(&text)
                .map_err(|error| SeedError::State { file, cause: error.into() })?,
            Err(cause) if cause.kind() == io::ErrorKind::NotFound => Self::default(),
            Err(cause) => return Err(SeedError::State { file, cause }),
        };
        let mut tx = store.read().await?;
        let known = match &found.tree {
            Some(tree) => users::get(&mut tx, tree.host).await?.is_some(),
            None => false,
        };
        let state = if known { found } else { Self::default() };
        Ok(Self { data: data.to_owned(), ..state })
    }

    /// The production.
    pub(super) async fn tree(&mut self, store: &Store) -> Result<Tree, SeedError> {
        if let Some(tree) = &self.tree {
            return Ok(tree.clone());
        }
        let made = seed::tree(store, &self.data).await?;
        self.tree = Some(made.clone());
        self.save()?;
        Ok(made)
    }

    /// The source that the demo publishes itself.
    pub(super) async fn pattern(
        &mut self,
        api: &Api,
        tree: &Tree,
    ) -> Result<LiveSource, SeedError> {
        if let Some(pattern) = &self.pattern {
            return Ok(pattern.clone());
        }
        let description = "Published by the demo itself";
        let made = seed::live_source(api, tree, "Test pattern", description).await?;
        self.pattern = Some(made.clone());
        self.save()?;
        Ok(made)
    }

    /// The source for whoever has OBS.
    pub(super) async fn obs(&mut self, api: &Api, tree: &Tree) -> Result<LiveSource, SeedError> {
        if let Some(obs) = &self.obs {
            return Ok(obs.clone());
        }
        let made = seed::live_source(api, tree, "OBS", "A camera by OBS").await?;
        self.obs = Some(made.clone());
        self.save()?;
        Ok(made)
    }

    /// The room, with its guest's link.
    pub(super) async fn room(
        &mut self,
        store: &Store,
        api: &Api,
        tree: &Tree,
    ) -> Result<Room, SeedError> {
        if let Some(room) = &self.room {
            return Ok(room.clone());
        }
        let id = seed::room(api, tree).await?;
        let made = Room { id, guest: seed::guest_link(store, id).await? };
        self.room = Some(made.clone());
        self.save()?;
        Ok(made)
    }

    /// Writes what there is, for its owner's eyes only: it holds the sources' bearers.
    fn save(&self) -> Result<(), SeedError> {
        let file = self.data.join(FILE);
        let text = serde_json::to_string_pretty(self)
            .map_err(|error| SeedError::State { file: file.clone(), cause: error.into() })?;
        Ok(write_whole(&file, &text)?)
    }
}
