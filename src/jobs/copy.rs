//! Copying folders, with all below them: their people, their teams, their assets.

use std::{collections::HashMap, io::ErrorKind, path::Path};

use serde_json::{Value, json};

use super::Task;
use crate::{
    error::ApiResult,
    ids::{BatchId, GroupId, ProjectId, TaskId, TeamId, UserId},
    provision,
    store::{
        self, Db, Store, StoreError,
        copies::{self, Copyable, NewFolder, Settings},
        members::MemberRow,
        security::default::ADMINISTRATOR,
        teams,
        text::ProjectStatus,
    },
    time::Millis,
};

/// So many folders and assets go into one transaction of a task.
const STEPS: usize = 100;

/// What is copied along.
#[derive(Debug, Clone, Default)]
pub struct Along {
    /// Batches and assets.
    pub assets: bool,
    /// The members of folders, and what they have by the folders above.
    pub people: bool,
    /// The teams of folders, likewise.
    pub teams: bool,
    /// What the copies have instead of the settings of what they are copies of.
    pub settings: Option<Settings>,
}

/// One copy to be made, in the order in which it is.
#[derive(Debug, Clone)]
enum Step {
    Folder(NewFolder, ProjectStatus),
    Asset(Copyable),
}

/// A copy under way.
#[derive(Debug)]
pub struct Copy {
    owner: UserId,
    group: GroupId,
    along: Along,
    steps: Vec<Step>,
    folders: HashMap<ProjectId, ProjectId>,
    batches: HashMap<BatchId, BatchId>,
    teams: HashMap<TeamId, TeamId>,
    tops: Vec<ProjectId>,
    made: Vec<(ProjectId, ProjectStatus)>,
    task: Option<TaskId>,
    /// The files that it has written.
    written: Vec<String>,
}

impl Copy {
    /// A copy into a production, which will be somebody's.
    #[must_use]
    pub fn new(group: GroupId, owner: UserId, along: Along) -> Self {
        Self {
            owner,
            group,
            along,
            steps: Vec::new(),
            folders: HashMap::new(),
            batches: HashMap::new(),
            teams: HashMap::new(),
            tops: Vec::new(),
            made: Vec::new(),
            task: None,
            written: Vec::new(),
        }
    }

    /// Teams that others take the place of.
    pub fn replace_teams(&mut self, pairs: Vec<(TeamId, TeamId)>) {
        self.teams = pairs.into_iter().collect();
    }

    /// Takes a folder and all below it into the copy.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn add(
        &mut self,
        db: &mut Db,
        root: ProjectId,
        parent: Option<ProjectId>,
    ) -> Result<ProjectId, StoreError> {
        let rows = copies::subtree(db, root).await?;
        let top = ProjectId::new();
        for row in rows {
            let id = if row.id == root { top } else { ProjectId::new() };
            let parent = match row.id == root {
                true => parent,
                false => row.parent_project_id.and_then(|id| self.folders.get(&id).copied()),
            };
            self.folders.insert(row.id, id);
            let new = NewFolder {
                id,
                source: row.id,
                group: self.group,
                parent,
                owner: self.owner,
                task: None,
            };
            self.steps.push(Step::Folder(new, row.status));
            if self.along.assets {
                let assets = copies::assets(db, row.id).await?;
                self.steps.extend(assets.into_iter().map(Step::Asset));
            }
        }
        self.tops.push(top);
        Ok(top)
    }

    /// How many folders and assets it is.
    #[must_use]
    pub fn len(&self) -> usize {
        self.steps.len()
    }

    /// Whether it is nothing at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }

    /// Makes all of the copy in the transaction that `db` is in.
    ///
    /// # Errors
    /// When the database fails, or a file cannot be copied.
    pub async fn all(&mut self, db: &mut Db, data: &Path, now: Millis) -> ApiResult<()> {
        for step in std::mem::take(&mut self.steps) {
            if let Err(error) = self.step(db, data, step, now).await {
                remove(data, &self.written).await;
                return Err(error);
            }
        }
        self.reveal(db, now).await
    }

    /// Makes the copy as a task, in transactions of its own; nobody sees it before it is whole, and
    /// of one that fails nothing is left.
    ///
    /// # Errors
    /// When the database fails, or a file cannot be copied.
    pub async fn run(mut self, task: Task) -> ApiResult<Value> {
        let made = self.make(&task).await;
        if made.is_err() {
            let (app, id) = (task.app(), task.id());
            if let Err(error) = discard(&app.store, &app.config.data, Some(id)).await {
                tracing::error!(task = %id, %error, "a failed copy stays until the next start");
            }
            remove(&app.config.data, &self.written).await;
        }
        made
    }

    async fn make(&mut self, task: &Task) -> ApiResult<Value> {
        self.task = Some(task.id());
        let steps = std::mem::take(&mut self.steps);
        let all = steps.len();
        let app = task.app().clone();
        let mut done = 0;
        for chunk in steps.chunks(STEPS) {
            let mut tx = app.store.write().await?;
            for step in chunk {
                self.step(&mut tx, &app.config.data, step.clone(), Millis::now()).await?;
            }
            tx.commit().await.map_err(StoreError::from)?;
            done += chunk.len();
            task.progress(done, all).await;
        }
        let mut tx = app.store.write().await?;
        self.reveal(&mut tx, Millis::now()).await?;
        tx.commit().await.map_err(StoreError::from)?;
        Ok(json!({ "project_ids": self.tops }))
    }

    async fn step(&mut self, db: &mut Db, data: &Path, step: Step, now: Millis) -> ApiResult<()> {
        match step {
            Step::Folder(new, status) => Ok(self.folder(db, new, status, now).await?),
            Step::Asset(asset) => self.asset(db, data, asset, now).await,
        }
    }

    async fn folder(
        &mut self,
        db: &mut Db,
        new: NewFolder,
        status: ProjectStatus,
        now: Millis,
    ) -> Result<(), StoreError> {
        copies::folder(db, NewFolder { task: self.task, ..new }, now).await?;
        if let Some(settings) = &self.along.settings {
            copies::set_settings(db, new.id, settings).await?;
        }
        if self.along.people {
            copies::members(db, new.source, new.id, now).await?;
        }
        if self.along.teams {
            for team in copies::teams(db, new.source).await? {
                let team = self.teams.get(&team).copied().unwrap_or(team);
                teams::let_into_project(db, new.id, team, now).await?;
            }
        }
        if self.along.people && self.along.teams && self.tops.contains(&new.id) {
            copies::inherited_people(db, new.source, new.id, now).await?;
        }
        if self.along.assets {
            self.batches.extend(copies::batches(db, new.source, new.id, now).await?);
        }
        self.made.push((new.id, status));
        Ok(())
    }

    async fn asset(
        &mut self,
        db: &mut Db,
        data: &Path,
        asset: Copyable,
        now: Millis,
    ) -> ApiResult<()> {
        let Some(folder) = self.folders.get(&asset.project_id).copied() else { return Ok(()) };
        let batch = asset.batch_id.and_then(|id| self.batches.get(&id).copied());
        let new = copies::asset(db, asset.id, folder, batch, now).await?;
        for file in copies::files(db, asset.id).await? {
            let location = provision::copy_file(data, &file.location, new)
                .await
                .map_err(|error| crate::error::ApiError::internal(&error))?;
            self.written.push(location.clone());
            copies::file(db, file.id, new, &location, now).await?;
        }
        Ok(())
    }

    /// Shows what was made, to whoever may see it; its owner may.
    async fn reveal(&mut self, db: &mut Db, now: Millis) -> ApiResult<()> {
        for (id, status) in &self.made {
            copies::reveal(db, *id, *status).await?;
        }
        for top in &self.tops {
            let seen = store::projects::seen(db, self.owner, *top).await?;
            if !seen.is_some_and(|seen| seen.is_admin) {
                let member = MemberRow { security_group_id: ADMINISTRATOR, project_role: None };
                store::members::set_project_member(db, *top, self.owner, &member, now).await?;
            }
        }
        Ok(())
    }
}

/// Deletes what is left of a copy that was not finished, or without a task of all of them, with the
/// files that the database knows of.
///
/// # Errors
/// When the database fails.
pub async fn discard(store: &Store, data: &Path, task: Option<TaskId>) -> Result<(), StoreError> {
    let mut tx = store.write().await?;
    let files = copies::discard(&mut tx, task).await?;
    tx.commit().await?;
    remove(data, &files).await;
    Ok(())
}

async fn remove(data: &Path, files: &[String]) {
    for location in files {
        match tokio::fs::remove_file(data.join(location)).await {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                tracing::warn!(%location, %error, "a file of an unfinished copy was not removed");
            }
            _ => {}
        }
    }
}
