-- What there is to see: productions, folders, batches, assets and their files,
-- and who may do what in a folder.

-- Permission names are those of the contract's `can_…` fields. An administrator
-- has every permission, whatever is listed. Groups without a company are the
-- defaults that everybody has.
CREATE TABLE security_groups (
    id          INTEGER NOT NULL CONSTRAINT pk_security_groups PRIMARY KEY,
    company_id  TEXT    CONSTRAINT fk_security_groups_company REFERENCES companies (id) ON DELETE CASCADE,
    name        TEXT    NOT NULL,
    lang_key    TEXT    NOT NULL,
    is_admin    BOOLEAN NOT NULL DEFAULT FALSE,
    permissions TEXT    NOT NULL DEFAULT '[]',
    sort_index  INTEGER NOT NULL DEFAULT 0
);

INSERT INTO security_groups (id, name, lang_key, is_admin, permissions, sort_index) VALUES
    (1, 'Administrator', 'security_group.administrator', TRUE, '[]', 1),
    (2, 'Manager', 'security_group.manager', FALSE,
     '["can_view","can_comment","can_upload","can_download","can_download_nonwatermarked","can_delete_assets","can_update_assets","can_delete_users","can_invite_users","can_view_participants","can_update_participants","can_create_playlinks","can_create_playlists","can_invite_playlink_users","can_assign_job_to_others","can_asset_search","can_create_live_stream","can_create_subclip","can_create_subproject","can_create_workflow","can_offline","can_send_to_qtake","can_share_assets_in_review_session","can_take_screenshot","can_update_batch_visibility","can_update_batches","can_view_activity","can_view_hidden_batches","can_add_dynamic_folder_playlist"]', 2),
    (3, 'Contributor', 'security_group.contributor', FALSE,
     '["can_view","can_comment","can_upload","can_download","can_update_assets","can_view_participants","can_create_playlists","can_asset_search","can_create_live_stream","can_create_subclip","can_offline","can_share_assets_in_review_session","can_take_screenshot","can_update_batches","can_add_dynamic_folder_playlist"]', 3),
    (4, 'Reviewer', 'security_group.reviewer', FALSE,
     '["can_view","can_comment","can_download","can_view_participants","can_create_playlists","can_asset_search","can_share_assets_in_review_session","can_take_screenshot"]', 4),
    (5, 'Viewer', 'security_group.viewer', FALSE,
     '["can_view","can_comment","can_asset_search"]', 5);

-- The contract's `group`. (`groups` is a keyword of both databases.)
CREATE TABLE productions (
    id                        TEXT    NOT NULL CONSTRAINT pk_productions PRIMARY KEY,
    company_id                TEXT    NOT NULL CONSTRAINT fk_productions_company REFERENCES companies (id),
    owner_id                  TEXT    NOT NULL CONSTRAINT fk_productions_owner REFERENCES users (id),
    name                      TEXT    NOT NULL,
    description               TEXT    NOT NULL DEFAULT '',
    color                     INTEGER NOT NULL DEFAULT 0,
    status                    TEXT    NOT NULL DEFAULT 'ACTIVE',
    settings                  TEXT    NOT NULL DEFAULT '{}',
    sizes                     TEXT    NOT NULL DEFAULT '{}',
    transcode_formats         TEXT    NOT NULL DEFAULT '{}',
    watermark_settings        TEXT    NOT NULL DEFAULT '{}',
    thumbnail_position        DOUBLE PRECISION NOT NULL DEFAULT 0,
    additional_rooms          INTEGER NOT NULL DEFAULT 0,
    max_usage                 BIGINT,
    poster_asset_id           TEXT,
    background_image_asset_id TEXT,
    production_folder_id      TEXT,
    license_id                TEXT,
    transaction_reference     TEXT,
    control_notes             TEXT,
    flow_project_id           TEXT,
    flow_project_name         TEXT,
    is_linked_to_flow         BOOLEAN NOT NULL DEFAULT FALSE,
    start_date                BIGINT,
    expiry_date               BIGINT,
    suspended                 BIGINT,
    created                   BIGINT  NOT NULL,
    modified                  BIGINT  NOT NULL,
    CONSTRAINT ck_productions_status CHECK (status IN ('ACTIVE', 'PENDING', 'DELETED'))
);
CREATE INDEX ix_productions_company ON productions (company_id);

-- A folder; its parent is in the same production.
CREATE TABLE projects (
    id                 TEXT    NOT NULL CONSTRAINT pk_projects PRIMARY KEY,
    production_id      TEXT    NOT NULL CONSTRAINT fk_projects_production REFERENCES productions (id),
    parent_project_id  TEXT    CONSTRAINT fk_projects_parent REFERENCES projects (id),
    owner_id           TEXT    NOT NULL CONSTRAINT fk_projects_owner REFERENCES users (id),
    name               TEXT    NOT NULL,
    description        TEXT    NOT NULL DEFAULT '',
    status             TEXT    NOT NULL DEFAULT 'ACTIVE',
    settings           TEXT    NOT NULL DEFAULT '{}',
    sizes              TEXT    NOT NULL DEFAULT '',
    transcode_formats  TEXT    NOT NULL DEFAULT '{}',
    watermark_settings TEXT    NOT NULL DEFAULT '{}',
    asset_view_settings TEXT   NOT NULL DEFAULT '[]',
    overlay            TEXT    NOT NULL DEFAULT '{}',
    mfa_enabled        BOOLEAN NOT NULL DEFAULT FALSE,
    thumbnail_position DOUBLE PRECISION NOT NULL DEFAULT 0,
    created            BIGINT  NOT NULL,
    modified           BIGINT  NOT NULL,
    CONSTRAINT ck_projects_status CHECK (status IN ('ACTIVE', 'DELETED', 'ARCHIVED'))
);
CREATE INDEX ix_projects_production ON projects (production_id);
CREATE INDEX ix_projects_parent ON projects (parent_project_id);

-- A membership counts for the folder and for everything below it, until a
-- folder further down has another one for the same person.
CREATE TABLE project_members (
    project_id        TEXT    NOT NULL CONSTRAINT fk_project_members_project REFERENCES projects (id) ON DELETE CASCADE,
    user_id           TEXT    NOT NULL CONSTRAINT fk_project_members_user REFERENCES users (id) ON DELETE CASCADE,
    security_group_id INTEGER NOT NULL CONSTRAINT fk_project_members_security_group REFERENCES security_groups (id),
    project_role      TEXT,
    created           BIGINT  NOT NULL,
    CONSTRAINT pk_project_members PRIMARY KEY (project_id, user_id)
);
CREATE INDEX ix_project_members_user ON project_members (user_id);

CREATE TABLE batches (
    id         TEXT    NOT NULL CONSTRAINT pk_batches PRIMARY KEY,
    project_id TEXT    NOT NULL CONSTRAINT fk_batches_project REFERENCES projects (id),
    owner_id   TEXT    NOT NULL CONSTRAINT fk_batches_owner REFERENCES users (id),
    name       TEXT    NOT NULL,
    hidden     BOOLEAN NOT NULL DEFAULT FALSE,
    status     TEXT    NOT NULL DEFAULT 'ACTIVE',
    created    BIGINT  NOT NULL,
    CONSTRAINT ck_batches_status CHECK (status IN ('ACTIVE', 'DELETED'))
);
CREATE INDEX ix_batches_project ON batches (project_id);

CREATE TABLE assets (
    id              TEXT    NOT NULL CONSTRAINT pk_assets PRIMARY KEY,
    project_id      TEXT    NOT NULL CONSTRAINT fk_assets_project REFERENCES projects (id),
    batch_id        TEXT    CONSTRAINT fk_assets_batch REFERENCES batches (id),
    owner_id        TEXT    NOT NULL CONSTRAINT fk_assets_owner REFERENCES users (id),
    -- Chosen by the client; the only other way to name an asset.
    uuid            TEXT,
    name            TEXT    NOT NULL,
    ext             TEXT    NOT NULL DEFAULT '',
    description     TEXT    NOT NULL DEFAULT '',
    status          TEXT    NOT NULL DEFAULT 'ACTIVE',
    asset_type      TEXT    NOT NULL DEFAULT 'VIDEO',
    subtype         TEXT,
    is_live         BOOLEAN NOT NULL DEFAULT FALSE,
    hidden          BOOLEAN NOT NULL DEFAULT FALSE,
    -- Picture timing: `frames` frames at `fps_num / fps_den`; null when it is not known.
    frames          BIGINT,
    fps_num         INTEGER,
    fps_den         INTEGER,
    duration_ms     BIGINT,
    metadata        TEXT    NOT NULL DEFAULT '{}',
    custom_metadata TEXT    NOT NULL DEFAULT '{}',
    tags            TEXT    NOT NULL DEFAULT '[]',
    sort_index      INTEGER NOT NULL DEFAULT 0,
    created         BIGINT  NOT NULL,
    modified        BIGINT  NOT NULL,
    CONSTRAINT ck_assets_status CHECK (status IN ('ACTIVE', 'TRANSCODING', 'PROCESSING', 'DELETED')),
    CONSTRAINT ck_assets_rate CHECK ((fps_num IS NULL AND fps_den IS NULL) OR (fps_num > 0 AND fps_den > 0))
);
CREATE INDEX ix_assets_project ON assets (project_id);
CREATE INDEX ix_assets_batch ON assets (batch_id);
-- A deleted asset gives its uuid free.
CREATE UNIQUE INDEX uq_assets_uuid ON assets (project_id, uuid) WHERE status <> 'DELETED';

-- `location` is a path below the data folder, with `/` between its parts.
CREATE TABLE asset_files (
    id             TEXT    NOT NULL CONSTRAINT pk_asset_files PRIMARY KEY,
    asset_id       TEXT    NOT NULL CONSTRAINT fk_asset_files_asset REFERENCES assets (id),
    owner_id       TEXT    NOT NULL CONSTRAINT fk_asset_files_owner REFERENCES users (id),
    location       TEXT    NOT NULL CONSTRAINT uq_asset_files_location UNIQUE,
    file_name      TEXT    NOT NULL,
    category       TEXT    NOT NULL DEFAULT 'PROXY',
    status         TEXT    NOT NULL DEFAULT 'ACTIVE',
    container      TEXT,
    video_codec    TEXT,
    audio_codec    TEXT,
    width          INTEGER,
    height         INTEGER,
    fps_num        INTEGER,
    fps_den        INTEGER,
    audio_channels INTEGER,
    audio_rate     INTEGER,
    bitrate_kbps   DOUBLE PRECISION,
    colorspace     TEXT,
    tc_start       TEXT,
    tc_end         TEXT,
    bytes          BIGINT  NOT NULL,
    is_playable    BOOLEAN NOT NULL DEFAULT FALSE,
    is_primary     BOOLEAN NOT NULL DEFAULT FALSE,
    created        BIGINT  NOT NULL,
    CONSTRAINT ck_asset_files_status CHECK (status IN ('ACTIVE', 'DELETED', 'PROCESSING'))
);
CREATE INDEX ix_asset_files_asset ON asset_files (asset_id);
