-- Sources that send plain RTP: who they are is told by their address. The kinds stand in a constraint,
-- which cannot be changed in place: the table is made anew. What refers to it would go with the old
-- one, and is put aside meanwhile.
CREATE TABLE live_desktops_kept AS SELECT registration_id, room_id FROM live_desktops;
DELETE FROM live_desktops;
CREATE TABLE live_registrations_new (
    id             TEXT   NOT NULL CONSTRAINT pk_live_registrations PRIMARY KEY,
    project_id     TEXT   NOT NULL CONSTRAINT fk_live_registrations_project REFERENCES projects (id),
    owner_id       TEXT   NOT NULL CONSTRAINT fk_live_registrations_owner REFERENCES users (id),
    kind           TEXT   NOT NULL DEFAULT 'WHIP',
    status         TEXT   NOT NULL DEFAULT 'ACTIVE',
    name           TEXT   NOT NULL,
    description    TEXT   NOT NULL DEFAULT '',
    device         TEXT   NOT NULL,
    stream         TEXT   NOT NULL,
    token_sha256   TEXT   CONSTRAINT uq_live_registrations_token UNIQUE,
    asset_id       TEXT   CONSTRAINT fk_live_registrations_asset REFERENCES assets (id),
    last_connected BIGINT,
    created        BIGINT NOT NULL,
    -- Nobody may publish it until it is started again.
    stopped        BOOLEAN NOT NULL DEFAULT FALSE,
    CONSTRAINT ck_live_registrations_kind CHECK (kind IN ('WHIP', 'DESKTOP', 'SRT', 'RAW')),
    CONSTRAINT ck_live_registrations_status CHECK (status IN ('ACTIVE', 'DELETED'))
);
INSERT INTO live_registrations_new (id, project_id, owner_id, kind, status, name, description, device, stream,
    token_sha256, asset_id, last_connected, created, stopped)
SELECT id, project_id, owner_id, kind, status, name, description, device, stream,
    token_sha256, asset_id, last_connected, created, stopped FROM live_registrations;
DROP TABLE live_registrations;
ALTER TABLE live_registrations_new RENAME TO live_registrations;
CREATE UNIQUE INDEX uq_live_registrations_source ON live_registrations (project_id, device, stream) WHERE status <> 'DELETED';
CREATE INDEX ix_live_registrations_asset ON live_registrations (asset_id);
INSERT INTO live_desktops (registration_id, room_id) SELECT registration_id, room_id FROM live_desktops_kept;
DROP TABLE live_desktops_kept;

-- Where such a source sends from. Port 0: it has no picture, or no sound.
CREATE TABLE live_raw_sources (
    registration_id TEXT   NOT NULL CONSTRAINT pk_live_raw_sources PRIMARY KEY CONSTRAINT fk_live_raw_sources_registration REFERENCES live_registrations (id) ON DELETE CASCADE,
    source_ip       TEXT   NOT NULL,
    video_port      BIGINT NOT NULL,
    audio_port      BIGINT NOT NULL
);
CREATE INDEX ix_live_raw_sources_ip ON live_raw_sources (source_ip);
